"""What one check of the running product found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """One fact, measured now.

    `code` is stable (`redis`, `migrations`); `found` is a sentence without secrets, versions or
    addresses of hosts; `fix` says what to do when it is not well.
    """

    code: str
    is_well: bool
    found: str
    fix: str = ""
