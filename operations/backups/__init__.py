"""Backups of the whole installation: made, kept, proven by restoring them, restored.

A backup is one consistent dump with a manifest of what it must hold, sealed (tenants.dumps).
"""
