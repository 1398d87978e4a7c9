"""Counts and sums at the foot of a file. Counts, durations and costs are added up as
`calls.selection` does for the screen, whose totals they equal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Count, Model, Q, Sum
from psycopg import sql

from calls.models import Call
from calls.querysets import CallQuerySet


def measured(model: type[Model]) -> tuple[str, ...]:
    """What calls have besides: chats have no durations, and are neither revenue nor test."""
    return ("is_billable", "duration_ms") if model is Call else ()


def sums(model: type[Model]) -> dict[str, Any]:
    """The aggregates behind `Totals`, over calls or chats, or a slice of them."""
    found: dict[str, Any] = {
        "calls": Count("id"),
        "successful_calls": Count("id", filter=Q(outcome_code="successful")),
        "cost_cents": Sum("cost_cents"),
    }
    if measured(model):
        found["revenue_calls"] = Count("id", filter=Q(is_billable=True))
        found["duration_ms"] = Sum("duration_ms")
    return found


@dataclass(frozen=True, slots=True)
class Totals:
    """Of a number of calls, or chats; one without duration or cost adds nothing."""

    calls: int = 0
    revenue_calls: int = 0
    successful_calls: int = 0
    duration_ms: int = 0
    cost_cents: Decimal = Decimal(0)

    @classmethod
    def of(cls, found: dict[str, Any]) -> Totals:
        """What the aggregates of `sums` answered; other names are left out."""
        return cls(
            calls=found["calls"],
            revenue_calls=found.get("revenue_calls", 0),
            successful_calls=found["successful_calls"],
            duration_ms=int(found.get("duration_ms") or 0),
            cost_cents=found["cost_cents"] or Decimal(0),
        )

    @classmethod
    def from_stored(cls, stored: dict[str, Any]) -> Totals:
        if not stored:
            return cls()
        return cls(**{**stored, "cost_cents": Decimal(stored["cost_cents"])})

    def to_store(self) -> dict[str, Any]:
        return {**asdict(self), "cost_cents": str(self.cost_cents)}

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.calls + other.calls,
            self.revenue_calls + other.revenue_calls,
            self.successful_calls + other.successful_calls,
            self.duration_ms + other.duration_ms,
            self.cost_cents + other.cost_cents,
        )

    @property
    def minutes(self) -> Decimal:
        return Decimal(self.duration_ms) / 60_000

    @property
    def success_rate(self) -> float | None:
        return self.successful_calls / self.calls if self.calls else None

    def under(self, name: str) -> Decimal | int:
        """What stands under a column that names it as its `sums`."""
        if name == "cost":
            return plain(self.cost_cents / 100)
        return (
            self.duration_ms if name == "duration_ms" else plain(Decimal(self.duration_ms) / 1000)
        )


def plain(number: Decimal) -> Decimal:
    """Without zeros behind the last digit that counts, and never as a power of ten."""
    short = number.normalize()
    return short.quantize(1) if short == short.to_integral_value() else short


def of_calls(calls: CallQuerySet) -> Totals:
    return Totals.of(calls.order_by().aggregate(**sums(calls.model)))


def quickly(calls: CallQuerySet) -> Totals | None:
    """None when adding up takes longer than a page may."""
    try:
        with _impatient():
            return of_calls(calls)
    except DatabaseError:
        return None


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            before = cursor.fetchone()[0]
            cursor.execute("SET LOCAL statement_timeout = '3s'")
        yield
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(before)))
