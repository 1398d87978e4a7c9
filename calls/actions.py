"""Changes to calls: the merge, alerts, and what an admin decides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from calls import sql as calls_sql
from calls.models import Call, RetellAlert
from calls.reader import Reading, timestamp
from calls.sql import Target


class ClassificationError(Exception):
    """The call cannot be reclassified as asked."""


def merge(schema: str, target: Target, reading: Reading, *, source: str = "webhook") -> None:
    """Merge one reading into its row, inside the organization's context."""
    with connection.cursor():
        raw = psycopg.RawCursor(connection.connection)
    statement = calls_sql.upsert(schema, target).as_bytes(None)
    raw.execute(statement, calls_sql.parameters(target, reading, source=source))


def _milliseconds(alert: Mapping[str, Any], name: str) -> int | None:
    value = alert.get(name)
    plausible = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**14
    return value if plausible else None


def record_alert(incident_id: str, alert: Mapping[str, Any]) -> None:
    """Open or close an incident; closed stays closed, whatever arrives late."""
    row, _ = RetellAlert.objects.get_or_create(incident_id=incident_id)
    resolved = timestamp(_milliseconds(alert, "resolved_timestamp"))
    RetellAlert.objects.filter(pk=row.pk).update(
        name=str(alert.get("name") or "")[:500],
        metric_type=str(alert.get("metric_type") or "")[:500],
        triggered_at=Coalesce(
            F("triggered_at"), timestamp(_milliseconds(alert, "triggered_timestamp"))
        ),
        resolved_at=Coalesce(F("resolved_at"), resolved),
    )
    if resolved is not None or not row.body:
        RetellAlert.objects.filter(pk=row.pk).update(body=json.loads(calls_sql.dumps(alert)))


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
