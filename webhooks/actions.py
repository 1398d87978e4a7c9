"""Receiving a delivery and applying it. What was answered 2xx is on disk.

One statement inserts the delivery (or counts a repetition) and merges it into its call: one round
trip, one commit. If it fails for any reason but the connection, the receipt alone is stored as
*failed* and a job tries again.
"""

from __future__ import annotations

import hashlib
import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import psycopg
import uuid_utils.compat
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from psycopg import sql

from agents.actions import mark_connection_checked
from agents.models import Agent
from calls import actions as calls_actions
from calls import sql as calls_sql
from calls.reader import Reading, Unreadable
from tenants.pin import organization_context
from webhooks import retell
from webhooks.endpoints import Endpoint
from webhooks.models import Delivery, DeliveryState
from webhooks.retell import Action, Parsed

logger = logging.getLogger(__name__)

RETRY_DELAYS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
ADDRESS_MAX_LENGTH = 45
# psycopg's own, and Django's wrapped ones, which a failing connect raises.
CONNECTION_ERRORS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    OperationalError,
    InterfaceError,
)


@dataclass(slots=True)
class Receipt:
    """What was stored of one request."""

    parsed: Parsed | None
    state: DeliveryState
    is_repetition: bool = False


@dataclass(slots=True)
class _Incoming:
    """The delivery's row before it is stored."""

    body: bytes
    is_redacted: bool
    sha256: bytes
    size_bytes: int
    received_at: datetime
    source_address: str
    key_index: int
    event: str = ""
    subject_id: str = ""
    state: DeliveryState = DeliveryState.APPLIED
    reason: str = ""
    reason_detail: str = ""
    retry_at: datetime | None = None

    def parameters(self) -> list[Any]:
        """In the order of `_DELIVERY_COLUMNS`."""
        return [
            uuid_utils.compat.uuid7(),
            self.event,
            self.subject_id,
            self.sha256,
            self.body,
            self.is_redacted,
            self.size_bytes,
            self.state.value,
            self.reason,
            self.reason_detail,
            self.received_at,
            self.received_at,
            self.source_address[:ADDRESS_MAX_LENGTH],
            self.key_index,
            self.retry_at,
        ]


_DELIVERY_COLUMNS = (
    ("id", "uuid"),
    ("event", "text"),
    ("subject_id", "text"),
    ("body_sha256", "bytea"),
    ("body", "bytea"),
    ("is_redacted", "boolean"),
    ("size_bytes", "integer"),
    ("state", "text"),
    ("reason", "text"),
    ("reason_detail", "text"),
    ("received_at", "timestamptz"),
    ("last_received_at", "timestamptz"),
    ("source_address", "text"),
    ("key_index", "smallint"),
    ("retry_at", "timestamptz"),
)


def receive(
    endpoint: Endpoint,
    body: bytes,
    *,
    received_at: datetime | None = None,
    source_address: str = "",
    key_index: int = 0,
) -> Receipt:
    """Store a correctly signed body and apply it, durably, before returning.

    Raises only when the database cannot be reached; nothing was acknowledged then.
    """
    incoming, parsed = _read(body, received_at or timezone.now(), source_address, key_index)
    with organization_context(endpoint.scope):
        try:
            fresh = _store_and_apply(endpoint.schema_name, incoming, parsed)
        except CONNECTION_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the receipt is stored
            _log_failure("applying a delivery failed", error)
            return _store_failed(endpoint.schema_name, incoming, parsed)
    return Receipt(parsed, incoming.state, is_repetition=not fresh)


def _store_and_apply(schema: str, incoming: _Incoming, parsed: Parsed | None) -> bool:
    """In one transaction, however it ends; whether the body was new."""
    if parsed is None or parsed.action not in (Action.ALERT, Action.CHECK):
        return _store(schema, incoming, parsed)
    with transaction.atomic():
        fresh = _store(schema, incoming, parsed)
        if fresh:
            _apply_rare(parsed)
    return fresh


def _read(
    body: bytes, received_at: datetime, source_address: str, key_index: int
) -> tuple[_Incoming, Parsed | None]:
    sha256 = hashlib.sha256(body).digest()
    incoming = _Incoming(body, False, sha256, len(body), received_at, source_address, key_index)
    document: dict[str, Any] = {}
    try:
        document, stripped = retell.load(body)
        incoming.body, incoming.is_redacted = retell.body_to_keep(body, document, stripped=stripped)
        parsed = retell.parse(document, sha256)
    except Unreadable as error:
        incoming.state = DeliveryState.QUARANTINED
        incoming.reason, incoming.reason_detail = error.code, str(error)
        # As far as it says: so that it is redacted with its call.
        incoming.subject_id = retell.loose_subject(document)
        return incoming, None
    incoming.event, incoming.subject_id = parsed.event, parsed.subject_id
    incoming.reason = parsed.reason
    incoming.state = _STATES[parsed.action]
    return incoming, parsed


def _log_failure(message: str, error: Exception) -> None:
    """Without the exception's text: PostgreSQL's quotes the row, phone numbers and all."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
    logger.error(
        "%s: %s %s %s", message, type(error).__name__, getattr(error, "sqlstate", ""), place
    )


_STATES = {
    Action.CALL: DeliveryState.APPLIED,
    Action.CHAT: DeliveryState.APPLIED,
    Action.ALERT: DeliveryState.APPLIED,
    Action.STORE: DeliveryState.STORED,
    Action.CHECK: DeliveryState.CHECKED,
}
_TARGETS = {Action.CALL: calls_sql.CALLS, Action.CHAT: calls_sql.CHATS}


# --- The statement -------------------------------------------------------------------------------


def _insert_delivery(schema: str) -> sql.Composed:
    values = ", ".join(
        f"${number}::{cast}" for number, (_, cast) in enumerate(_DELIVERY_COLUMNS, start=1)
    )
    return sql.SQL(
        "INSERT INTO {table} AS d ({names}, attempts, receipts) SELECT {values}, 1, 1"
        " ON CONFLICT (body_sha256) DO UPDATE SET receipts = d.receipts + 1,"
        " last_received_at = excluded.last_received_at"
        " RETURNING (xmax = 0) AS fresh"
    ).format(
        table=sql.Identifier(schema, "webhooks_delivery"),
        names=sql.SQL(", ").join(sql.Identifier(name) for name, _ in _DELIVERY_COLUMNS),
        values=sql.SQL(values),
    )


@lru_cache(maxsize=8192)
def _statement(schema: str, action: str) -> bytes:
    """The text to send for one kind of delivery into one schema; the same each time, so that a
    connection prepares it once."""
    target = _TARGETS.get(action)
    if target is None:
        return _insert_delivery(schema).as_bytes(None)
    after = len(_DELIVERY_COLUMNS)
    names = [name for name, _ in calls_sql.insert_columns(target)]
    number = {name: position for position, name in enumerate(names, start=after + 1)}
    agent = sql.SQL(
        "INSERT INTO {table} AS a (id, retell_agent_id, retell_name, name)"
        " SELECT gen_random_uuid(), ${agent}::text, coalesce(${label}::text, ''), ''"
        " FROM delivery WHERE fresh AND ${agent}::text IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM {table} WHERE retell_agent_id = ${agent}::text)"
        " ON CONFLICT DO NOTHING"
    ).format(
        table=sql.Identifier(schema, "agents_agent"),
        agent=sql.SQL(str(number["agent_id"])),
        label=sql.SQL(str(number["agent_name"])),
    )
    return (
        sql.SQL("WITH delivery AS ({delivery}), agent AS ({agent}), merged AS ({merged})"
                " SELECT fresh FROM delivery")
        .format(
            delivery=_insert_delivery(schema),
            agent=agent,
            merged=calls_sql.upsert(
                schema, target, after=after, condition="FROM delivery WHERE fresh"
            ),
        )
        .as_bytes(None)
    )  # fmt: skip


def _execute(statement: bytes, parameters: Sequence[Any]) -> bool:
    """Run it in its own transaction on the connection's organization; whether it was new."""
    with connection.cursor():
        # Entering the cursor set schema and role; the statement itself goes around Django's
        # wrappers, with numbered parameters and prepared.
        raw = psycopg.RawCursor(connection.connection)
    row = raw.execute(statement, parameters, prepare=True).fetchone()
    return bool(row and row[0])


def _store(schema: str, incoming: _Incoming, parsed: Parsed | None) -> bool:
    action = parsed.action if parsed else Action.STORE
    parameters = incoming.parameters()
    target = _TARGETS.get(action)
    if target is not None and parsed is not None and parsed.reading is not None:
        parameters += calls_sql.parameters(target, parsed.reading)
    return _execute(_statement(schema, action), parameters)


def _store_failed(schema: str, incoming: _Incoming, parsed: Parsed | None) -> Receipt:
    """Keep the receipt though applying failed; due for another try."""
    incoming.state = DeliveryState.FAILED
    incoming.reason = "apply_error"
    incoming.retry_at = incoming.received_at + RETRY_DELAYS[0]
    fresh = _execute(_statement(schema, Action.STORE), incoming.parameters())
    return Receipt(parsed, incoming.state, is_repetition=not fresh)


def _apply_rare(parsed: Parsed) -> None:
    """What is not merged into a call or chat."""
    if parsed.action == Action.CHECK:
        mark_connection_checked()
    elif parsed.action == Action.ALERT and parsed.alert is not None:
        calls_actions.record_alert(parsed.subject_id, parsed.alert)


# --- Applying again ------------------------------------------------------------------------------


def apply_again(delivery: Delivery, *, schema: str) -> Delivery:
    """Apply what is stored of a delivery once more: a failed one, or one in quarantine after a
    fix. The merge makes it safe for an applied one too."""
    now = timezone.now()
    delivery.attempts += 1
    try:
        document, _ = retell.load(bytes(delivery.body))
        parsed = retell.parse(document, bytes(delivery.body_sha256))
        _apply(schema, parsed)
    except Unreadable as error:
        delivery.state, delivery.reason = DeliveryState.QUARANTINED, error.code
        delivery.reason_detail, delivery.retry_at = str(error), None
    except CONNECTION_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 - whatever went wrong, it is tried again later
        _log_failure("applying a delivery again failed", error)
        delivery.state, delivery.reason = DeliveryState.FAILED, "apply_error"
        delivery.reason_detail = type(error).__name__
        delay = RETRY_DELAYS[min(delivery.attempts, len(RETRY_DELAYS)) - 1]
        delivery.retry_at = now + delay
    else:
        delivery.event, delivery.subject_id = parsed.event, parsed.subject_id
        delivery.state, delivery.reason = _STATES[parsed.action], parsed.reason
        delivery.reason_detail, delivery.retry_at = "", None
    delivery.save(
        update_fields=[
            "attempts", "event", "subject_id", "state", "reason", "reason_detail", "retry_at"
        ]
    )  # fmt: skip
    return delivery


def _apply(schema: str, parsed: Parsed) -> None:
    target = _TARGETS.get(parsed.action)
    if target is not None and parsed.reading is not None:
        _make_agent(parsed.reading)
        calls_actions.merge(schema, target, parsed.reading)
    _apply_rare(parsed)


def _make_agent(reading: Reading) -> None:
    """What the statement of a fresh delivery does, too: an agent appears with its first event."""
    agent_id, name = reading.values.get("agent_id"), reading.values.get("agent_name")
    if agent_id is not None:
        Agent.objects.bulk_create(
            [Agent(retell_agent_id=agent_id, retell_name=name or "")], ignore_conflicts=True
        )


# --- Retention -----------------------------------------------------------------------------------


def remove_unreadable_bodies(before: datetime) -> int:
    """Empty undecodable bodies received before `before`; the rows stay. How many."""
    return Delivery.objects.unreadable_before(before).update(
        body=b"", body_removed_at=timezone.now()
    )


def redact_restricted() -> int:
    """Redact bodies stored before a later event of the same call restricted its storage."""
    count = 0
    for delivery, restricted_to in Delivery.objects.to_redact():
        document, _ = retell.load(bytes(delivery.body))
        level = max(retell.restriction(document), restricted_to)
        delivery.body = calls_sql.dumps(retell.without_personal(document, level)).encode()
        delivery.is_redacted = True
        delivery.save(update_fields=["body", "is_redacted"])
        count += 1
    return count
