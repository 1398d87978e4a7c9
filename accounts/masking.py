"""Who sees whole phone numbers. The one place that decides it, for fields and for free text."""

from __future__ import annotations

import re
from typing import TypeVar

from accounts.access import sees_personal_data

VISIBLE_DIGITS = 4
# As people and programs write them: seven digits as 555-0142, or ten and more, however they are
# parted. No date, and no part of a word or of a decimal fraction. Rather too much than too little.
_IN_TEXT = re.compile(
    r"(?<![\w.])(?!\d{4}-\d\d-\d\d(?!\d))"
    r"(?:\+?\(?\d(?:[\s().\-]{0,3}\d){9,}|\+\d(?:[\s().\-]{0,3}\d){6,}|\d{3}[\s.\-]\d{4})(?!\w)"
)

T = TypeVar("T")


def mask(number: str) -> str:
    """`•••• 0142`: the last four characters."""
    return f"•••• {number[-VISIBLE_DIGITS:]}" if len(number) > VISIBLE_DIGITS else "••••"


def holds_number(text: str) -> bool:
    """Whether something in a text would be masked."""
    return _IN_TEXT.search(text) is not None


def shown_number(number: str | None) -> str | None:
    """The number as the person of this request may see it: admins whole, viewers masked."""
    if not number or sees_personal_data():
        return number
    return mask(number)


def masked_text(text: str) -> str:
    """With the numbers in it masked, whoever it is for."""
    return _IN_TEXT.sub(lambda found: mask(re.sub(r"\D", "", found[0])), text)


def shown_text(value: T) -> T | str:
    """A text, or another value as its text, with the numbers in it masked as above."""
    if value is None or isinstance(value, bool) or sees_personal_data():
        return value
    text = str(value)
    masked = masked_text(text)
    return value if masked == text else masked
