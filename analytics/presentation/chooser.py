"""What the overview is of: days, an agent, and what it is compared with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from agents.models import Agent
from config import periods
from config.paging import with_parameters
from config.periods import CUSTOM, LABELS, PARAMETERS, Choice, Period
from config.templatetags.formats import day

_KNOWN = {*PARAMETERS, "agent"}


def chooser(
    request: HttpRequest, choice: Choice, agent: Agent | None, now: datetime
) -> dict[str, Any]:
    period, before = choice.period, choice.period.before(now)
    return {
        "periods": periods.choices(request, period, tuple(LABELS)),
        "period_form": choice.form,
        "is_custom": period.key == CUSTOM,
        "is_wrong": choice.is_wrong,
        "kept": [(name, request.GET[name]) for name in ("agent", "compare") if name in request.GET],
        "dates": dates(period),
        "compared_with": dates(before) if choice.compares else "",
        "compared_so_far": before.until is not None,
        "compare_url": with_parameters(request, compare="no" if choice.compares else None),
        "agent": agent,
        "agent_choices": _agents(request, agent),
        "ignored": _ignored(request, agent),
    }


def dates(period: Period) -> str:
    """ "Nov 17 – Nov 23, 2026" """
    first, last = period.first_day, period.last_day
    if first == last:
        return day(first, with_year=True)
    return f"{day(first, with_year=first.year != last.year)} – {day(last, with_year=True)}"


def _agents(request: HttpRequest, chosen: Agent | None) -> list[dict[str, Any]]:
    every = {
        "label": _("All agents"),
        "url": with_parameters(request, agent=None),
        "current": chosen is None,
    }
    return [every] + [
        {
            "label": agent.display_name,
            "url": with_parameters(request, agent=str(agent.pk)),
            "current": agent == chosen,
        }
        for agent in Agent.objects.for_list()
    ]


def _ignored(request: HttpRequest, agent: Agent | None) -> list[str]:
    """What of the URL was not applied, as sentences."""
    sentences = [
        _("“%(name)s” is not known here and was ignored.") % {"name": name[:40]}
        for name in request.GET
        if name not in _KNOWN
    ]
    if request.GET.get("agent") and agent is None:
        sentences.append(_("There is no such agent here; the numbers are of all agents."))
    key = request.GET.get("period", CUSTOM)
    if key not in (CUSTOM, *LABELS):
        sentences.append(_("There is no such period; the last 7 days are shown."))
    return sentences
