"""The overview's numbers in words: tiles with their change, charts, links to the calls behind."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from analytics import charts, overview
from analytics.charts import Series
from analytics.overview import Totals
from calls.models import Call
from config import zones
from config.periods import Period
from config.templatetags.formats import day, duration, hour, latency, money, number, percent

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
RECENT_CALLS = 6
CALLS_CHART_HEIGHT_PX = 320
Value = float | Decimal | None


def calls_url(period: Period, **filters: str) -> str:
    """The list of the calls behind a number of this period."""
    return f"{reverse('calls:list')}?{urlencode(period.call_filter | filters)}"


def _signed(text: str, difference: float) -> str:
    return f"+{text}" if difference > 0 else f"−{text}"


def _change(
    now: Value, before: Value, show: Callable[[float], str], *, more_is: str
) -> dict[str, Any]:
    """Change against the period before; its tone is its meaning, not its direction."""
    difference = float(now or 0) - float(before or 0)
    shown = show(abs(difference))
    if now is None or before is None or shown == show(0):
        return {"delta": None, "tone": None, "direction": None}
    tone = {"good": "ok", "bad": "bad"}.get(more_is, "mute")
    if difference < 0:
        tone = {"ok": "bad", "bad": "ok"}.get(tone, tone)
    return {
        "delta": _signed(shown, difference),
        "tone": tone,
        "direction": "up" if difference > 0 else "down",
    }


def _relative(before: float) -> Callable[[float], str]:
    def show(difference: float) -> str:
        return f"{100 * difference / before:,.1f} %" if before else f"{difference:,.0f}"

    return show


def _points(difference: float) -> str:
    return f"{100 * difference:.1f} pt"


def _rate(row: dict[str, Any], part: str, whole: str) -> float | None:
    return row[part] / row[whole] if row[whole] else None


def _spark(days: list[dict[str, Any]], value: Callable[[dict[str, Any]], Value]) -> Any:
    points = [value(row) for row in days]
    return [None if v is None else float(v) for v in points] if len(points) > 1 else None


def kpis(period: Period, now: Totals, before: Totals, days: list[dict[str, Any]]) -> list[Any]:
    """Six tiles: label, value, change, spark line, and the calls behind them."""
    return [
        {
            "label": "Calls",
            "value": number(now.calls),
            **_change(now.calls, before.calls, _relative(before.calls), more_is="good"),
            "spark": _spark(days, lambda row: row["calls"]),
            "url": calls_url(period),
        },
        {
            "label": "Answered",
            "value": percent(now.answer_rate, 1),
            **_change(now.answer_rate, before.answer_rate, _points, more_is="good"),
            "spark": _spark(days, lambda row: _rate(row, "connected", "calls")),
            "url": calls_url(period),
        },
        {
            "label": "Success rate",
            "value": percent(now.success_rate, 1),
            **_change(now.success_rate, before.success_rate, _points, more_is="good"),
            "spark": _spark(days, lambda row: _rate(row, "successful", "judged")),
            "url": calls_url(period, outcome="successful"),
        },
        {
            "label": "Avg. duration",
            "value": duration(now.average_duration_ms),
            **_change(
                now.average_duration_ms, before.average_duration_ms, duration, more_is="neutral"
            ),
            "spark": _spark(days, lambda row: row.get("average_duration_ms")),
            "url": calls_url(period),
        },
        {
            "label": "Latency p50",
            "value": latency(now.average_latency_ms),
            **_change(now.average_latency_ms, before.average_latency_ms, latency, more_is="bad"),
            "spark": _spark(days, lambda row: row.get("average_latency_ms")),
            "url": calls_url(period),
        },
        {
            "label": "Cost",
            "value": money(now.total_cost_cents),
            **_change(
                now.total_cost_cents,
                before.total_cost_cents,
                _relative(float(before.total_cost_cents)),
                more_is="neutral",
            ),
            "spark": _spark(days, lambda row: row["total_cost_cents"]),
            "url": calls_url(period),
        },
    ]


def _calls_chart(days: list[dict[str, Any]]) -> dict[str, Any]:
    series = [
        Series("Successful", [row["successful"] for row in days], 1),
        Series("Unsuccessful", [row["judged"] - row["successful"] for row in days], 4),
        Series("Not judged", [row["calls"] - row["judged"] for row in days], 3),
    ]
    labels = [day(row["day"]) for row in days]
    return {
        "calls_chart": charts.stacked_bars(
            "Calls per day", labels, series, height=CALLS_CHART_HEIGHT_PX
        ),
        "calls_legend": charts.legend(series),
    }


def overview_context(period: Period) -> dict[str, Any]:
    """Everything the overview's partial shows."""
    now, before = overview.totals(period), overview.totals(period.before())
    days = overview.by_day(period)
    hours = [hour(number) for number in range(24)]
    return {
        "kpis": kpis(period, now, before, days),
        **_calls_chart(days),
        "ended_by": overview.endings(period, calls_url(period)),
        "cost_lines": overview.cost_lines(period),
        "cost_total_cents": now.total_cost_cents,
        "recent_calls": Call.objects.for_list()[:RECENT_CALLS],
        "agents": overview.agents(period),
        "heatmap": charts.heat_map(
            "Calls by weekday and hour", WEEKDAYS, hours, overview.by_hour_of_week(period)
        ),
        "zone": period.zone.key,
        # Named when it is not the one that days are counted in.
        "own_zone": zones.shown() if zones.shown() != period.zone.key else "",
    }
