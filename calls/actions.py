"""Changes to calls: the merge, alerts, and what an admin decides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from django.db import connection, transaction
from django.utils import timezone

from audit.actions import record
from audit.vocabulary import Action, Kind
from calls import sql as calls_sql
from calls.models import Call, Chat, RetellAlert
from calls.reader import MAX_TIMESTAMP_MS, Reading, timestamp
from calls.sql import Target

ALERT_TEXT_MAX_LENGTH = 500

CLASSIFIED = Action("calls.classified", "classed the call {object}")
CLASSIFICATION_KEPT = Action(
    "calls.classification_kept", "confirmed that the call {object} is {is}"
)
READ_CALL = Action("calls.read", "read the transcript of the call {object}", Kind.ACCESS)
LISTENED = Action("calls.listened", "listened to the recording of the call {object}", Kind.ACCESS)
DOWNLOADED = Action(
    "calls.downloaded", "downloaded the recording of the call {object}", Kind.ACCESS
)
READ_CHAT = Action("calls.chat_read", "read the messages of the chat {object}", Kind.ACCESS)


class ClassificationError(Exception):
    """The call cannot be reclassified as asked."""


def merge(
    schema: str,
    target: Target,
    reading: Reading,
    *,
    source: str = "webhook",
    first_seen_at: datetime | None = None,
) -> None:
    """Merge one reading into its row, inside the organization's context."""
    with connection.cursor():
        raw = psycopg.RawCursor(connection.connection)
    statement = calls_sql.upsert(schema, target).as_bytes(None)
    raw.execute(
        statement, calls_sql.parameters(target, reading, source=source, first_seen_at=first_seen_at)
    )


def _moment(alert: Mapping[str, Any], name: str) -> datetime | None:
    """A time in milliseconds; anything else says nothing, and the body keeps it."""
    value = alert.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    is_time = 0 < value <= MAX_TIMESTAMP_MS and value == int(value)
    return timestamp(int(value)) if is_time else None


def record_alert(incident_id: str, alert: Mapping[str, Any], *, event: str) -> None:
    """Open or close an incident, the same in any order: closed stays closed, and of two events
    the closing one counts more, then the later, then the larger body.

    An absent name or time never replaces one that is there.
    """
    resolved_at = _moment(alert, "resolved_timestamp")
    triggered_at = _moment(alert, "triggered_timestamp")
    resolves = event == "alert_resolved" or resolved_at is not None
    body = calls_sql.dumps(alert)
    at = resolved_at or triggered_at
    sha256 = hashlib.sha256(body.encode()).hexdigest()
    key = f"{int(resolves)} {at.isoformat() if at else ''} {sha256}"
    said: dict[str, Any] = {
        "name": str(alert.get("name") or "")[:ALERT_TEXT_MAX_LENGTH],
        "metric_type": str(alert.get("metric_type") or "")[:ALERT_TEXT_MAX_LENGTH],
        "triggered_at": triggered_at,
        "resolved_at": resolved_at,
        "body": json.loads(body),
    }
    with transaction.atomic():
        RetellAlert.objects.get_or_create(incident_id=incident_id)
        row = RetellAlert.objects.select_for_update().get(incident_id=incident_id)
        for name, value in said.items():
            if value and key > row.provenance.get(name, ""):
                setattr(row, name, value)
                row.provenance[name] = key
        row.is_resolved = row.is_resolved or resolves
        row.save(update_fields=[*said, "is_resolved", "provenance"])


def classify(call: Call, *, is_billable: bool, reason: str, changed_by: str) -> None:
    """Decide whether a call is billable; the reason is kept and outranks Retell's signals.

    Raises `ClassificationError` without a reason.
    """
    reason = reason.strip()
    if not reason:
        raise ClassificationError("Say why: the reason stands on the call from now on.")
    with transaction.atomic():
        before = Call.objects.select_for_update().only("is_billable").get(pk=call.pk).is_billable
        Call.objects.filter(pk=call.pk).update(
            billable_override=is_billable,
            billable_reason=reason[:200],
            billable_changed_by=changed_by,
            billable_changed_at=timezone.now(),
        )
        _record_classification(call, before=before, after=is_billable, reason=reason)


def _record_classification(call: Call, *, before: bool, after: bool, reason: str) -> None:
    names = {True: "revenue", False: "test"}
    if before == after:
        record(CLASSIFICATION_KEPT, call, details={"is": names[after]}, reason=reason)
    else:
        changes = {"billing": [names[before], names[after]]}
        record(CLASSIFIED, call, changes=changes, reason=reason)


def note_reading(conversation: Call | Chat) -> None:
    """Somebody is being shown what was said; without this entry they are not."""
    record(READ_CALL if isinstance(conversation, Call) else READ_CHAT, conversation)


def note_listening(call: Call, *, download: bool) -> None:
    """Once a time it is played from its beginning, and each time it is downloaded."""
    record(DOWNLOADED if download else LISTENED, call)
