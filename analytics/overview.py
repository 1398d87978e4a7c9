"""The numbers of an organization's overview. Reads only; everything counts by `sort_at`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Avg, Count, F, Q, QuerySet, Sum
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay, TruncDate

from agents.models import Agent
from calls import costs, outcomes
from calls.models import Call
from calls.outcomes import Outcome
from config.periods import Period

MOST_REASONS = 6
MOST_AGENTS = 8
MOST_COST_LINES = 5
MINI_BAR_DAYS = 14


def calls_in(period: Period) -> QuerySet[Call]:
    return Call.objects.filter(sort_at__gte=period.start, sort_at__lt=period.end)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of a period. Rates are of the calls they can be said of; None where there are none."""

    calls: int
    connected: int
    successful: int
    judged: int
    total_duration_ms: int
    average_duration_ms: float | None
    average_latency_ms: Decimal | None
    total_cost_cents: Decimal

    @property
    def answer_rate(self) -> float | None:
        return self.connected / self.calls if self.calls else None

    @property
    def success_rate(self) -> float | None:
        return self.successful / self.judged if self.judged else None


_CONNECTED = ~Q(outcome_code__in=[Outcome.NOT_CONNECTED, Outcome.ONGOING])
_JUDGED = Q(outcome_code__in=[Outcome.SUCCESSFUL, Outcome.UNSUCCESSFUL])
_SUCCESSFUL = Q(outcome_code=Outcome.SUCCESSFUL)


def totals(period: Period) -> Totals:
    row = calls_in(period).aggregate(
        calls=Count("id"),
        connected=Count("id", filter=_CONNECTED),
        successful=Count("id", filter=_SUCCESSFUL),
        judged=Count("id", filter=_JUDGED),
        total_duration_ms=Sum("duration_ms", default=0),
        average_duration_ms=Avg("duration_ms", filter=Q(duration_ms__gt=0)),
        average_latency_ms=Avg("latency_p50_ms"),
        total_cost_cents=Sum("cost_cents", default=Decimal(0)),
    )
    return Totals(**row)


def by_day(period: Period) -> list[dict[str, Any]]:
    """Per local day: calls, and those successful, unsuccessful and the rest; cost."""
    rows = (
        calls_in(period)
        .annotate(day=TruncDate("sort_at", tzinfo=period.zone))
        .values("day")
        .annotate(
            calls=Count("id"),
            successful=Count("id", filter=_SUCCESSFUL),
            judged=Count("id", filter=_JUDGED),
            connected=Count("id", filter=_CONNECTED),
            total_cost_cents=Sum("cost_cents", default=Decimal(0)),
            average_duration_ms=Avg("duration_ms", filter=Q(duration_ms__gt=0)),
            average_latency_ms=Avg("latency_p50_ms"),
        )
    )
    found = {row["day"]: row for row in rows}
    empty = {
        "calls": 0,
        "successful": 0,
        "judged": 0,
        "connected": 0,
        "total_cost_cents": Decimal(0),
    }
    return [{"day": day, **empty, **found.get(day, {})} for day in period.days]


def by_hour_of_week(period: Period) -> list[list[int]]:
    """Calls per weekday (Monday first) and local hour."""
    rows = (
        calls_in(period)
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


def endings(period: Period, calls_url: str) -> list[dict[str, Any]]:
    """The most frequent disconnection reasons with their share of all that have one."""
    rows = list(
        calls_in(period)
        .exclude(disconnection_reason=None)
        .values_list("disconnection_reason")
        .annotate(calls=Count("id"))
        .order_by("-calls")
    )
    whole = sum(calls for _, calls in rows)
    shown = []
    for reason, calls in rows[:MOST_REASONS]:
        tag = outcomes.disconnection(reason)
        shown.append(
            {
                "label": tag.label if tag else reason,
                "count": calls,
                "share": calls / whole,
                "url": f"{calls_url}&reason={reason}",
            }
        )
    return shown


_COST_LINES = """
    SELECT line ->> 'product', sum((line ->> 'cost')::numeric)
    FROM calls_call, jsonb_array_elements(cost -> 'product_costs') line
    WHERE sort_at >= %s AND sort_at < %s
        AND jsonb_typeof(cost -> 'product_costs') = 'array'
        AND jsonb_typeof(line -> 'cost') = 'number'
    GROUP BY 1
"""


def cost_lines(period: Period) -> list[dict[str, Any]]:
    """Cost by group of products, the small ones together as "Other"."""
    with connection.cursor() as cursor:
        cursor.execute(_COST_LINES, [period.start, period.end])
        products = cursor.fetchall()
    groups: dict[str, Decimal] = {}
    for product, cents in products:
        label, _ = costs.group(product or "")
        groups[label] = groups.get(label, Decimal(0)) + cents
    rows = costs.with_shares(
        [{"label": label, "amount_cents": cents} for label, cents in groups.items()],
        "amount_cents",
    )
    rest = rows[MOST_COST_LINES - 1 :]
    if len(rest) > 1:
        other = {
            "label": "Other",
            "amount_cents": sum((row["amount_cents"] for row in rest), Decimal(0)),
            "share": sum(row["share"] for row in rest),
        }
        rows = [*rows[: MOST_COST_LINES - 1], other]
    return [{**row, "tone": tone} for row, tone in zip(rows, (1, 2, 4, 5, 3), strict=False)]


def agents(period: Period) -> list[dict[str, Any]]:
    """The busiest agents of the period, with their calls of each of its last days."""
    rows = list(
        calls_in(period)
        .exclude(agent=None)
        .values("agent")
        .annotate(
            calls=Count("id"),
            successful=Count("id", filter=_SUCCESSFUL),
            judged=Count("id", filter=_JUDGED),
            avg_duration_ms=Avg("duration_ms", filter=Q(duration_ms__gt=0)),
            total_cost_cents=Sum("cost_cents", default=Decimal(0)),
        )
        .order_by("-calls")[:MOST_AGENTS]
    )
    known = Agent.objects.for_choice().in_bulk(
        [row["agent"] for row in rows], field_name="retell_agent_id"
    )
    bars = _daily_bars(period, list(known))
    for row in rows:
        agent = known.get(row["agent"])
        row["name"] = agent.display_name if agent else row["agent"]
        row["url"] = agent.get_absolute_url() if agent else ""
        row["success_rate"] = row["successful"] / row["judged"] if row["judged"] else None
        row["cost_cents"] = row["total_cost_cents"]
        row["bars"] = bars.get(row["agent"], [])
    return rows


def _daily_bars(period: Period, agent_ids: list[str]) -> dict[str, list[float]]:
    last = period.last_day
    days = [last - timedelta(days=back) for back in range(MINI_BAR_DAYS - 1, -1, -1)]
    window = Period(period.key, days[0], last, period.zone)
    rows = (
        calls_in(window)
        .filter(agent__in=agent_ids)
        .annotate(day=TruncDate("sort_at", tzinfo=period.zone), agent_key=F("agent"))
        .values_list("agent_key", "day")
        .annotate(calls=Count("id"))
    )
    bars: dict[str, list[float]] = {agent: [0.0] * len(days) for agent in agent_ids}
    for agent, day, calls in rows:
        bars[agent][days.index(day)] = float(calls)
    return bars
