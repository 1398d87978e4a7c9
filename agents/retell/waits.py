"""How long to wait before trying again: what an answer's headers ask for, or ever longer."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from django.conf import settings

# In seconds, as a date, or as a time since 1970: services differ, and Retell has sent several.
HEADERS = ("Retry-After", "RateLimit-Reset", "X-RateLimit-Reset")
BELIEVABLE_SECONDS = 3600.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
# A number above this is a time since 1970, in seconds; above the next one, in milliseconds.
_A_DATE_SECONDS = 1e9
_A_DATE_MILLISECONDS = 1e12


def asked(headers: Mapping[str, str]) -> float | None:
    """The longest believable wait that an answer asks for, in seconds."""
    now = _date(headers.get("Date", "")) or time.time()  # their clock, when they say it
    waits = [_seconds(headers[name], now) for name in HEADERS if name in headers]
    believable = [wait for wait in waits if wait is not None and 0 <= wait <= BELIEVABLE_SECONDS]
    return max(believable, default=None)


def _seconds(text: str, now: float) -> float | None:
    try:
        number = float(text)
    except ValueError:
        moment = _date(text)
        return None if moment is None else moment - now
    if number > _A_DATE_MILLISECONDS:
        return number / 1000 - now
    return number - now if number > _A_DATE_SECONDS else number


def _date(text: str) -> float | None:
    try:
        moment: datetime = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def pause(attempt: int, asked_seconds: float | None) -> float:
    """Before the attempt after this one (from 1): never less than asked, within the setting."""
    if asked_seconds is None:
        seconds = min(FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
        return seconds * random.uniform(0.75, 1.25)  # noqa: S311 - so that jobs do not march
    return min(asked_seconds, settings.RETELL_MAX_WAIT_SECONDS) + jitter()


def jitter() -> float:
    return random.uniform(0.01, 0.25)  # noqa: S311 - so that jobs do not march
