"""What the overview shows: figures, charts, what needs attention, what happens now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.roles import Right
from agents.models import Agent, RetellConnection
from analytics import attention, overview
from analytics.presentation import cards
from analytics.presentation.chooser import chooser
from analytics.presentation.links import Links
from analytics.presentation.tiles import strip
from calls.models import Call
from calls.outcomes import Outcome
from config import zones
from config.paging import capped_count
from config.periods import Period, start_of_day

__all__ = ["chooser", "figures_context", "live_context", "overview_context"]

LIVE_ROWS = 6
MOST_ONGOING = 4
SHOWN_ITEMS = 4


def overview_context(
    period: Period, *, now: datetime, agent: Agent | None, compares: bool, rights: frozenset[Right]
) -> dict[str, Any]:
    """Everything the overview's partial shows."""
    links = Links(period, agent)
    slices = overview.over_time(period, links.agent_id)
    sums = sum(slices, overview.Sums())
    context = {
        **_figures(links, slices, now=now, compares=compares),
        "attention": _attention(rights),
        "zone": period.zone.key,
        # Named when it is not the one that days are counted in.
        "own_zone": zones.shown() if zones.shown() != period.zone.key else "",
        **live_context(period, now=now, agent=agent),
    }
    if not sums.calls:
        return context | {"empty": _empty(links, rights)}
    return context | {
        "volume": cards.volume(links, slices),
        "ended_by": cards.endings(links),
        "durations": cards.durations(links),
        "cost_lines": cards.cost_lines(links),
        "cost_per_call": cards.per_call(sums),
        "agents": cards.agents(links),
        "hours": cards.busiest_hours(links),
        "sentiment": cards.sentiment(links, sums),
        "latency": cards.response_latency(links),
    }


def figures_context(
    period: Period, *, now: datetime, agent: Agent | None, compares: bool
) -> dict[str, Any]:
    """The strip alone, which follows every change."""
    links = Links(period, agent)
    slices = overview.over_time(period, links.agent_id)
    return _figures(links, slices, now=now, compares=compares)


def _figures(
    links: Links, slices: Sequence[overview.Sums], *, now: datetime, compares: bool
) -> dict[str, Any]:
    sums = sum(slices, overview.Sums())
    before = overview.totals(links.period.before(now), links.agent_id) if compares else None
    parameters = links.period.parameters | ({} if compares else {"compare": "no"})
    if links.agent:
        parameters["agent"] = str(links.agent.pk)
    return {
        "kpis": strip(links, sums, before, slices),
        "figures_url": f"{reverse('analytics:figures')}?{urlencode(parameters)}",
    }


def live_context(period: Period, *, now: datetime, agent: Agent | None) -> dict[str, Any]:
    """Calls that go on, newest first, then the newest that are over."""
    links = Links(period, agent)
    # Longer than any call lasts: what seems to go on since before waits for a lost event.
    since = start_of_day(now.astimezone(period.zone).date() - timedelta(days=1), period.zone)
    ongoing = overview.ongoing(since, links.agent_id)
    shown = list(ongoing[:MOST_ONGOING])
    over = overview.over(links.agent_id)[: LIVE_ROWS - len(shown)]
    return {
        "live_rows": [{"call": call, "elapsed_ms": _elapsed_ms(call, now)} for call in shown]
        + [{"call": call, "elapsed_ms": None} for call in over],
        "ongoing_count": capped_count(ongoing),
        "ongoing_url": links.since(since, outcome=Outcome.ONGOING.value),
        "live_url": _live_url(agent),
        "live_zone": zones.shown(),
    }


def _elapsed_ms(call: Call, now: datetime) -> int:
    return max(0, int((now - call.sort_at).total_seconds() * 1000))


def _live_url(agent: Agent | None) -> str:
    return reverse("analytics:now") + (f"?agent={agent.pk}" if agent else "")


def _attention(rights: frozenset[Right]) -> dict[str, Any]:
    """The worst at once, the others on demand."""
    items = attention.items(rights)
    return {"items": items[:SHOWN_ITEMS], "more": items[SHOWN_ITEMS:], "count": len(items)}


def _empty(links: Links, rights: frozenset[Right]) -> dict[str, Any]:
    """For `components/empty.html`: nothing in this period, or nothing ever."""
    if overview.has_any_calls():
        longest = links.period.key == "90d"
        return {
            "icon_name": "calendar-search",
            "title": _("No calls in this period"),
            "text": _("Choose other days or another agent, or see every call."),
            "url": reverse("calls:list") if longest else "?period=90d",
            "action": _("See all calls") if longest else _("Show 90 days"),
        }
    is_connected = RetellConnection.objects.exists()
    manages = Right.MANAGE_RETELL in rights
    text = (
        _("Retell is connected. The first call appears here seconds after it begins.")
        if is_connected
        else _("Connect Retell, and calls appear here seconds after they begin.")
        if manages
        else _("They appear here once an admin has connected Retell.")
    )
    button = {"url": reverse("retell:connection"), "action": _("Connect Retell"), "primary": True}
    if is_connected:
        button = {"url": reverse("retell:connection"), "action": _("See the connection")}
    nothing_yet = {"icon_name": "phone-incoming", "title": _("No calls yet"), "text": text}
    return nothing_yet | (button if manages else {})
