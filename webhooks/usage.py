"""When each webhook URL was last used, to the minute.

Noted in the cache by each process at most once a minute, so that a delivery costs nothing more.
Losing it loses the answer, not a delivery: `since` says from when on it is known.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from django_redis import get_redis_connection
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

NOTE_EVERY_SECONDS = 60
_KEEP_SECONDS = 60 * 24 * 3600
_MOST_NOTED = 50_000
_SINCE = "since"

_noted: dict[UUID, float] = {}


@dataclass(frozen=True, slots=True)
class Usage:
    """`since` None: nothing is known, as nothing was noted or the cache is away."""

    since: datetime | None = None
    last_used: dict[UUID, datetime] = field(default_factory=dict)


def _key(schema_name: str) -> str:
    return f"switchboard:url-usage:{schema_name}"


def note(schema_name: str, endpoint_id: UUID | None) -> None:
    """A correctly signed delivery came under this URL."""
    now = time.monotonic()
    if endpoint_id is None or now < _noted.get(endpoint_id, 0.0):
        return
    if len(_noted) >= _MOST_NOTED:
        _noted.clear()
    _noted[endpoint_id] = now + NOTE_EVERY_SECONDS
    key, at = _key(schema_name), int(time.time())
    try:
        pipeline = get_redis_connection().pipeline()
        pipeline.hsetnx(key, _SINCE, at)
        pipeline.hset(key, str(endpoint_id), at)
        pipeline.expire(key, _KEEP_SECONDS)
        pipeline.execute()
    except RedisError:
        logger.warning("the use of a webhook URL was not noted, the cache is away")


def of(schema_name: str) -> Usage:
    try:
        stored = get_redis_connection().hgetall(_key(schema_name))
    except RedisError:
        return Usage()
    times = {name.decode(): datetime.fromtimestamp(int(at), UTC) for name, at in stored.items()}
    since = times.pop(_SINCE, None)
    return Usage(since, {UUID(name): at for name, at in times.items()})


def forget() -> None:
    """What this process noted; for tests, which empty the cache."""
    _noted.clear()
