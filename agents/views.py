"""Pages of agents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import confirmation_required, may, member_required, right_required
from accounts.http import MemberRequest
from accounts.roles import Right
from agents import access, actions, fixes, guardian, jobs, numbers, presentation
from agents.connection import keys
from agents.connection.exceptions import SENTENCES, Refused
from agents.filters import AgentFilterForm
from agents.forms import AgentNameForm
from agents.models import Agent, RetellConnection
from agents.retell import RetellApiError
from config import periods, zones
from config.partials import render_page

RECENT_CALLS = 10
LIST_PERIOD = "30d"


def _period(request: MemberRequest, key: str) -> periods.Period:
    return periods.period(key, now=timezone.now(), zone=request.organization.zone)


@require_GET
@member_required
def agent_list(request: MemberRequest) -> HttpResponse:
    period = _period(request, LIST_PERIOD)
    found = guardian.findings(organization_id=request.organization.pk)
    rows = presentation.rows(Agent.objects.for_list(), numbers.of_period(period), found, period)
    form = AgentFilterForm(request.GET)
    shown = form.matching(rows)
    context = {
        "rows": shown,
        "count_text": presentation.count_text(len(shown), len(rows)),
        "filter_form": form,
        "filters": form.chips(request),
        "ignored": form.ignored(request.GET),
        "is_filtered": bool(form.values()),
        "clear_url": request.path,
        "connection": RetellConnection.objects.filter(pk=1).first(),
        "connection_findings": [f for f in found if f.agent is None],
    }
    return render_page(request, "agents/list.html", "agents/_table.html", context)


@require_GET
@member_required
def agent_detail(request: MemberRequest, agent_id: UUID) -> HttpResponse:
    agent = access.get_agent(request, agent_id)
    period = _period(request, request.GET.get("period", LIST_PERIOD))
    found = guardian.findings(agent)
    (row,) = presentation.rows([agent], numbers.of_period(period, agent), found)
    context: dict[str, Any] = {
        "agent": agent,
        "findings": found,
        "kpis": presentation.kpis(row, period),
        "periods": periods.choices(request, period),
        "settings_rows": presentation.settings_rows(agent),
        "recent_calls": agent.calls.for_list()[:RECENT_CALLS],
        "calls_url": presentation.calls_url(agent),
        "zone": zones.shown(),
        "connection": RetellConnection.objects.filter(pk=1).first(),
    }
    if may(request, Right.RENAME_AGENTS):
        context["form"] = AgentNameForm(initial={"name": agent.name})
        context["form_url"] = reverse("agents:edit", args=[agent.pk])
    return render_page(request, "agents/detail.html", "agents/_agent.html", context)


@require_POST
@right_required(Right.RENAME_AGENTS)
def edit_agent(request: MemberRequest, agent_id: UUID) -> HttpResponse:
    agent = access.get_agent(request, agent_id)
    form = AgentNameForm(request.POST)
    if form.is_valid():
        actions.rename_agent(agent, name=form.cleaned_data["name"])
        messages.success(
            request,
            _("The agent is called %(display_name)s here now.")
            % {"display_name": agent.display_name},
        )
    else:
        messages.error(request, _("The name is longer than 120 characters. Nothing was changed."))
    return redirect(agent)


@require_POST
@right_required(Right.MANAGE_RETELL)
def sync_agents(request: MemberRequest) -> HttpResponse:
    connection = RetellConnection.objects.filter(pk=1).first()
    if connection is None or not connection.has_api_key:
        messages.error(request, fixes.NO_KEY)
    elif keys.is_unreadable(connection, request.organization.pk):
        messages.error(request, SENTENCES[Refused.UNREADABLE])
    else:
        jobs.sync_soon(request.organization, user=request.user)
        messages.success(request, _("Agents are being read from Retell. This page follows."))
    return redirect("agents:list")


@require_http_methods(["GET", "POST"])
@right_required(Right.MANAGE_RETELL)
@confirmation_required
def set_webhook(request: MemberRequest, agent_id: UUID) -> HttpResponse:
    """What exactly would change in Retell; and then the change."""
    agent = access.get_agent(request, agent_id)
    if request.method == "POST":
        return _set_webhook(request, agent)
    context: dict[str, Any] = {"agent": agent}
    try:
        context["plan"] = fixes.look(request.organization, agent)
    except (fixes.FixFailed, RetellApiError) as error:
        context["problem"] = str(error)
    return render(request, "agents/set_webhook.html", context)


def _set_webhook(request: MemberRequest, agent: Agent) -> HttpResponse:
    seal = request.POST.get("seal", "")
    try:
        version = actions.set_webhook(request.organization, agent, seal=seal)
    except (fixes.FixFailed, RetellApiError) as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            _("Version %(version)s of %(display_name)s is set in Retell.")
            % {"version": version, "display_name": agent.display_name},
        )
    return redirect(agent)
