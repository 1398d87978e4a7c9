"""Counts refused deliveries by cause, and limits those who keep sending them.

Counters live in the cache: nothing of a refused body is stored, and losing a count loses nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from config.addresses import client_address
from config.limits import is_over_limit
from webhooks.signature import REFUSAL_LABELS, Refusal

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 60
_KEEP_HOURS = 48


def _key(schema_name: str, hour: datetime) -> str:
    return f"switchboard:refusals:{schema_name}:{hour:%Y%m%d%H}"


def count(schema_name: str, refusal: Refusal) -> None:
    """One more refusal of this cause in this hour; `schema_name` is empty for unknown tokens."""
    key = _key(schema_name, timezone.now())
    try:
        pipeline = get_redis_connection().pipeline()
        pipeline.hincrby(key, refusal.value, 1)
        pipeline.expire(key, _KEEP_HOURS * 3600)
        pipeline.execute()
    except RedisError:
        logger.warning("a refusal was not counted, the cache is away")


def is_limited(request: HttpRequest, token_hash: str) -> bool:
    """Whether this sender was refused too often: by address, or by the URL it tries."""
    rate = settings.WEBHOOK_REFUSED_LIMIT
    keys = (f"address:{client_address(request)}", f"token:{token_hash}")
    # Each key is counted, also when the one before it is over.
    return any([is_over_limit(request, "refused-webhook", key, rate) for key in keys])  # noqa: C419


def last_day(schema_name: str) -> list[tuple[str, int]]:
    """(label, count) of the last 24 hours' refusals, most frequent first; empty without cache."""
    labels = {refusal.value: label for refusal, label in REFUSAL_LABELS.items()}
    rows = [(labels.get(cause, cause), number) for cause, number in _last_day(schema_name).items()]
    return sorted(rows, key=lambda row: -row[1])


def by_cause(schema_name: str) -> dict[Refusal, int]:
    """Counts of the last 24 hours' refusals; empty without cache."""
    counted = _last_day(schema_name)
    return {cause: counted[cause.value] for cause in Refusal if cause.value in counted}


def _last_day(schema_name: str) -> dict[str, int]:
    now = timezone.now()
    totals: dict[str, int] = {}
    try:
        pipeline = get_redis_connection().pipeline()
        for back in range(24):
            pipeline.hgetall(_key(schema_name, now - timedelta(hours=back)))
        for counters in pipeline.execute():
            for cause, number in counters.items():
                totals[cause.decode()] = totals.get(cause.decode(), 0) + int(number)
    except RedisError:
        return {}
    return totals
