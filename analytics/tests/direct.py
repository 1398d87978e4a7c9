"""The numbers of the overview, counted from the calls themselves: what the sums must come to."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, DecimalField, F, Func, IntegerField, Q, QuerySet, Sum, Value
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay

from analytics.overview import DURATIONS_S, MINI_BAR_DAYS, Latencies, Sums
from analytics.rollup.sums import SENTIMENTS
from calls.models import Call
from calls.outcomes import Outcome
from config.periods import Period


def calls_in(period: Period, agent: str | None = None) -> QuerySet[Call]:
    calls = Call.objects.filter(sort_at__gte=period.start, sort_at__lt=period.end)
    return calls.filter(agent=agent) if agent else calls


_TALKED = Q(duration_ms__gt=0)


def _aggregates() -> dict[str, Any]:
    counts: dict[str, Any] = {
        f"outcome_{code}": Count("id", filter=Q(outcome_code=code)) for code in Outcome.values
    }
    counts |= {
        f"sentiment_{name}": Count("id", filter=Q(user_sentiment=name)) for name in SENTIMENTS
    }
    return counts | {
        "calls": Count("id"),
        "talked": Count("id", filter=_TALKED),
        "total_duration_ms": Sum("duration_ms", filter=_TALKED, default=0),
        "timed": Count("latency_p50_ms"),
        "latency_ms": Sum("latency_p50_ms", default=Decimal(0)),
        "total_cost_cents": Sum("cost_cents", default=Decimal(0)),
    }


def _sums(row: dict[str, Any]) -> Sums:
    return Sums(
        calls=row["calls"],
        talked=row["talked"],
        duration_ms=int(row["total_duration_ms"]),
        timed=row["timed"],
        latency_ms=row["latency_ms"],
        cost_cents=row["total_cost_cents"],
        outcomes=Counter({code: row[f"outcome_{code}"] for code in Outcome.values}),
        sentiments=Counter({name: row[f"sentiment_{name}"] for name in SENTIMENTS}),
    )


class Bucket(Func):
    """Which of the stretches that begin at these times a call began in, from 1."""

    template = "width_bucket(%(expressions)s::timestamptz[])"
    output_field = IntegerField()

    def __init__(self, starts: list[datetime]) -> None:
        super().__init__(F("sort_at"), Value(starts))


def totals(period: Period, agent: str | None = None) -> Sums:
    return _sums(calls_in(period, agent).aggregate(**_aggregates()))


def over_time(period: Period, agent: str | None = None) -> list[Sums]:
    """One for each of the period's slices."""
    starts = [one.start for one in period.slices]
    rows = (
        calls_in(period, agent)
        .annotate(slice=Bucket(starts))
        .values("slice")
        .annotate(**_aggregates())
    )
    found = {row["slice"]: _sums(row) for row in rows}
    return [found.get(at + 1, Sums()) for at in range(len(starts))]


# Beyond an hour it is no latency; Retell's numbers may be anything.
_P95 = """
    CASE WHEN jsonb_typeof(%(expressions)s #> '{e2e,p95}') = 'number'
        AND (%(expressions)s #>> '{e2e,p95}')::numeric BETWEEN 0 AND 3600000
    THEN (%(expressions)s #>> '{e2e,p95}')::numeric END
"""


def latency_over_time(period: Period, agent: str | None = None) -> list[Latencies]:
    """One for each of the period's slices."""
    starts = [one.start for one in period.slices]
    p95 = Func(
        F("latency"),
        template=_P95,
        output_field=DecimalField(max_digits=20, decimal_places=4),
    )
    rows = (
        calls_in(period, agent)
        .annotate(slice=Bucket(starts), p95=p95)
        .values("slice")
        .annotate(
            p50_ms=Sum("latency_p50_ms", default=Decimal(0)),
            p50_calls=Count("latency_p50_ms"),
            p95_ms=Sum("p95", default=Decimal(0)),
            p95_calls=Count("p95"),
        )
    )
    found = {row.pop("slice"): Latencies(**row) for row in rows}
    return [found.get(at + 1, Latencies()) for at in range(len(starts))]


def by_hour_of_week(period: Period, agent: str | None = None) -> list[list[int]]:
    """Calls per weekday (Monday first) and local hour."""
    rows = (
        calls_in(period, agent)
        .annotate(
            weekday=ExtractIsoWeekDay("sort_at", tzinfo=period.zone),
            hour=ExtractHour("sort_at", tzinfo=period.zone),
        )
        .values_list("weekday", "hour")
        .annotate(calls=Count("id"))
    )
    grid = [[0] * 24 for _ in range(7)]
    for weekday, hour, calls in rows:
        grid[weekday - 1][hour] = calls
    return grid


def endings(period: Period, agent: str | None = None) -> list[tuple[str, int]]:
    """Disconnection reasons with their calls, the most frequent first."""
    rows = (
        calls_in(period, agent)
        .exclude(Q(disconnection_reason=None) | Q(disconnection_reason=""))
        .values_list("disconnection_reason")
        .annotate(calls=Count("id"))
        .order_by("-calls", "disconnection_reason")
    )
    return list(rows)


def durations(period: Period, agent: str | None = None) -> list[int]:
    """Calls per range of `DURATIONS_S`; those without a duration are in none."""
    bounds_ms = Value([seconds * 1000 for seconds in DURATIONS_S])
    bucket = Func(
        F("duration_ms"),
        bounds_ms,
        template="width_bucket(%(expressions)s::bigint[])",
        output_field=IntegerField(),
    )
    rows = (
        calls_in(period, agent)
        .filter(duration_ms__gte=0)
        .annotate(range=bucket)
        .values_list("range")
        .annotate(calls=Count("id"))
    )
    found = dict(rows)
    return [found.get(at + 1, 0) for at in range(len(DURATIONS_S))]


_COST_LINES = """
    SELECT line ->> 'product', sum((line ->> 'cost')::numeric)
    FROM calls_call, jsonb_array_elements(cost -> 'product_costs') line
    WHERE sort_at >= %s AND sort_at < %s AND (%s::text IS NULL OR agent_id = %s)
        AND jsonb_typeof(cost -> 'product_costs') = 'array'
        AND jsonb_typeof(line -> 'cost') = 'number'
    GROUP BY 1
"""


def cost_by_product(period: Period, agent: str | None = None) -> list[tuple[str, Decimal]]:
    """Cents per product as Retell names it; "" for lines that name none."""
    with connection.cursor() as cursor:
        cursor.execute(_COST_LINES, [period.start, period.end, agent, agent])
        return [(product or "", cents) for product, cents in cursor.fetchall()]


def by_agent(period: Period, agent: str | None = None) -> dict[str, Sums]:
    """Per agent, by its id in Retell; "" for calls of none. The busiest first."""
    rows = (
        calls_in(period, agent)
        .values("agent_id")
        .annotate(**_aggregates())
        .order_by("-calls", "agent_id")
    )
    return {row["agent_id"] or "": _sums(row) for row in rows}


def agents_by_day(period: Period, agents: list[str]) -> dict[str, list[int]]:
    """Calls of these agents on each of the period's last days."""
    days = [period.last_day - timedelta(days=back) for back in range(MINI_BAR_DAYS - 1, -1, -1)]
    window = Period("", days[0], days[-1], period.zone)
    rows = (
        calls_in(window)
        .filter(agent__in=agents)
        .annotate(slice=Bucket([one.start for one in window.slices]))
        .values_list("agent_id", "slice")
        .annotate(calls=Count("id"))
    )
    bars = {agent: [0] * len(days) for agent in agents}
    for agent, at, calls in rows:
        bars[agent][at - 1] = calls
    return bars
