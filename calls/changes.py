"""Marks of calls that were written: what `analytics.rollup` has to add up again.

Whatever writes a call leaves, in the same transaction, the time it stands at and the one it stood
at before (`Call.moved_from`), and which call it is, for `calls.news`. Marks are only ever added,
without looking for earlier ones: one that is already being worked off would not stand for a change
that commits after it. The table has no key, no index and no model, because each webhook adds a row
to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from psycopg import sql

TABLE = "calls_change"
# Writing one of these moves a call in time.
PLACES = frozenset({"started_at", "first_seen_at"})


def marking(schema: str, written: str) -> sql.Composed:
    """An `INSERT` of the marks of the rows in `written`, a part of the same statement."""
    table, rows = sql.Identifier(schema, TABLE), sql.Identifier(written)
    return sql.SQL(
        "INSERT INTO {} (at, moved_from, call_id) SELECT sort_at, moved_from, id FROM {}"
    ).format(table, rows)


def mark(select: str, parameters: Sequence[Any]) -> None:
    """Mark the calls of a SELECT of `sort_at`, `moved_from` and `id`, as compiled by a queryset."""
    statement = sql.SQL("INSERT INTO calls_change (at, moved_from, call_id) {}").format(
        sql.SQL(select)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def update_and_mark(update: str, parameters: Sequence[Any]) -> int:
    """Run an UPDATE, as compiled by a queryset, and mark what it wrote; how many calls."""
    statement = sql.SQL(
        "WITH written AS ({} RETURNING sort_at, moved_from, id), marked AS"
        " (INSERT INTO calls_change (at, moved_from, call_id)"
        " SELECT sort_at, moved_from, id FROM written) SELECT count(*) FROM written"
    ).format(sql.SQL(update))
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.fetchone()[0])
