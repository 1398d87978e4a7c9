"""The cards of the overview: charts and tables, each value with the calls behind it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from agents.models import Agent
from analytics import charts, overview
from analytics.charts import Series
from analytics.overview import DURATIONS_S, Sums
from analytics.presentation.links import Links
from calls import costs, outcomes
from calls.outcomes import Outcome
from config.periods import Slice
from config.templatetags.formats import day, hour, latency

MOST_REASONS = 8
MOST_AGENTS = 8
MOST_COST_LINES = 5
VOLUME_HEIGHT_PX = 320
DURATION_HEIGHT_PX = 192


# Layers of the chart of calls, from below: tone and outcomes.
def _layers() -> list[tuple[str, int, tuple[Outcome, ...]]]:
    return [
        (_("Successful"), 1, (Outcome.SUCCESSFUL,)),
        (_("Not judged"), 2, (Outcome.ENDED, Outcome.ONGOING)),
        (_("Unsuccessful"), 4, (Outcome.UNSUCCESSFUL,)),
        (_("Error"), 5, (Outcome.ERROR,)),
        (_("Voicemail / no answer"), 3, (Outcome.VOICEMAIL, Outcome.NOT_CONNECTED)),
    ]


def slice_labels(links: Links) -> list[str]:
    return [_slice_label(one, links) for one in links.shown_slices]


def _slice_label(one: Slice, links: Links) -> str:
    local = one.start.astimezone(links.period.zone)
    if one.unit != "hour":
        return day(local.date())
    text = hour(local.hour)
    comes_twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    return f"{text} {local.tzname()}" if comes_twice else text


def slice_head(links: Links) -> str:
    heads = {"hour": _("Hour"), "day": _("Day"), "week": _("Week from")}
    return heads[links.shown_slices[0].unit]


def volume(links: Links, slices: Sequence[Sums]) -> dict[str, Any]:
    """Calls over time, stacked by outcome; layers that are empty throughout are left out."""
    names = {
        "hour": _("Calls per hour"), "day": _("Calls per day"), "week": _("Calls per week"),
    }  # fmt: skip
    name = names[links.shown_slices[0].unit]
    series = [
        Series(
            label,
            [sums.of(codes) for sums in slices],
            tone,
            links.slices(outcome=[code.value for code in codes]),
        )
        for label, tone, codes in _layers()
    ]
    shown = [entry for entry in series if any(entry.values)] or series[:1]
    whole = Series(_("Calls"), [sums.calls for sums in slices], None, links.slices())
    chart = charts.stacked_bars(
        name, slice_labels(links), shown, head=slice_head(links), height=VOLUME_HEIGHT_PX,
        whole=whole,
    )  # fmt: skip
    return {"name": name, "chart": chart, "legend": charts.legend(shown)}


def endings(links: Links) -> list[dict[str, Any]]:
    """The most frequent disconnection reasons with their share of all that have one."""
    rows = overview.endings(links.period, links.agent_id)
    whole = sum(calls for _reason, calls in rows)
    return [
        {
            "label": tag.label if (tag := outcomes.disconnection(reason)) else reason,
            "count": calls,
            "share": calls / whole,
            "url": links.calls(reason=reason),
        }
        for reason, calls in rows[:MOST_REASONS]
    ]


def _range_filter(at: int) -> dict[str, str]:
    """Both bounds belong to a filter's range, and durations are whole milliseconds."""
    found = {"min_duration_s": str(DURATIONS_S[at])}
    if at + 1 < len(DURATIONS_S):
        found["max_duration_s"] = f"{DURATIONS_S[at + 1] - 0.001:.3f}"
    return found


def _range_labels() -> list[str]:
    """ "0–15 s", "15–30 s", … "10 min +" """
    labels = []
    for at, low in enumerate(DURATIONS_S):
        if at + 1 == len(DURATIONS_S):
            labels.append(_("%(low)s min +") % {"low": low // 60})
        elif low < 60 and DURATIONS_S[at + 1] <= 60:
            labels.append(_("%(low)s–%(high)s s") % {"low": low, "high": DURATIONS_S[at + 1]})
        else:
            bounds = {"low": low // 60, "high": DURATIONS_S[at + 1] // 60}
            labels.append(_("%(low)s–%(high)s min") % bounds)
    return labels


def durations(links: Links) -> dict[str, Any]:
    """How long calls were, in ranges."""
    counts = overview.durations(links.period, links.agent_id)
    urls = [links.calls(**_range_filter(at)) for at in range(len(counts))]
    series = [Series(_("Calls"), counts, 1, urls)]
    name = _("Calls by duration")
    chart = charts.stacked_bars(
        name, _range_labels(), series, head=_("Duration"), height=DURATION_HEIGHT_PX
    )
    return {"chart": chart, "count": sum(counts)}


def cost_lines(links: Links) -> list[dict[str, Any]]:
    """Cost by group of products, the small ones together as "Other"."""
    groups: dict[str, Decimal] = {}
    for product, cents in overview.cost_by_product(links.period, links.agent_id):
        label, _detail = costs.group(product)
        groups[label] = groups.get(label, Decimal(0)) + cents
    rows = costs.with_shares(
        [
            {
                "label": label or _("Not named"),
                "amount_cents": cents,
                "url": links.calls(product=label) if label else "",
            }
            for label, cents in groups.items()
        ],
        "amount_cents",
    )
    return [
        {**row, "tone": tone} for row, tone in zip(_with_rest(rows), (1, 2, 4, 5, 3), strict=False)
    ]


def _with_rest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rest = rows[MOST_COST_LINES - 1 :]
    if len(rest) < 2:
        return rows
    other = {
        "label": _("Other"),
        "amount_cents": sum((row["amount_cents"] for row in rest), Decimal(0)),
        "share": sum(row["share"] for row in rest),
    }
    return [*rows[: MOST_COST_LINES - 1], other]


def agents(links: Links) -> dict[str, Any]:
    """The busiest agents of the period, with their calls of each of its last days; `more`: how
    many had calls, too."""
    period = links.period
    found = {key: sums for key, sums in overview.by_agent(period, links.agent_id).items() if key}
    shown = list(found)[:MOST_AGENTS]
    known = Agent.objects.for_choice().in_bulk(shown, field_name="retell_agent_id")
    bars = overview.agents_by_day(period, shown)
    rows = [_agent_row(links, key, known.get(key), found[key], bars[key]) for key in shown]
    return {"rows": rows, "more": len(found) - len(shown)}


def _agent_row(
    links: Links, key: str, agent: Agent | None, sums: Sums, bars: list[int]
) -> dict[str, Any]:
    own = Links(links.period, agent)
    return {
        "name": agent.display_name if agent else key,
        "url": agent.get_absolute_url() if agent else "",
        "calls": sums.calls,
        "calls_url": own.calls() if agent else "",
        "successful_url": own.calls(outcome=Outcome.SUCCESSFUL.value) if agent else "",
        "success_rate": sums.success_rate,
        "handling_ms": sums.handling_ms,
        "latency_ms": sums.mean_latency_ms,
        "cost_cents": sums.cost_cents,
        "bars": [float(calls) for calls in bars],
    }


def busiest_hours(links: Links) -> dict[str, Any]:
    grid = overview.by_hour_of_week(links.period, links.agent_id)
    urls = [
        [links.calls(weekday=str(weekday + 1), hour=str(at)) for at in range(24)]
        for weekday in range(7)
    ]
    chart = charts.heat_map(
        _("Calls by weekday and hour"),
        [str(WEEKDAYS_ABBR[weekday]) for weekday in range(7)],
        [hour(at) for at in range(24)],
        grid,
        urls=urls,
    )
    return {"chart": chart, "zone": links.period.zone.key}


def sentiment(links: Links, now: Sums) -> list[dict[str, Any]]:
    """Shares of the calls that Retell analysed."""
    tones = {"Positive": 2, "Neutral": 1, "Negative": 5, "Unknown": 3}
    whole = sum(now.sentiments.values())
    return [
        {
            "label": label.label if (label := outcomes.sentiment(name)) else name,
            "count": now.sentiments[name],
            "share": now.sentiments[name] / whole,
            "url": links.calls(sentiment=name),
            "tone": tone,
        }
        for name, tone in tones.items()
        if now.sentiments[name]
    ]


def response_latency(links: Links) -> dict[str, Any] | None:
    """Means of the calls' own p50 and p95; None when no call has any."""
    found = overview.latency_over_time(links.period, links.agent_id)
    series = [
        Series("p50", [_whole(one.mean_p50_ms) for one in found], 1, links.slices()),
        Series("p95", [_whole(one.mean_p95_ms) for one in found], 4, links.slices()),
    ]
    if not any(value is not None for value in series[0].values):
        return None
    chart = charts.lines(
        _("Response latency"), slice_labels(links), series, head=slice_head(links), show=latency
    )
    return {"chart": chart, "legend": charts.legend(series)}


def _whole(value: Decimal | None) -> float | None:
    return None if value is None else round(float(value))


def per_call(now: Sums) -> Decimal | None:
    return now.cost_cents / now.calls if now.calls else None
