"""People and tokens for programs."""
