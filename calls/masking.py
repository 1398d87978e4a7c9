"""Who sees whole phone numbers. The one place that decides it."""

from __future__ import annotations

from accounts.access import sees_personal_data

VISIBLE_DIGITS = 4


def mask(number: str) -> str:
    """`•••• 0142`: the last four characters."""
    return f"•••• {number[-VISIBLE_DIGITS:]}" if len(number) > VISIBLE_DIGITS else "••••"


def shown_number(number: str | None) -> str | None:
    """The number as the person of this request may see it: admins whole, viewers masked."""
    if not number or sees_personal_data():
        return number
    return mask(number)
