"""What can keep a delivery from being stored, and how to tell it from a body's fault."""

from __future__ import annotations

import psycopg
from django.db import DatabaseError, InterfaceError

# SQLSTATEs that say the server, not the statement, is the trouble: connection exceptions, too many
# connections, out of disk or memory, read-only, shutting down or starting up.
_AWAY_CLASSES = ("08", "53", "58", "25006", "57P")


class StorageUnavailable(Exception):
    """Nothing was stored and nothing acknowledged; the sender should try again."""


class BodyGone(Exception):
    """There is nothing left to apply; the message is a sentence."""


class StopsWorker(Exception):
    """Applying it never came to an end, so it is not tried; the message is a sentence."""


def is_away(error: BaseException) -> bool:
    """Whether a database error means that the server cannot be used just now.

    A statement that was cancelled, or whose values do not fit, is not that: it would fail again.
    """
    cause = error.__cause__ if isinstance(error, DatabaseError) and error.__cause__ else error
    if isinstance(cause, psycopg.InterfaceError | InterfaceError):
        return True
    if not isinstance(cause, psycopg.Error):
        return False
    state = cause.sqlstate
    if state is None:  # the server never answered
        return isinstance(cause, psycopg.OperationalError)
    return state.startswith(_AWAY_CLASSES)
