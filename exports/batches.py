"""Reading what an export selects, batch by batch, newest first.

A batch is one statement, so what stands in the file and what its foot adds up are the same rows.
Rows are passed by their key: what comes in or changes meanwhile moves none of them. What came in
after somebody asked is left out. A call that begins while the file is made may move to another
place in time; those are remembered, so that none stands there twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection, transaction
from django.db.models import Min, Q
from psycopg import sql as psycopg_sql

from calls.querysets import CallQuerySet
from exports import sql
from exports.columns import LARGE, csv_cell
from exports.models import Export
from exports.totals import Totals, measured, sums
from jobs.actions import JobFailed
from tenants.models import Organization

ROWS = 20_000
ROWS_OF_LARGE = 500
NEWEST_FIRST = ("-sort_at", "-id")
NOT_UNDERSTOOD = (
    "The filter cannot be read any more, for instance because its agent or tag is gone. There is"
    " no file; choose the calls again and ask for another."
)


@dataclass(frozen=True, slots=True)
class Position:
    """The last call that was read, and those before it that may still move in time."""

    sort_at: str = ""
    call_id: str = ""
    moving: tuple[str, ...] = ()

    def to_store(self) -> dict[str, Any]:
        return {"sort_at": self.sort_at, "id": self.call_id, "moving": list(self.moving)}

    @classmethod
    def from_stored(cls, stored: dict[str, Any]) -> Position:
        if not stored:
            return cls()
        return cls(stored["sort_at"], stored["id"], tuple(stored["moving"]))

    def rest(self, calls: CallQuerySet) -> CallQuerySet:
        if not self.call_id:
            return calls
        sort_at = datetime.fromisoformat(self.sort_at)
        tie = Q(sort_at__lt=sort_at) | Q(id__lt=self.call_id)
        # The first condition alone bounds the index.
        rest: CallQuerySet = calls.filter(Q(sort_at__lte=sort_at) & tie)
        return rest.exclude(pk__in=self.moving) if self.moving else rest


@dataclass(frozen=True, slots=True)
class Batch:
    """`lines` of CSV, or `cells`: one row a call, in the order of the columns."""

    position: Position
    totals: Totals
    lines: str = ""
    cells: list[Sequence[Any]] = field(default_factory=list)


def calls_of(export: Export, organization: Organization) -> CallQuerySet:
    """What the filter meant when somebody asked: calls, or chats. Raises `JobFailed` when it cannot
    be read."""
    selection = export.about.selection.from_query(
        export.query,
        organization=organization,
        sees_personal_data=export.sees_personal_data,
    )
    if not selection.is_understood:
        raise JobFailed(NOT_UNDERSTOOD)
    calls = selection.calls().select_related(None).defer(None)
    found: CallQuerySet = calls.filter(pk__lte=export.through).order_by(*NEWEST_FIRST)
    return found


def batch_rows(export: Export) -> int:
    return ROWS_OF_LARGE if LARGE & set(export.column_codes) else ROWS


def csv_batches(export: Export, calls: CallQuerySet, after: Position) -> Iterator[Batch]:
    """Lines as PostgreSQL puts them together; times on the clock of the export's zone."""
    line = sql.Line(*[csv_cell(c, whole_numbers=export.whole_numbers) for c in export.columns])
    while True:
        rows = after.rest(calls).annotate(line=line)[: batch_rows(export)]
        with session_zone(export.zone):
            found = rows.aggregate(
                lines=sql.Lines("line", order_by=NEWEST_FIRST),
                **sums(calls.model),
                **_position_aggregates(),
            )
        if not found["calls"]:
            return
        after = _position(found, after)
        yield Batch(after, Totals.of(found), lines=found["lines"])


def cell_batches(export: Export, calls: CallQuerySet) -> Iterator[Batch]:
    """Values as Python has them."""
    after, size = Position(), batch_rows(export)
    names = [f"cell_{column.code}" for column in export.columns]
    reads = {
        name: column.read(export.whole_numbers)
        for name, column in zip(names, export.columns, strict=True)
    }
    adding = ("id", "sort_at", "started_at", "outcome_code", "cost_cents", *measured(calls.model))
    while True:
        found = list(after.rest(calls).annotate(**reads).values_list(*adding, *names)[:size])
        if not found:
            return
        after = _after(found, after)
        totals = _add_up(dict(zip(adding, row, strict=False)) for row in found)
        yield Batch(after, totals, cells=[row[len(adding) :] for row in found])


def _after(rows: list[tuple[Any, ...]], before: Position) -> Position:
    moving = [str(row[0]) for row in rows if row[2] is None and row[3] == "ongoing"]
    last = rows[-1]
    return Position(last[1].isoformat(), str(last[0]), (*before.moving, *moving))


def _add_up(rows: Iterable[dict[str, Any]]) -> Totals:
    return sum(
        (
            Totals(
                calls=1,
                successful_calls=int(row["outcome_code"] == "successful"),
                cost_cents=row["cost_cents"] or Decimal(0),
                revenue_calls=int(row.get("is_billable", False)),
                duration_ms=row.get("duration_ms") or 0,
            )
            for row in rows
        ),
        Totals(),
    )


def _position_aggregates() -> dict[str, Any]:
    return {
        "last_at": sql.CsvTime(Min("sort_at")),
        "last_id": sql.LastId("id", order_by=NEWEST_FIRST),
        "moving": ArrayAgg("id", filter=Q(started_at=None, outcome_code="ongoing")),
    }


def _position(found: dict[str, Any], before: Position) -> Position:
    moving: list[UUID] = found["moving"] or []
    return Position(
        found["last_at"].strip('"'), str(found["last_id"]), (*before.moving, *map(str, moving))
    )


@contextmanager
def session_zone(zone: str) -> Iterator[None]:
    """PostgreSQL writes times on this clock; no time may be read as a value meanwhile, because
    Django takes all of them for UTC."""
    with transaction.atomic():
        _set_zone(zone)
        yield
        _set_zone("UTC")


def _set_zone(zone: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(psycopg_sql.SQL("SET LOCAL TIME ZONE {}").format(psycopg_sql.Literal(zone)))
