"""How completeness reads: sentences, and lines of a call's timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from agents.models import RetellConnection
from calls.timeline import Correction as TimelineCorrection
from completeness.models import Completeness, Correction, Run, RunKind

FIELD_LABELS = {"cost_cents": "cost in cents", "duration_ms": "duration in ms"}


@dataclass(frozen=True, slots=True)
class Status:
    """What stands beside a title: `until` is None when nothing was compared yet."""

    until: datetime | None
    has_gap: bool
    is_connected: bool
    problem: str
    last_run: Run | None

    @property
    def tone(self) -> str:
        if not self.is_connected:
            return "mute"
        return "bad" if self.has_gap else "ok"


def status() -> Status:
    """Inside the organization's context: two or three rows."""
    row = Completeness.objects.filter(pk=1).first() or Completeness()
    connection = RetellConnection.objects.filter(pk=1).first()
    is_connected = connection is not None and connection.has_api_key
    return Status(
        until=row.complete_until,
        has_gap=is_connected and row.has_gap(timezone.now()),
        is_connected=is_connected,
        problem=row.problem,
        last_run=Run.objects.filter(kind=RunKind.SCHEDULED).order_by("-id").first(),
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
