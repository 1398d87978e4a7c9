"""There is a backup of the last day, and it was proven by restoring it.

Not asked by `/health/ready`: a web that is taken away would not bring one back.
"""

from __future__ import annotations

from django.utils import timezone

from operations.backups import schedule
from operations.backups.models import ProofState
from operations.backups.querysets import latest_backup
from operations.health.measurement import Measurement, asks_database, span

FIX = (
    "Look at the page Backups, and at the worker's log. It needs BACKUP_KEY, BACKUP_STORAGE and"
    " DATABASE_BACKUP_URL."
)


@asks_database("backup")
def backup() -> Measurement:
    """Fresh and proven; encrypted they all are, nothing writes another kind."""
    latest = latest_backup()
    if latest is None or latest.snapshot_at is None:
        return Measurement("backup", is_well=False, found="There is no backup yet.", fix=FIX)
    now = timezone.now()
    age = span((now - latest.snapshot_at).total_seconds())
    is_fresh = not schedule.is_late(latest.snapshot_at, now)
    is_proven = latest.proof_state == ProofState.PROVEN
    proof = "proven by restoring it" if is_proven else "not proven"
    return Measurement(
        "backup",
        is_well=is_fresh and is_proven,
        found=f"The last backup is {age} old, encrypted, and {proof}.",
        fix=FIX,
    )
