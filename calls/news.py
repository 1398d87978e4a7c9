"""Telling that calls are final: `call.final`, one message a call, and one more for a correction.

Whoever adds calls up passes on which were written (see calls/changes.py); a job looks at these. A
call is final when it is over and analysed, or over for ten minutes. It is told again when something
of what was told is another: cost that came late, an outcome that was corrected.

What ended before anybody wanted to know is no news, also when it is written again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from calls.models import Call, CallNews
from notices import emitting
from notices.topics import Topic

# An analysis that is not there by then does not come.
SETTLES = timedelta(minutes=10)
BATCH = 200
CENTS = Decimal(100)


def is_wanted() -> bool:
    return emitting.is_wanted(Topic.CALL_FINAL)


def note_written(call_ids: Sequence[UUID]) -> None:
    """These were written: look at them soon. In the transaction that takes their marks."""
    now = timezone.now()
    CallNews.objects.bulk_create(
        [CallNews(call_id=call_id, due_at=now) for call_id in sorted(call_ids)],
        update_conflicts=True,
        unique_fields=["call_id"],
        update_fields=["due_at"],
        batch_size=1000,
    )


def announce_all(now: datetime) -> int:
    """Tell of all that are due, batch by batch; how many messages those were."""
    told = 0
    since = emitting.wanted_since(Topic.CALL_FINAL)
    while since is not None:
        looked, batch_told = _announce_some(now, since)
        told += batch_told
        if looked < BATCH:
            break
    if told:
        emitting.hurry(Topic.CALL_FINAL)
    return told


def _announce_some(now: datetime, since: datetime) -> tuple[int, int]:
    """One transaction's worth: how many calls were looked at, and how many told of."""
    told = 0
    with transaction.atomic():
        due = CallNews.objects.filter(due_at__lte=now).order_by("due_at")
        rows = list(due.select_for_update(skip_locked=True)[:BATCH])
        calls = Call.objects.for_list().in_bulk([row.call_id for row in rows])
        for row in rows:
            told += _announce(row, calls.get(row.call_id), now, since)
        CallNews.objects.bulk_update(rows, ["due_at", "sha256"])
    return len(rows), told


def _announce(row: CallNews, call: Call | None, now: datetime, since: datetime) -> bool:
    """Whether it was told. The row, not saved, says when to look again."""
    row.due_at = None
    if call is None or call.outcome_code == "ongoing":
        return False
    ended_at = call.ended_at or call.sort_at
    if call.call_successful is None and now - ended_at < SETTLES:
        row.due_at = ended_at + SETTLES
        return False
    if not row.sha256 and max(ended_at, call.first_seen_at) < since:
        return False
    data = facts(call)
    # What a person decided is told by `call.reclassified`; what Retell says of tests, here.
    seen = data | {"is_test": call.test_signal is not None}
    sha256 = hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()
    if sha256 == row.sha256:
        return False
    decided = {"is_billable": call.is_billable, "is_correction": bool(row.sha256)}
    emitting.emit(Topic.CALL_FINAL, data | decided, soon=False)
    row.sha256 = sha256
    return True


def facts(call: Call) -> dict[str, Any]:
    """What Retell says of a call, without personal data."""
    return {
        "id": str(call.pk),
        "call_id": call.retell_call_id,
        "agent_id": call.agent_id,
        "call_type": call.call_type,
        "direction": call.direction,
        "status": call.status,
        "outcome": call.outcome_code,
        "disconnection_reason": call.disconnection_reason,
        "user_sentiment": call.user_sentiment,
        "started_at": _time(call.started_at),
        "ended_at": _time(call.ended_at),
        "duration_ms": call.duration_ms,
        "cost": _money(call.cost_cents),
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _money(cents: Decimal | None) -> dict[str, str] | None:
    if cents is None:
        return None
    return {"amount": f"{(cents / CENTS).normalize():f}", "currency": "USD"}
