"""The overview of an organization, and what happens in it now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.access import member_required
from accounts.http import MemberRequest
from agents.models import Agent
from analytics.presentation import chooser, figures_context, live_context, overview_context
from completeness import presentation as completeness
from config import periods
from config.partials import render_page


def _agent(request: MemberRequest) -> Agent | None:
    """The one that was chosen; None for all of them, and for one that is not known here."""
    try:
        agent_id = UUID(request.GET.get("agent", ""))
    except ValueError:
        return None
    found: Agent | None = Agent.objects.for_choice().filter(pk=agent_id).first()
    return found


@require_GET
@member_required
def overview(request: MemberRequest) -> HttpResponse:
    now, agent = timezone.now(), _agent(request)
    choice = periods.read(request.GET, now=now, zone=request.organization.zone)
    context: dict[str, Any] = overview_context(
        choice.period,
        now=now,
        agent=agent,
        compares=choice.compares,
        rights=request.standing.rights,
    )
    context |= chooser(request, choice, agent, now) | {"completeness": completeness.status()}
    return render_page(request, "analytics/overview.html", "analytics/_overview.html", context)


@require_GET
@member_required
def figures(request: MemberRequest) -> HttpResponse:
    """The strip of the overview, by the parameters of its URL."""
    now, agent = timezone.now(), _agent(request)
    choice = periods.read(request.GET, now=now, zone=request.organization.zone)
    context = figures_context(choice.period, now=now, agent=agent, compares=choice.compares)
    return render_page(request, "analytics/figures.html", "analytics/_figures.html", context)


@require_GET
@member_required
def now(request: MemberRequest) -> HttpResponse:
    """Calls that go on, and the newest ones."""
    at = timezone.now()
    today = periods.period("today", now=at, zone=request.organization.zone)
    context = live_context(today, now=at, agent=_agent(request))
    return render_page(request, "analytics/now.html", "analytics/_now.html", context)
