"""What each signing key verified, by the hour.

A week may be a million deliveries and take a second or two to count. Hours that are over change no
more, so they are counted once and kept in the cache; losing it costs those seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.db.models import Count, Max
from django.db.models.functions import TruncHour
from django.utils import timezone

from webhooks import ids
from webhooks.models import Delivery

HOUR = timedelta(hours=1)
CACHE_KEY = "webhooks:key-uses"
KEEP_SECONDS = 7 * 24 * 3600

# By the id of the key: how many, and when the last came.
Uses = dict[int, tuple[int, datetime]]


def by_hour(since: datetime) -> dict[datetime, Uses]:
    """From the hour of `since` until now."""
    now = timezone.now()
    first = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [first + number * HOUR for number in range((now - first) // HOUR + 1)]
    kept: dict[datetime, Uses] = cache.get(CACHE_KEY) or {}
    # At least the hour it is now, which is never kept.
    counted = _count(next(hour for hour in hours if hour not in kept))
    found = {hour: kept.get(hour) or counted.get(hour, {}) for hour in hours}
    over = {hour: uses for hour, uses in found.items() if hour + HOUR + ids.SLACK <= now}
    if over.keys() - kept.keys():
        cache.set(CACHE_KEY, over, KEEP_SECONDS)
    return found


def _count(since: datetime) -> dict[datetime, Uses]:
    rows = (
        Delivery.objects.received_from(since)
        .filter(key_id__isnull=False)
        .values_list(TruncHour("received_at", tzinfo=UTC), "key_id")
        .annotate(Count("id"), Max("received_at"))
    )
    found: dict[datetime, Uses] = {}
    for hour, key, number, last_at in rows:
        found.setdefault(hour, {})[key] = (number, last_at)
    return found
