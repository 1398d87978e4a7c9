"""Redis answers, and `live`, which says through it that it lives."""

from __future__ import annotations

from django.conf import settings
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from config import presence
from operations.health.measurement import Measurement

REDIS_FIX = (
    "Start Redis or Valkey, and see that REDIS_URL leads to it. Nothing is lost meanwhile: pages"
    " are slower and not live, and limits count nobody."
)


def redis() -> Measurement:
    try:
        get_redis_connection().ping()
    except (RedisError, OSError):
        found = "Redis does not answer."
        return Measurement("redis", is_well=False, found=found, fix=REDIS_FIX)
    return Measurement("redis", is_well=True, found="Redis answers.")


def live() -> Measurement:
    """Well, too, in an installation that runs without it (`LIVE_EXPECTED=0`)."""
    if not settings.LIVE_EXPECTED:
        found = "This installation runs without live updates; pages look by themselves."
        return Measurement("live", is_well=True, found=found)
    try:
        running = [one for one in presence.everyone() if one.kind == "live"]
    except (RedisError, OSError):
        found = "Whether `live` runs is not known: Redis does not answer."
        return Measurement("live", is_well=False, found=found, fix=REDIS_FIX)
    if running:
        return Measurement("live", is_well=True, found="Live updates are served.")
    return Measurement(
        "live",
        is_well=False,
        found="No process `live` gives a sign; pages look by themselves, more slowly.",
        fix="Start the process `live`, or set LIVE_EXPECTED=0 where none is wanted.",
    )
