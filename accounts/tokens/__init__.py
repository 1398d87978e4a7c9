"""Tokens of people's programs: JWT for five minutes, and one to fetch the next with."""
