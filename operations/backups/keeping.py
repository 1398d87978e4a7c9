"""Which backups are kept: those of the last day, and the newest of each of the last days, weeks and
months."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.actions import record
from audit.vocabulary import Action, Kind
from operations.backups import storage
from operations.backups.models import Backup, BackupState, ProofState
from tenants.scope import platform

REMOVED = Action(
    "operations.backup_removed", "let the backup {object} go as the retention says", Kind.DELETE
)
# Whoever made one by hand beside the daily one, before a risky change, finds it.
LAST_DAY = timedelta(days=1)
NO_LONGER_KEPT = "Newer ones took its place."


@dataclass(frozen=True, slots=True)
class Kept:
    """What the choice needs to know of a good backup."""

    id: UUID
    at: datetime
    is_proven: bool


def _day(at: datetime) -> tuple[int, ...]:
    return (at.year, at.month, at.day)


def _week(at: datetime) -> tuple[int, ...]:
    return at.isocalendar()[:2]


def _month(at: datetime) -> tuple[int, ...]:
    return (at.year, at.month)


def superfluous(backups: Iterable[Kept], *, daily: int, weekly: int, monthly: int) -> set[UUID]:
    """Which may go. The newest, and the newest that was proven, never do, whatever the numbers."""
    newest_first = sorted(backups, key=lambda backup: (backup.at, backup.id.int), reverse=True)
    kept = {backup.id for backup in newest_first[:1]}
    kept |= {backup.id for backup in [b for b in newest_first if b.is_proven][:1]}
    kept |= {backup.id for backup in newest_first if newest_first[0].at - backup.at < LAST_DAY}
    kept |= _newest_of_each(newest_first, _day, daily)
    kept |= _newest_of_each(newest_first, _week, weekly)
    kept |= _newest_of_each(newest_first, _month, monthly)
    return {backup.id for backup in newest_first} - kept


def _newest_of_each(
    newest_first: list[Kept], period: Callable[[datetime], tuple[int, ...]], number: int
) -> set[UUID]:
    """The newest of each of the last `number` periods that have one."""
    found: dict[tuple[int, ...], UUID] = {}
    for backup in newest_first:
        found.setdefault(period(backup.at), backup.id)
    return set(list(found.values())[:number])


def clean_up(organization_id: UUID | None) -> int:
    """Remove what is no longer kept; how many. Raises `BackupError` when a file stays."""
    with platform():
        here = Backup.objects.kept().stored_here().filter(organization_id=organization_id)
        good = {backup.pk: backup for backup in here}
    gone = superfluous(
        (
            Kept(backup.pk, backup.snapshot_at, backup.proof_state == ProofState.PROVEN)
            for backup in good.values()
            if backup.snapshot_at
        ),
        daily=settings.BACKUP_KEEP_DAILY,
        weekly=settings.BACKUP_KEEP_WEEKLY,
        monthly=settings.BACKUP_KEEP_MONTHLY,
    )
    for backup in (good[id] for id in sorted(gone)):
        storage.remove(backup.name)
        with platform(), transaction.atomic():
            Backup.objects.filter(pk=backup.pk).update(
                state=BackupState.REMOVED, message=NO_LONGER_KEPT
            )
            record(REMOVED, backup)
    return len(gone)
