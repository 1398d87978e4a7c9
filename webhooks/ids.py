"""Ids of deliveries sort by when they were received, so the primary key finds a time, too."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from uuid import UUID

import uuid_utils.compat

# An id is made a moment after its delivery was received, or minutes when the database is slow.
SLACK = timedelta(minutes=5)
# The demo tells of deliveries of the last months.
TOLD_LATER_SECONDS = 60


def new(received_at: datetime) -> UUID:
    """Of now, in the order of this process; of what is told later, of its own time."""
    if time.time() - received_at.timestamp() <= TOLD_LATER_SECONDS:
        return uuid_utils.compat.uuid7()
    return uuid_utils.compat.uuid7(nanoseconds=int(received_at.timestamp() * 1_000_000) * 1_000)


def first_at(when: datetime) -> UUID:
    """The smallest id of that millisecond."""
    milliseconds = min(max(int(when.timestamp() * 1_000), 0), 2**48 - 1)
    return UUID(int=milliseconds << 80)
