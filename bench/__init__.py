"""Measures Switchboard beside what it replaces. Not part of the product."""
