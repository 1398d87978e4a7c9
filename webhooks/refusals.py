"""Counts refused deliveries by cause, and limits those who keep sending them.

Counters live in the cache, by hour: nothing of a refused body is stored. They are for finding out
why a connection does not work now, so losing them with the cache loses little, and pages say since
when they count. Not in PostgreSQL: whoever knows the address could make us write there.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django_redis import get_redis_connection
from redis.client import Pipeline
from redis.exceptions import RedisError

from config.addresses import client_address
from config.limits import is_over_limit
from webhooks.signature import REFUSAL_LABELS, Refusal

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 60
_KEEP_HOURS = 48
_SINCE_KEY = "switchboard:refusals:since"


def _key(schema_name: str, hour: datetime) -> str:
    return f"switchboard:refusals:{schema_name}:{hour:%Y%m%d%H}"


def count(schema_name: str, refusal: Refusal) -> bool:
    """One more refusal of this cause in this hour; `schema_name` is empty for unknown tokens.

    False when the cache does not answer: then `is_limited` would only wait for it as long again.
    """
    key = _key(schema_name, timezone.now())
    try:
        pipeline = get_redis_connection().pipeline()
        pipeline.hincrby(key, refusal.value, 1)
        pipeline.expire(key, _KEEP_HOURS * 3600)
        _note_since(pipeline)
        pipeline.execute()
    except RedisError:
        logger.warning("a refusal was not counted, the cache is away")
        return False
    return True


def is_limited(request: HttpRequest, token_hash: str) -> bool:
    """Whether this sender was refused too often: by address, or by the URL it tries."""
    rate = settings.WEBHOOK_REFUSED_LIMIT
    keys = (f"address:{client_address(request)}", f"token:{token_hash}")
    # Each key is counted, also when the one before it is over.
    return any([is_over_limit(request, "refused-webhook", key, rate) for key in keys])  # noqa: C419


def label(cause: str) -> str:
    """A cause as people read it; one that another version counted as it is."""
    known = {refusal.value: text for refusal, text in REFUSAL_LABELS.items()}
    return known.get(cause, cause)


@dataclass(frozen=True, slots=True)
class LastDay:
    """What was refused in each of the last 24 hours, oldest first.

    `since`: counters from before that are lost, with the cache. `is_known`: they could be read.
    """

    hours: list[datetime]
    by_cause: dict[str, list[int]] = field(default_factory=dict)
    since: datetime | None = None
    is_known: bool = True

    @property
    def is_partial(self) -> bool:
        """Whether the counters are younger than the day they are shown for."""
        return self.since is not None and self.since > self.hours[0]


def by_hour(schema_name: str) -> LastDay:
    """The last 24 hours of one organization; of unknown URLs for an empty `schema_name`."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    day = LastDay([now - timedelta(hours=back) for back in reversed(range(24))])
    try:
        pipeline = get_redis_connection().pipeline()
        _note_since(pipeline)
        pipeline.get(_SINCE_KEY)
        for hour in day.hours:
            pipeline.hgetall(_key(schema_name, hour))
        _, since, *counters = pipeline.execute()
    except RedisError:
        return replace(day, is_known=False)
    for at, found in enumerate(counters):
        for cause, number in found.items():
            day.by_cause.setdefault(cause.decode(), [0] * 24)[at] = int(number)
    return replace(day, since=datetime.fromtimestamp(int(since), UTC))


def last_day(schema_name: str) -> list[tuple[str, int]]:
    """(label, count) of the last 24 hours' refusals, most frequent first; empty without cache."""
    counted = by_hour(schema_name).by_cause
    rows = [(label(cause), sum(counts)) for cause, counts in counted.items()]
    return sorted(rows, key=lambda row: -row[1])


def by_cause(schema_name: str) -> dict[Refusal, int]:
    """Counts of the last 24 hours' refusals; empty without cache."""
    counted = by_hour(schema_name).by_cause
    return {cause: sum(counted[cause.value]) for cause in Refusal if cause.value in counted}


def _note_since(pipeline: Pipeline) -> None:
    """When these counters began: a cache that was emptied has forgotten this, too."""
    pipeline.set(_SINCE_KEY, int(timezone.now().timestamp()), nx=True)
