"""When a message is tried again, when a receiver is left alone, and when it is given up.

Pure: times go in, times come out.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

# After the first try, the second, and so on; after the last the sending has failed.
RETRY_DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
TRIES = len(RETRY_DELAYS) + 1
# Up to so much later, so that what failed together does not come back together.
JITTER = 0.1

# From so many failures in a row on, one try at a time, with growing pauses.
BREAKS_AFTER = 5
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=30)

DISABLED_AFTER = timedelta(days=5)


def next_try(tries: int, now: datetime, chance: float | None = None) -> datetime | None:
    """When to try again after `tries` failed ones; None: never. `chance`, 0 to 1, is the jitter."""
    if not 1 <= tries < TRIES:
        return None
    share = random.random() if chance is None else chance  # noqa: S311 - spreads load, no secret
    return now + RETRY_DELAYS[tries - 1] * (1 + JITTER * share)


def paused_until(failures: int, now: datetime) -> datetime | None:
    """Until when a receiver that failed so often in a row is left alone; None: not at all."""
    if failures < BREAKS_AFTER:
        return None
    doublings = min(failures - BREAKS_AFTER, 10)
    return now + min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def is_hopeless(failing_since: datetime, now: datetime) -> bool:
    return now - failing_since >= DISABLED_AFTER
