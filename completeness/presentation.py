"""How completeness reads: sentences, and lines of a call's timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.utils import timezone

from agents.models import RetellConnection
from calls.timeline import Correction as TimelineCorrection
from completeness.models import Completeness, Correction, Gap, Run, RunKind

FIELD_LABELS = {"cost_cents": "cost in cents", "duration_ms": "duration in ms"}


# More open ones than this stand as a number only.
SHOWN_GAPS = 100


@dataclass(frozen=True, slots=True)
class Missing:
    """What the page shows of gaps. `stuck`: the row of a range nobody could compare for long."""

    open: list[Gap]
    accepted: list[Gap]
    stuck: Completeness | None

    @property
    def may_be_accepted(self) -> bool:
        return bool(self.open) or self.stuck is not None


def missing() -> Missing:
    row = Completeness.objects.filter(pk=1).first()
    return Missing(
        list(Gap.objects.open()[:SHOWN_GAPS]),
        list(Gap.objects.accepted().order_by("-accepted_at")[:SHOWN_GAPS]),
        row if row is not None and row.is_stuck(timezone.now()) else None,
    )


@dataclass(frozen=True, slots=True)
class Status:
    """What stands beside a title: `until` is None when nothing was compared yet."""

    until: datetime | None
    has_gap: bool
    is_connected: bool
    problem: str
    last_run: Run | None
    # Not compared for long, apart from what else is missing.
    is_late: bool = False
    open_gaps: int = 0
    accepted_gaps: int = 0

    @property
    def tone(self) -> str:
        if not self.is_connected:
            return "mute"
        return "bad" if self.has_gap else "ok"


def status() -> Status:
    """Inside the organization's context: three rows and a count."""
    row = Completeness.objects.filter(pk=1).first() or Completeness()
    connection = RetellConnection.objects.filter(pk=1).first()
    is_connected = connection is not None and connection.has_api_key
    is_late = is_connected and row.has_gap(timezone.now())
    unhealed = Q(healed_at=None)
    counts = Gap.objects.aggregate(
        open_gaps=Count("id", filter=unhealed & Q(accepted_at=None)),
        accepted_gaps=Count("id", filter=unhealed & Q(accepted_at__isnull=False)),
    )
    return Status(
        until=row.complete_until,
        has_gap=is_late or (is_connected and counts["open_gaps"] > 0),
        is_late=is_late,
        **counts,
        is_connected=is_connected,
        problem=row.problem,
        last_run=Run.objects.ended().filter(kind=RunKind.SCHEDULED).first(),
    )


def corrections_of(call_id: str) -> list[TimelineCorrection]:
    rows = Correction.objects.filter(retell_call_id=call_id).order_by("at", "id")
    return [TimelineCorrection(row.at, row.verdict, _changes(row)) for row in rows]


def _changes(row: Correction) -> list[tuple[str, str, str]]:
    """(field, before, after); both empty where only the name may be told."""
    return [
        (FIELD_LABELS.get(name, name.replace("_", " ")), *(pair or ("", "")))
        for name, pair in sorted(row.changes.items())
    ]
