"""When the worker makes the next backup."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from django.conf import settings

from operations.backups.querysets import latest_attempt, latest_backup

BACKUP_QUEUE = "backups"
# The daily one is late when the newest is older; it takes a while itself.
LATE_AFTER = timedelta(hours=26)
RETRY_AFTER = timedelta(hours=1)


def due_at(latest: datetime | None, failed: datetime | None, at: time, now: datetime) -> datetime:
    """Once a day at `at` of UTC, and soon when there is none yet; an hour after one that failed.

    What was missed, because no worker ran, is due at once: then the time lies in the past.
    """
    due = now if latest is None else _next(latest.astimezone(UTC), at)
    return max(due, failed + RETRY_AFTER) if failed is not None else due


def _next(after: datetime, at: time) -> datetime:
    same_day = datetime.combine(after.date(), at, UTC)
    return same_day if same_day > after else same_day + timedelta(days=1)


def next_run(now: datetime) -> datetime:
    good, attempt = latest_backup(), latest_attempt()
    failed = attempt.finished_at if attempt and attempt.state == "failed" else None
    return due_at(good.snapshot_at if good else None, failed, settings.BACKUP_TIME, now)


def is_late(snapshot_at: datetime, now: datetime) -> bool:
    return now - snapshot_at > LATE_AFTER


def is_configured() -> bool:
    """Whether this process could make one."""
    return bool(settings.BACKUP_KEY and settings.DATABASE_BACKUP_URL)
