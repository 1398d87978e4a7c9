"""How long raw bodies are kept. The rows stay: what arrived, when, and what became of it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.actions import record
from audit.vocabulary import Action
from config.paging import capped_count
from webhooks import ids
from webhooks.models import Delivery, Retention

DAYS_MIN, DAYS_MAX = 1, 3650
BATCH = 500
SECONDS_A_RUN = 600
OVERLAP = timedelta(hours=1)

CHANGED = Action("webhooks.retention_changed", "changed how long raw bodies are kept")


def shown(days: int | None) -> str:
    if days is None:
        return "for ever"
    return f"{days:,} day{'' if days == 1 else 's'}"


def change(days: int | None) -> bool:
    """Keep raw bodies for this many days, or for ever; whether that is another number."""
    with transaction.atomic():
        Retention.objects.bulk_create([Retention.current()], ignore_conflicts=True)
        row = Retention.objects.select_for_update().get(pk=1)
        if row.raw_body_days == days:
            return False
        record(CHANGED, row, changes={"kept": [shown(row.raw_body_days), shown(days)]})
        row.raw_body_days = days
        row.save(update_fields=["raw_body_days"])
    return True


def cutoff(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def due_bodies(retention: Retention, days: int) -> QuerySet[Delivery]:
    """Bodies that are older than this many days, oldest first."""
    due = Delivery.objects.received_before(cutoff(days)).filter(body_removed_at__isnull=True)
    if retention.bodies_removed_before is not None:
        due = due.filter(id__gte=ids.first_at(retention.bodies_removed_before - OVERLAP))
    return due.order_by("id")


def count_due(days: int) -> int:
    """How many bodies the next night would remove if it were this many days; capped."""
    return capped_count(due_bodies(Retention.current(), days))


def remove_old_bodies() -> int:
    """Empty the bodies whose time is over, in batches that hold no row for long; how many.

    Ends after ten minutes; the next night goes on from there.
    """
    retention = Retention.current()
    if retention.raw_body_days is None:
        return 0
    until, ends = cutoff(retention.raw_body_days), time.monotonic() + SECONDS_A_RUN
    due, count, last = due_bodies(retention, retention.raw_body_days), 0, None
    while time.monotonic() < ends:
        removed = _remove(due.filter(id__gt=last) if last else due)
        count += len(removed)
        if not removed:
            _note_removed(until)
            break
        last = removed[-1].pk
        _note_removed(removed[-1].received_at)
    return count


def _note_removed(before: datetime) -> None:
    """So that the next run does not look through everything again."""
    Retention.objects.bulk_create([Retention.current()], ignore_conflicts=True)
    Retention.objects.filter(pk=1).update(bodies_removed_before=before)


def _remove(due: QuerySet[Delivery]) -> list[Delivery]:
    """One batch. Waits for those that are being applied just now, which takes milliseconds;
    passing over them would leave their bodies for good, as no later run looks there again."""
    with transaction.atomic():
        rows = list(due.select_for_update().only("id", "received_at")[:BATCH])
        empty(Delivery.objects.filter(pk__in=[row.pk for row in rows]))
    return rows


def empty(deliveries: QuerySet[Delivery]) -> int:
    gone: dict[str, Any] = {"body": b"", "headers": None, "retry_at": None, "redact_at": None}
    return deliveries.update(**gone, body_removed_at=timezone.now())


def remove_unreadable_bodies(before: datetime) -> int:
    """Empty undecodable bodies received before `before`: nothing in them can be redacted, so they
    go sooner. How many."""
    return empty(Delivery.objects.unreadable_before(before))
