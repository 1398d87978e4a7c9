"""The merge of `merge.py` as SQL: one upsert that keeps, per column, the value with the larger key.

Table and column names come from the code, schema names from `tenants`; everything else is bound.
The statements name their schema, so that a connection can keep each organization's prepared, and
number their parameters (`psycopg.RawCursor`), so that nothing rewrites their text on each call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import simplejson
import uuid_utils.compat
from django.utils import timezone
from psycopg import sql

from calls import changes
from calls.merge import CALL_COLUMNS, CHAT_COLUMNS, Column, StorageLevel
from calls.reader import IMPERSONAL_DETAILS, Reading


@dataclass(frozen=True, slots=True)
class Target:
    """A table that readings are merged into."""

    table: str
    id_column: str
    columns: tuple[Column, ...]
    # Whether what is written leaves marks; see calls/changes.py.
    is_marked: bool = False


CALLS = Target("calls_call", "retell_call_id", CALL_COLUMNS, is_marked=True)
CHATS = Target("calls_chat", "retell_chat_id", CHAT_COLUMNS)


def dumps(value: Any) -> str:
    """JSON text of a parsed value, Decimals digit by digit."""
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":"))


def _wins(key: str) -> sql.Composable:
    """Whether the arriving value of `key` beats the stored one. ASCII keys, compared as bytes."""
    literal = sql.Literal(key)
    return sql.SQL(
        "(excluded.provenance ->> {key}) COLLATE \"C\" > coalesce(t.provenance ->> {key}, '')"
    ).format(key=literal)


def _merged(name: str) -> sql.Composable:
    return sql.SQL("CASE WHEN {wins} THEN excluded.{name} ELSE t.{name} END").format(
        wins=_wins(name), name=sql.Identifier(name)
    )


def _assignment(column: Column) -> sql.Composable:
    name, merged = sql.Identifier(column.name), _merged(column.name)
    if column.personal:
        merged = sql.SQL(
            "CASE WHEN greatest(t.storage_level, excluded.storage_level) < {level}"
            " THEN {merged} END"
        ).format(level=sql.Literal(column.personal), merged=merged)
    return sql.SQL("{name} = {merged}").format(name=name, merged=merged)


# As the generated column `sort_at` will be. Only the row that is locked now knows where it was.
_MOVED_FROM = sql.SQL(
    "moved_from = CASE WHEN coalesce({}, least(t.first_seen_at, excluded.first_seen_at))"
    " <> t.sort_at THEN t.sort_at ELSE t.moved_from END"
).format(_merged("started_at"))

# Joins, not look-ups: a body may bring thousands of unknown fields.
_MERGED_PROVENANCE = sql.SQL("""t.provenance || coalesce((
    SELECT jsonb_object_agg(e.key, e.value)
    FROM jsonb_each_text(excluded.provenance) e
    LEFT JOIN jsonb_each_text(t.provenance) s ON s.key = e.key
    WHERE e.value COLLATE "C" > coalesce(s.value, '')), '{}')""")

_MERGED_DETAILS = sql.SQL("""t.details || coalesce((
    SELECT jsonb_object_agg(d.key, d.value)
    FROM jsonb_each(excluded.details) d
    JOIN jsonb_each_text(excluded.provenance) e ON e.key = 'details.' || d.key
    LEFT JOIN jsonb_each_text(t.provenance) s ON s.key = e.key
    WHERE e.value COLLATE "C" > coalesce(s.value, '')), '{}')""")


def _details_assignment() -> sql.Composable:
    """Details key by key; what storage forbids is dropped, also from what was stored before."""
    return sql.SQL("""details = CASE WHEN greatest(t.storage_level, excluded.storage_level) = 0
        THEN {merged} ELSE coalesce((
            SELECT jsonb_object_agg(d.key, d.value) FROM jsonb_each({merged}) d
            WHERE d.key = ANY ({kept}) OR (starts_with(d.key, 'scrubbed_')
                AND greatest(t.storage_level, excluded.storage_level) = {personal})), '{{}}') END
        """).format(
        merged=_MERGED_DETAILS,
        kept=sql.Literal(sorted(IMPERSONAL_DETAILS)),
        personal=sql.Literal(int(StorageLevel.EXCEPT_PERSONAL)),
    )


def insert_columns(target: Target) -> tuple[tuple[str, str], ...]:
    """(column, cast) of everything an event may set on a new row, in the order of `parameters`."""
    return (
        ("id", "uuid"),
        (target.id_column, "text"),
        ("storage_level", "smallint"),
        ("source", "text"),
        ("details", "jsonb"),
        ("provenance", "jsonb"),
        ("first_seen_at", "timestamptz"),
        *((column.name, column.cast) for column in target.columns),
    )


def upsert(schema: str, target: Target, *, after: int = 0, condition: str = "") -> sql.Composed:
    """`INSERT … SELECT $n, … <condition> ON CONFLICT DO UPDATE`, with qualified names.

    Parameters are numbered from `after + 1`, as `parameters` lists them. `condition` follows the
    SELECT list and is ours, e.g. `FROM delivery WHERE fresh`. Of a marked target it returns what
    `changes.marking` needs.
    """
    columns = insert_columns(target)
    assignments = [
        *(_assignment(column) for column in target.columns),
        sql.SQL("storage_level = greatest(t.storage_level, excluded.storage_level)"),
        sql.SQL("first_seen_at = least(t.first_seen_at, excluded.first_seen_at)"),
        _details_assignment(),
        sql.SQL("provenance = {}").format(_MERGED_PROVENANCE),
    ]
    if target.is_marked:
        assignments.append(_MOVED_FROM)
    values = [f"${number}::{cast}" for number, (_, cast) in enumerate(columns, start=after + 1)]
    return sql.SQL(
        "INSERT INTO {table} AS t ({names}) SELECT {values} {condition}"
        " ON CONFLICT ({id}) DO UPDATE SET {assignments}{returning}"
    ).format(
        table=sql.Identifier(schema, target.table),
        names=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        values=sql.SQL(", ".join(values)),
        condition=sql.SQL(condition),
        id=sql.Identifier(target.id_column),
        assignments=sql.SQL(", ").join(assignments),
        returning=sql.SQL(" RETURNING sort_at, moved_from, id" if target.is_marked else ""),
    )


@lru_cache(maxsize=8192)
def merge(schema: str, target: Target) -> bytes:
    """`upsert` as a statement of its own, with its mark; the same text each time."""
    statement = upsert(schema, target)
    if target.is_marked:
        marking = changes.marking(schema, "merged")
        statement = sql.SQL("WITH merged AS ({}) {}").format(statement, marking)
    return statement.as_bytes(None)


def parameters(
    target: Target,
    reading: Reading,
    *,
    source: str = "webhook",
    first_seen_at: datetime | None = None,
) -> list[Any]:
    """The parameters of `upsert` for one reading, in order."""
    return [
        uuid_utils.compat.uuid7(),
        reading.subject_id,
        int(reading.storage_level),
        source,
        dumps(reading.details),
        dumps(reading.keys),
        first_seen_at or timezone.now(),
        *(_parameter(column, reading.values.get(column.name)) for column in target.columns),
    ]


def _parameter(column: Column, value: Any) -> Any:
    return dumps(value) if column.cast == "jsonb" and value is not None else value
