"""What the database holds of each organization, read past the product as the superuser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

# Those that the plain-Python model of the merge speaks of.
COLUMNS = (
    "call_type", "status", "direction", "agent_id", "agent_version", "agent_name",
    "disconnection_reason", "from_number", "to_number", "started_at", "ended_at", "duration_ms",
    "cost_cents", "cost", "user_sentiment", "call_successful", "in_voicemail", "summary",
    "transcript", "transcript_entries", "test_signal", "storage_level",
)  # fmt: skip


@dataclass(frozen=True)
class Delivery:
    """A row of the log of deliveries."""

    sha256: str
    state: str
    receipts: int


@dataclass(frozen=True)
class StoredCall:
    """A row of the calls; `said` holds its columns and details by the names of the model."""

    call_id: str
    source: str
    is_billable: bool
    said: Mapping[str, Any]


@dataclass(frozen=True)
class Stored:
    """All of one organization. Lists, since a row may wrongly be there twice."""

    deliveries: list[Delivery]
    calls: list[StoredCall]


@contextmanager
def connected(admin_url: str, database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(admin_url, dbname=database, autocommit=True) as connection:
        yield connection


def read_stored(connection: psycopg.Connection[Any], schema: str) -> Stored:
    deliveries = connection.execute(
        sql.SQL("SELECT encode(body_sha256, 'hex'), state, receipts FROM {}").format(
            sql.Identifier(schema, "webhooks_delivery")
        )
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        columns = ("retell_call_id", "source", "is_billable", "details", *COLUMNS)
        cursor.execute(
            sql.SQL("SELECT {} FROM {}").format(
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.Identifier(schema, "calls_call"),
            )
        )
        calls = [_call(row) for row in cursor]
    return Stored([Delivery(*row) for row in deliveries], calls)


def _call(row: dict[str, Any]) -> StoredCall:
    said = {name: row[name] for name in COLUMNS if row[name] is not None}
    said |= {f"details.{name}": value for name, value in row["details"].items()}
    return StoredCall(row["retell_call_id"], row["source"], row["is_billable"], said)
