"""What one check of the running product found."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, connection, transaction

from tenants.scope import platform

logger = logging.getLogger(__name__)

NO_ANSWER = "The database does not answer."
NO_ANSWER_FIX = (
    "Start PostgreSQL, and see that DATABASE_URL leads to it. Nothing that was acknowledged is"
    " lost; Retell sends again what could not be taken."
)


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


def asks_database(code: str) -> Callable[[Callable[[], Measurement]], Callable[[], Measurement]]:
    """For measurements that read shared tables, as the platform's role: a database that does not
    answer is a finding, never an error."""

    def wrap(measure: Callable[[], Measurement]) -> Callable[[], Measurement]:
        @functools.wraps(measure)
        def measured() -> Measurement:
            try:
                with platform(), _apart():
                    return measure()
            except (DatabaseError, InterfaceError):
                logger.warning("not measured, the database does not answer", extra={"cause": code})
                if not connection.in_atomic_block:
                    connection.close()
                return Measurement(code, is_well=False, found=NO_ANSWER, fix=NO_ANSWER_FIX)

        return measured

    return wrap


def _apart() -> AbstractContextManager[None]:
    """A statement that fails inside the caller's transaction must not take it along. Without one,
    each statement stands alone: locks held over several could deadlock with a `release`."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def span(seconds: float) -> str:
    """ "40 seconds", "12 minutes", "3 hours", "2 days": a length of time in a sentence."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}s"
    whole = round(seconds)
    return f"{whole} second" if whole == 1 else f"{whole} seconds"
