"""What Retell's events change: calls, chats and its alerts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from django.db import connection, transaction

from calls import sql as calls_sql
from calls.models import RetellAlert
from calls.reader import MAX_TIMESTAMP_MS, Reading, timestamp
from calls.sql import Target

ALERT_TEXT_MAX_LENGTH = 500


def merge(
    schema: str,
    target: Target,
    reading: Reading,
    *,
    source: str = "webhook",
    first_seen_at: datetime | None = None,
) -> None:
    """Merge one reading into its row, inside the organization's context."""
    parameters = calls_sql.parameters(target, reading, source=source, first_seen_at=first_seen_at)
    _cursor().execute(calls_sql.merge(schema, target), parameters, prepare=True)


def merge_many(
    schema: str, target: Target, readings: Iterable[tuple[Reading, datetime | None]]
) -> None:
    """`merge` readings, each with when it was first seen, in one round trip. In a transaction: if
    one fails, all must be taken back."""
    rows = [
        calls_sql.parameters(target, reading, first_seen_at=first_seen_at)
        for reading, first_seen_at in readings
    ]
    _cursor().executemany(calls_sql.merge(schema, target), rows)


def _cursor() -> psycopg.RawCursor[Any]:
    with connection.cursor():
        # Entering it set schema and role; see `calls/sql.py` about the raw one.
        return psycopg.RawCursor(connection.connection)


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
