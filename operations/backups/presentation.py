"""What the page of backups shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analytics import charts
from config.templatetags.formats import ago, day, duration, file_size, number, stamp
from operations.backups import schedule
from operations.backups.models import Backup, BackupState, ProofState
from operations.backups.querysets import latest_attempt, latest_backup, latest_proven

TREND = 30
MB = 1024 * 1024


def kpis(now: datetime) -> list[dict[str, Any]]:
    latest, proven = latest_backup(), latest_proven()
    return [
        {"label": _("Last backup"), "value": ago(latest.snapshot_at if latest else None)},
        {"label": _("Last proven"), "value": ago(proven.snapshot_at if proven else None)},
        {"label": _("Size"), "value": file_size(latest.size_bytes if latest else None)},
        {"label": _("Database"), "value": file_size(latest.database_bytes if latest else None)},
        {"label": _("Took"), "value": duration(_took_ms(latest))},
        {"label": _("Kept"), "value": number(Backup.objects.kept().count())},
    ]


def _took_ms(backup: Backup | None) -> float | None:
    seconds = backup.seconds if backup else None
    return None if seconds is None else 1000 * seconds


def facts(now: datetime) -> list[tuple[str, Any, bool]]:
    """Where backups go, when the next one is made, how many are kept."""
    due = schedule.next_run(now)
    keeping = _(
        "%(daily)s daily, %(weekly)s weekly, %(monthly)s monthly, and the last proven one"
    ) % {
        "daily": settings.BACKUP_KEEP_DAILY,
        "weekly": settings.BACKUP_KEEP_WEEKLY,
        "monthly": settings.BACKUP_KEEP_MONTHLY,
    }
    return [
        (_("Storage"), str(settings.BACKUP_STORAGE), False),
        (_("Next run"), _("as soon as a worker is free") if due <= now else stamp(due), False),
        (_("Kept"), keeping, False),
        (_("Encryption"), _("AES-256-GCM, with BACKUP_KEY"), False),
    ]


def facts_of(backup: Backup) -> list[tuple[str, Any, bool]]:
    """Of one backup; what is not known yet is a dash."""
    return [
        (_("Name"), backup.name, True),
        (_("Storage"), backup.storage, False),
        (_("As of"), stamp(backup.snapshot_at), False),
        (_("Asked for by"), backup.asked_by or _("the schedule"), False),
        (_("Took"), duration(_took_ms(backup)), False),
        (_("Tables"), number(backup.tables or None), False),
        (_("Rows"), number(backup.rows or None), False),
        (_("Size"), file_size(backup.size_bytes or None), False),
        (_("Database"), file_size(backup.database_bytes or None), False),
        (_("Proven"), stamp(backup.proven_at), False),
    ]


def notices(now: datetime) -> list[tuple[str, str]]:
    """(tone, sentence) of what is wrong with them, the worst first."""
    latest, attempt, proven = latest_backup(), latest_attempt(), latest_proven()
    found = []
    if attempt and attempt.state == BackupState.FAILED:
        found.append(("bad", _("The last backup failed: %(why)s") % {"why": attempt.message}))
    if latest and latest.proof_state == ProofState.FAILED:
        why = latest.proof_message
        found.append(("bad", _("The last backup could not be proven: %(why)s") % {"why": why}))
    if latest and latest.snapshot_at and schedule.is_late(latest.snapshot_at, now):
        found.append(
            ("bad", _("There is no backup of the last day. Look whether the worker runs."))
        )
    if latest and proven is None and latest.proof_state != ProofState.FAILED:
        found.append(("warn", _("No backup was proven yet: only one that was restored is one.")))
    return found


def trend() -> SafeString | None:
    """The sizes of the last backups of everything; None while there are fewer than two."""
    made = Backup.objects.whole().filter(state__in=(BackupState.DONE, BackupState.REMOVED))
    last = list(made.exclude(snapshot_at=None).newest_first()[:TREND])[::-1]
    if len(last) < 2:
        return None
    labels = [day(backup.snapshot_at.date()) for backup in last if backup.snapshot_at]
    return charts.lines(
        _("Size of backups, in MB"), labels, _sizes(last), head=_("Backup"), height=150, show=_mb
    )


def _sizes(backups: Sequence[Backup]) -> list[charts.Series]:
    return [charts.Series(_("Size"), [backup.size_bytes / MB for backup in backups], 1)]


def _mb(value: Any) -> str:
    return file_size(int(value * MB))
