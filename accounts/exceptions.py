"""What can go wrong with people, as sentences."""

from __future__ import annotations


class AccountError(Exception):
    """The person or invitation cannot be changed as asked; the message says why."""
