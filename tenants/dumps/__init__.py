"""Dumps of PostgreSQL that leave the database: made and restored as streams, always encrypted."""
