"""Changes to calls: the merge, alerts, and what an admin decides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from django.db import connection, transaction
from django.utils import timezone

from calls import sql as calls_sql
from calls.models import Call, RetellAlert
from calls.reader import Reading, timestamp
from calls.sql import Target

ALERT_TEXT_MAX_LENGTH = 500


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


def _milliseconds(alert: Mapping[str, Any], name: str) -> int | None:
    value = alert.get(name)
    plausible = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**14
    return value if plausible else None


def record_alert(incident_id: str, alert: Mapping[str, Any]) -> None:
    """Open or close an incident, in any order: closed stays closed, and closing says the last word.

    An absent name or time never replaces one that is there.
    """
    resolved_at = timestamp(_milliseconds(alert, "resolved_timestamp"))
    triggered_at = timestamp(_milliseconds(alert, "triggered_timestamp"))
    with transaction.atomic():
        RetellAlert.objects.get_or_create(incident_id=incident_id)
        row = RetellAlert.objects.select_for_update().get(incident_id=incident_id)
        wins = resolved_at is not None or row.resolved_at is None
        for name in ("name", "metric_type"):
            text = str(alert.get(name) or "")[:ALERT_TEXT_MAX_LENGTH]
            if text and (wins or not getattr(row, name)):
                setattr(row, name, text)
        if wins:
            row.body = json.loads(calls_sql.dumps(alert))
        row.triggered_at = row.triggered_at or triggered_at
        row.resolved_at = row.resolved_at or resolved_at
        row.save(update_fields=["name", "metric_type", "triggered_at", "resolved_at", "body"])


def classify(call: Call, *, is_billable: bool, reason: str, changed_by: str) -> None:
    """Decide whether a call is billable; the reason is kept and outranks Retell's signals.

    Raises `ClassificationError` without a reason.
    """
    reason = reason.strip()
    if not reason:
        raise ClassificationError("Say why: the reason stands on the call from now on.")
    Call.objects.filter(pk=call.pk).update(
        billable_override=is_billable,
        billable_reason=reason[:200],
        billable_changed_by=changed_by,
        billable_changed_at=timezone.now(),
    )
