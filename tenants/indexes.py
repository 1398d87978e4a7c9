"""Indexes of large tables are built beside live traffic, after the migration that wants them.

A migration is one transaction, and an index built inside of it holds its table against writing
for as long as that takes: minutes for ten million deliveries, while Retell waits. So on a large
table `CREATE INDEX` is left out of the transaction, noted on the organization in that transaction,
and sent as `CREATE INDEX CONCURRENTLY` once it is over; a `release` that was broken off goes on.

Unique indexes stay where they are: statements after them may rely on what they refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

# Building an index on less than this takes well below a second.
LARGE_TABLE_BYTES = 64 * 1024**2

_CREATE = re.compile(
    r'\s*CREATE INDEX "?(?P<name>\w+)"? ON "?(?P<table>\w+)"? [^;]+', re.IGNORECASE
)
# Statements that take away or rename what an index left out may stand on.
_UNDOES = re.compile(r"\b(RENAME|DROP (COLUMN|TABLE|INDEX))\b", re.IGNORECASE)


def large_tables(connection: BaseDatabaseWrapper, schema: str) -> frozenset[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind = 'r' AND pg_table_size(c.oid) >= %s",
            [schema, LARGE_TABLE_BYTES],
        )
        return frozenset(name for (name,) in cursor.fetchall())


class Plan:
    """Sorts a migration's statements, one by one, into those for its transaction and the indexes
    for afterwards."""

    def __init__(self, large: frozenset[str] = frozenset()) -> None:
        self.large = large
        self.later: list[str] = []

    def take(self, statement: str) -> Iterator[str]:
        """What to send now: the statement, after indexes left out that it speaks of; or nothing."""
        found = _CREATE.fullmatch(statement)
        if found and found["table"] in self.large:
            self.later.append(statement)
            return
        needed = [one for one in self.later if _speaks_of(statement, one)]
        self.later = [one for one in self.later if one not in needed]
        yield from needed
        yield statement


def _speaks_of(statement: str, index: str) -> bool:
    found = _CREATE.fullmatch(index)
    assert found
    words = set(re.findall(r"\w+", statement))
    return found["name"] in words or (
        found["table"] in words and _UNDOES.search(statement) is not None
    )


def build(connection: BaseDatabaseWrapper, statement: str) -> None:
    """Build one index that was left out, in the schema the connection works in. What an earlier
    try left half-built is removed first."""
    found = _CREATE.fullmatch(statement)
    assert found
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indisvalid FROM pg_index i WHERE i.indexrelid = to_regclass(%s)",
            [found["name"]],
        )
        row = cursor.fetchone()
        if row and row[0]:
            return
        if row:
            name = sql.Identifier(found["name"])
            cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(name))
        cursor.execute(re.sub("(?i)CREATE INDEX", "CREATE INDEX CONCURRENTLY", statement, count=1))
