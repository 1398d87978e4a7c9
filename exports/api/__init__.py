"""Exports for programs: ask, look how far it is, fetch the file."""
