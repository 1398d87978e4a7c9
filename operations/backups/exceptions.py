"""What can go wrong with backups, as sentences a person can act on."""

from __future__ import annotations

from tenants.exceptions import DumpError


class BackupError(DumpError):
    """A backup could not be made, read, proven or restored; the message says why."""


class Interrupted(BackupError):
    """The worker ends; it goes on, or is made anew, when there is one again."""


class AlreadyRunning(BackupError):
    """Another one runs; nothing was done."""
