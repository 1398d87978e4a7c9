"""What can go wrong with organizations, as sentences a person can act on."""

from __future__ import annotations


class OrganizationError(Exception):
    """The organization cannot be changed as asked; the message says why."""


class DumpError(OrganizationError):
    """A dump could not be written or read; nothing was deleted."""
