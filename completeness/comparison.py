"""Compares calls as Retell's API tells them with the rows here, and merges what is new.

The merge is the same as for webhooks (calls/merge.py): an API read of a final call outranks every
event, and what is absent replaces nothing, so comparing twice changes nothing twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from agents.actions import note_agent
from calls import actions as calls_actions
from calls import sql as calls_sql
from calls.merge import CALL_COLUMNS
from calls.models import Call
from calls.reader import Reading, Unreadable, read_call
from calls.sql import CALLS
from completeness import gaps
from completeness.models import Correction, CorrectionKind, GapKind, Run

API_READ = "api_read"
RECONCILED = "reconciled"
TEST_CALL_ID = "test_call"
# Locks are held for one of these, so webhooks for the same calls wait a moment only.
BATCH = 100

_NAMES = tuple(column.name for column in CALL_COLUMNS)
_PERSONAL = frozenset(column.name for column in CALL_COLUMNS if column.personal)
_TRANSCRIPT = frozenset({"transcript", "transcript_entries"})
# Shown with before and after; of the others the name only.
_SHOWN = frozenset(
    {
        "status", "direction", "disconnection_reason", "started_at", "ended_at", "duration_ms",
        "cost_cents", "call_successful", "user_sentiment", "in_voicemail", "agent_id",
        "agent_version",
    }
)  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """What became of the calls of one page."""

    listed: int = 0
    inserted: int = 0
    corrected: int = 0
    closed: int = 0
    transcripts: int = 0
    unreadable: int = 0
    # By id, or what stands for it: why.
    problems: dict[str, str] = field(default_factory=dict)
    changed_ids: list[str] = field(default_factory=list)


def apply_items(schema: str, run: Run, items: Sequence[Mapping[str, Any]]) -> Outcome:
    """Merge calls that Retell listed; inside the organization's context."""
    outcome = Outcome(listed=len(items))
    readings = _read(items, outcome)
    for start in range(0, len(readings), BATCH):
        with transaction.atomic():
            _apply_batch(schema, run, readings[start : start + BATCH], outcome)
    gaps.note_healed([reading.subject_id for reading in readings])
    if outcome.problems:
        gaps.note(GapKind.UNREADABLE, outcome.problems)
    return outcome


def _read(items: Sequence[Mapping[str, Any]], outcome: Outcome) -> list[Reading]:
    readings: dict[str, Reading] = {}
    for item in items:
        try:
            reading = read_call(dict(item), event=API_READ, body_sha256=_sha256(item))
        except Unreadable as error:
            outcome.unreadable += 1
            outcome.problems[_name(item)] = str(error)
            continue
        if reading.subject_id != TEST_CALL_ID:
            readings[reading.subject_id] = reading
    # In one order everywhere, so that two comparisons never wait for each other.
    return [readings[key] for key in sorted(readings)]


def _name(item: Mapping[str, Any]) -> str:
    """Its id, if it has one that can be told."""
    call_id = item.get("call_id")
    if isinstance(call_id, str) and 0 < len(call_id) <= 64 and call_id.isprintable():
        return call_id
    return f"without an id {_sha256(item).hex()[:12]}"


def _sha256(item: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(calls_sql.dumps(item).encode()).digest()


def _apply_batch(schema: str, run: Run, readings: Sequence[Reading], outcome: Outcome) -> None:
    before = _rows(readings)
    changed = [reading for reading in readings if _says_more(reading, before)]
    for reading in changed:
        values = reading.values
        note_agent(
            values.get("agent_id"), values.get("agent_name"), said_at=values.get("started_at")
        )
        calls_actions.merge(schema, CALLS, reading, source=RECONCILED)
    after = _rows(changed)
    corrections = [
        correction
        for reading in changed
        if (correction := _correction(run, reading.subject_id, before, after))
    ]
    for correction in corrections:
        _count(outcome, correction)
    Correction.objects.bulk_create(corrections)


def _rows(readings: Sequence[Reading]) -> dict[str, dict[str, Any]]:
    ids = [reading.subject_id for reading in readings]
    columns = ("retell_call_id", "outcome_code", "provenance", *_NAMES)
    rows = Call.objects.filter(retell_call_id__in=ids).values(*columns)
    return {row["retell_call_id"]: row for row in rows}


def _says_more(reading: Reading, rows: Mapping[str, dict[str, Any]]) -> bool:
    """Whether merging could change the row: a value that differs, or one it has not."""
    row = rows.get(reading.subject_id)
    if row is None:
        return True
    return any(
        name in row and row[name] != value and reading.keys.get(name, "") > _key(row, name)
        for name, value in reading.values.items()
    )


def _key(row: Mapping[str, Any], name: str) -> str:
    return str(row["provenance"].get(name, ""))


def _correction(
    run: Run,
    call_id: str,
    before: Mapping[str, dict[str, Any]],
    after: Mapping[str, dict[str, Any]],
) -> Correction | None:
    old, new = before.get(call_id), after[call_id]
    if old is None:
        return Correction(run=run, retell_call_id=call_id, kind=CorrectionKind.INSERTED)
    names = [name for name in _NAMES if old[name] != new[name]]
    if not names:
        return None
    return Correction(
        run=run,
        retell_call_id=call_id,
        kind=_kind(names, old, new),
        changes={name: _pair(name, old[name], new[name]) for name in names},
    )


def _kind(names: Sequence[str], old: Mapping[str, Any], new: Mapping[str, Any]) -> CorrectionKind:
    if old["outcome_code"] == "ongoing" != new["outcome_code"]:
        return CorrectionKind.CLOSED
    return CorrectionKind.TRANSCRIPT if _TRANSCRIPT.issuperset(names) else CorrectionKind.CORRECTED


def _pair(name: str, old: Any, new: Any) -> list[str]:
    """Numbers and transcripts stay out of the timeline."""
    if name in _PERSONAL or name not in _SHOWN:
        return []
    return ["" if old is None else str(old), "" if new is None else str(new)]


def _count(outcome: Outcome, correction: Correction) -> None:
    outcome.changed_ids.append(correction.retell_call_id)
    if correction.kind == CorrectionKind.INSERTED:
        outcome.inserted += 1
        return
    if correction.kind == CorrectionKind.TRANSCRIPT:
        outcome.transcripts += 1
        return
    outcome.corrected += 1
    if correction.kind == CorrectionKind.CLOSED:
        outcome.closed += 1
