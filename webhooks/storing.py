"""A delivery's row, and the one statement that stores it and merges it into its call."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection
from psycopg import sql

from calls import changes
from calls import sql as calls_sql
from calls.reader import Unreadable
from webhooks import ids, retell
from webhooks.models import DeliveryState
from webhooks.retell import Action, Parsed

ADDRESS_MAX_LENGTH = 45

# What becomes of a readable delivery, and where its reading is merged.
STATES = {
    Action.CALL: DeliveryState.APPLIED,
    Action.CHAT: DeliveryState.APPLIED,
    Action.ALERT: DeliveryState.APPLIED,
    Action.STORE: DeliveryState.STORED,
    Action.IGNORE: DeliveryState.IGNORED,
    Action.CHECK: DeliveryState.CHECKED,
}
TARGETS = {Action.CALL: calls_sql.CALLS, Action.CHAT: calls_sql.CHATS}


@dataclass(slots=True)
class Incoming:
    """The delivery's row before it is stored."""

    body: bytes
    is_redacted: bool
    sha256: bytes
    size_bytes: int
    received_at: datetime
    source_address: str
    key_index: int
    key_id: int | None = None
    headers: dict[str, str] | None = None
    event: str = ""
    subject_id: str = ""
    state: DeliveryState = DeliveryState.APPLIED
    reason: str = ""
    reason_detail: str = ""
    agent_id: str | None = None
    retry_at: datetime | None = None
    redact_at: datetime | None = None
    id: UUID = field(init=False)

    def __post_init__(self) -> None:
        self.id = ids.new(self.received_at)

    def parameters(self) -> list[Any]:
        """In the order of `DELIVERY_COLUMNS`. Stored and applied by one statement, at one time."""
        return [
            self.id,
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
            self.key_id,
            json.dumps(self.headers) if self.headers else None,
            self.agent_id,
            self.received_at if self.state == DeliveryState.APPLIED else None,
            self.retry_at,
            self.redact_at,
        ]


DELIVERY_COLUMNS = (
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
    ("key_id", "integer"),
    ("headers", "jsonb"),
    ("agent_id", "text"),
    ("applied_at", "timestamptz"),
    ("retry_at", "timestamptz"),
    ("redact_at", "timestamptz"),
)


def read(
    body: bytes,
    received_at: datetime,
    source_address: str,
    key_index: int,
    *,
    key_id: int | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[Incoming, Parsed | None]:
    sha256 = hashlib.sha256(body).digest()
    incoming = Incoming(
        body, False, sha256, len(body), received_at, source_address, key_index, key_id, headers
    )
    document: dict[str, Any] = {}
    try:
        document, stripped = retell.load(body)
        incoming.body, incoming.is_redacted = retell.body_to_keep(body, document, stripped=stripped)
        incoming.agent_id = retell.agent_of(document)
        parsed = retell.parse(document, sha256)
    except Unreadable as error:
        incoming.state = DeliveryState.QUARANTINED
        incoming.reason, incoming.reason_detail = error.code, str(error)
        # As far as it says: so that it is redacted with its call.
        incoming.subject_id = retell.loose_subject(document)
        return incoming, None
    if parsed.reading is not None and parsed.reading.storage_level:
        incoming.redact_at = received_at
    incoming.event, incoming.subject_id = parsed.event, parsed.subject_id
    incoming.reason = parsed.reason
    incoming.state = STATES[parsed.action]
    return incoming, parsed


def _insert_delivery(schema: str) -> sql.Composed:
    number = {name: position for position, (name, _) in enumerate(DELIVERY_COLUMNS, start=1)}
    values = ", ".join(f"${number[name]}::{cast}" for name, cast in DELIVERY_COLUMNS[:-1])
    return sql.SQL(
        "INSERT INTO {table} AS d ({names}, attempts, receipts) SELECT {values}, {mark}, 1, 1"
        " ON CONFLICT (body_sha256) DO UPDATE SET receipts = d.receipts + 1,"
        " last_received_at = excluded.last_received_at"
        " RETURNING (xmax = 0) AS fresh"
    ).format(
        table=sql.Identifier(schema, "webhooks_delivery"),
        names=sql.SQL(", ").join(sql.Identifier(name) for name, _ in DELIVERY_COLUMNS),
        values=sql.SQL(values),
        mark=_redaction_mark(schema, number),
    )


def _redaction_mark(schema: str, number: Mapping[str, int]) -> sql.Composed:
    """`redact_at`: also for what arrives about a call or chat that is restricted already."""
    return sql.SQL(
        "CASE WHEN ${mark}::timestamptz IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM {calls} WHERE retell_call_id = ${subject}::text"
        " AND storage_level > 0)"
        " OR EXISTS (SELECT 1 FROM {chats} WHERE retell_chat_id = ${subject}::text"
        " AND storage_level > 0) THEN ${received}::timestamptz END"
    ).format(
        calls=sql.Identifier(schema, calls_sql.CALLS.table),
        chats=sql.Identifier(schema, calls_sql.CHATS.table),
        mark=sql.SQL(str(number["redact_at"])),
        subject=sql.SQL(str(number["subject_id"])),
        received=sql.SQL(str(number["received_at"])),
    )


@lru_cache(maxsize=8192)
def statement(schema: str, action: str) -> bytes:
    """The text to send for one kind of delivery into one schema; the same each time, so that a
    connection prepares it once."""
    target = TARGETS.get(action)
    if target is None:
        return _insert_delivery(schema).as_bytes(None)
    after = len(DELIVERY_COLUMNS)
    names = [name for name, _ in calls_sql.insert_columns(target)]
    number = {name: position for position, name in enumerate(names, start=after + 1)}
    # As `agents.actions.note_agent`; most deliveries bring no news of the agent and write nothing.
    agent = sql.SQL(
        "INSERT INTO {table} AS a (id, retell_agent_id, retell_name, retell_name_at, name)"
        " SELECT gen_random_uuid(), ${agent}::text, coalesce(${label}::text, ''), {said_at}, ''"
        " FROM delivery WHERE fresh AND ${agent}::text IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM {table} WHERE retell_agent_id = ${agent}::text"
        " AND (retell_name = ${label}::text OR coalesce(${label}::text, '') = ''"
        " OR (retell_name <> '' AND retell_name_at >= {said_at})))"
        " ON CONFLICT (retell_agent_id) DO UPDATE"
        " SET retell_name = excluded.retell_name, retell_name_at = excluded.retell_name_at"
        " WHERE excluded.retell_name <> '' AND (a.retell_name = ''"
        " OR coalesce(a.retell_name_at, '-infinity') < excluded.retell_name_at)"
    ).format(
        table=sql.Identifier(schema, "agents_agent"),
        agent=sql.SQL(str(number["agent_id"])),
        label=sql.SQL(str(number["agent_name"])),
        said_at=sql.SQL("coalesce(${started}::timestamptz, ${seen}::timestamptz)").format(
            started=sql.SQL(str(number["started_at"])), seen=sql.SQL(str(number["first_seen_at"]))
        ),
    )
    marked = sql.SQL(", marked AS ({})").format(changes.marking(schema, "merged"))
    return (
        sql.SQL("WITH delivery AS ({delivery}), agent AS ({agent}), merged AS ({merged}){marked}"
                " SELECT fresh FROM delivery")
        .format(
            delivery=_insert_delivery(schema),
            agent=agent,
            merged=calls_sql.upsert(
                schema, target, after=after, condition="FROM delivery WHERE fresh"
            ),
            marked=marked if target.is_marked else sql.SQL(""),
        )
        .as_bytes(None)
    )  # fmt: skip


def execute(text: bytes, parameters: Sequence[Any]) -> bool:
    """Run it in its own transaction on the connection's organization; whether it was new."""
    with connection.cursor():
        # Entering the cursor set schema and role; the statement itself goes around Django's
        # wrappers, with numbered parameters and prepared.
        raw = psycopg.RawCursor(connection.connection)
    row = raw.execute(text, parameters, prepare=True).fetchone()
    return bool(row and row[0])


def store(schema: str, incoming: Incoming, parsed: Parsed | None) -> bool:
    action = parsed.action if parsed else Action.STORE
    parameters = incoming.parameters()
    target = TARGETS.get(action)
    if target is not None and parsed is not None and parsed.reading is not None:
        parameters += calls_sql.parameters(
            target, parsed.reading, first_seen_at=incoming.received_at
        )
    return execute(statement(schema, action), parameters)
