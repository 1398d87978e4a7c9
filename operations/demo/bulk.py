"""Receives a long history at once: the statements of the webhook door, without its waiting."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from django.db import connection, transaction
from psycopg import sql

from calls import sql as calls_sql
from calls.reader import Reading
from tenants.pin import organization_context
from webhooks import actions, storing
from webhooks.endpoints import Endpoint
from webhooks.retell import Action, Parsed

RECEIVED_AT = [name for name, _ in storing.DELIVERY_COLUMNS].index("received_at")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A body and when it came.

    `retold`: the event, the call and the agent of a body that need not be read, because a later
    one says all of it again.
    """

    body: bytes
    at: datetime
    retold: tuple[str, str, str | None] | None = None


class BulkReceiver:
    """Receives deliveries of one fresh organization, batch by batch.

    What the events of one call say is merged here before it is sent, so that a batch touches each
    call once; what a later batch brings is merged by the database as always.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.seen: set[bytes] = set()

    def receive(self, arrivals: Sequence[Arrival]) -> None:
        """Store and apply these bodies in one transaction."""
        batch = _Batch()
        for arrival in arrivals:
            incoming, parsed = _read(arrival)
            is_repetition = incoming.sha256 in self.seen
            self.seen.add(incoming.sha256)
            if is_repetition or (parsed and parsed.action in (Action.ALERT, Action.CHECK)):
                batch.one_by_one.append(arrival)
            else:
                batch.add(incoming.parameters(), parsed)
        with organization_context(self.endpoint.scope), transaction.atomic():
            with connection.cursor():
                raw = connection.connection
            self._merge(raw, batch)
            self._copy(raw, batch)
            for arrival in batch.one_by_one:
                actions.receive(self.endpoint, arrival.body, received_at=arrival.at)

    def _merge(self, raw: psycopg.Connection[Any], batch: _Batch) -> None:
        """The first delivery of each call brings what all of them say about it."""
        cursor = psycopg.RawCursor(raw)
        with raw.pipeline():
            for row, action, reading in batch.carriers.values():
                parameters = row + calls_sql.parameters(
                    storing.TARGETS[action], reading, first_seen_at=row[RECEIVED_AT]
                )
                statement = storing.statement(self.endpoint.schema_name, action)
                cursor.execute(statement, parameters, prepare=True)

    def _copy(self, raw: psycopg.Connection[Any], batch: _Batch) -> None:
        """The other deliveries, which only need a row."""
        names = [name for name, _ in storing.DELIVERY_COLUMNS]
        statement = sql.SQL("COPY {} ({}, attempts, receipts) FROM STDIN").format(
            sql.Identifier(self.endpoint.schema_name, "webhooks_delivery"),
            sql.SQL(", ").join(map(sql.Identifier, names)),
        )
        with raw.cursor().copy(statement) as copy:
            for row in batch.rows:
                copy.write_row([*row, 1, 1])


def _read(arrival: Arrival) -> tuple[storing.Incoming, Parsed | None]:
    if arrival.retold is None:
        return storing.read(arrival.body, arrival.at, "", 0)
    event, call_id, agent_id = arrival.retold
    digest = hashlib.sha256(arrival.body).digest()
    size = len(arrival.body)
    incoming = storing.Incoming(arrival.body, False, digest, size, arrival.at, "", 0)
    incoming.event, incoming.subject_id, incoming.agent_id = event, call_id, agent_id
    return incoming, None


@dataclass
class _Batch:
    """Deliveries as rows, sorted by what has to be done with them."""

    rows: list[list[Any]] = field(default_factory=list)
    carriers: dict[str, tuple[list[Any], str, Reading]] = field(default_factory=dict)
    one_by_one: list[Arrival] = field(default_factory=list)

    def add(self, row: list[Any], parsed: Parsed | None) -> None:
        """Merge what a new delivery says with what its call's earlier ones said."""
        if parsed is None or parsed.reading is None:
            self.rows.append(row)
        elif parsed.subject_id in self.carriers:
            self.rows.append(row)
            merge_into(self.carriers[parsed.subject_id][2], parsed.reading)
        else:
            self.carriers[parsed.subject_id] = (row, parsed.action, parsed.reading)


def merge_into(reading: Reading, other: Reading) -> None:
    """Per field the value with the larger key: `calls.merge`'s rule, for one storage level."""
    assert reading.storage_level == other.storage_level
    for name, key in other.keys.items():
        if key > reading.keys.get(name, ""):
            reading.keys[name] = key
            if name.startswith("details."):
                detail = name.removeprefix("details.")
                reading.details[detail] = other.details[detail]
            else:
                reading.values[name] = other.values[name]
