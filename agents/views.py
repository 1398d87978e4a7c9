"""Pages of agents."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.access import may, member_required, right_required
from accounts.http import MemberRequest
from accounts.roles import Right
from agents import access, actions
from agents.forms import AgentNameForm
from agents.models import Agent
from config import zones

RECENT_CALLS = 10


@require_GET
@member_required
def agent_list(request: MemberRequest) -> HttpResponse:
    agents = list(Agent.objects.for_list())
    noun = "agent" if len(agents) == 1 else "agents"
    context = {"agents": agents, "count_text": f"{len(agents):,} {noun}"}
    return render(request, "agents/list.html", context)


@require_GET
@member_required
def agent_detail(request: MemberRequest, agent_id: UUID) -> HttpResponse:
    agent = access.get_agent(request, agent_id)
    context = {
        "agent": agent,
        "recent_calls": agent.calls.for_list()[:RECENT_CALLS],
        "calls_url": f"{reverse('calls:list')}?agent={agent.pk}",
        "zone": zones.shown(),
    }
    if may(request, Right.RENAME_AGENTS):
        context["form"] = AgentNameForm(initial={"name": agent.name})
        context["form_url"] = reverse("agents:edit", args=[agent.pk])
    return render(request, "agents/detail.html", context)


@require_POST
@right_required(Right.RENAME_AGENTS)
def edit_agent(request: MemberRequest, agent_id: UUID) -> HttpResponse:
    agent = access.get_agent(request, agent_id)
    form = AgentNameForm(request.POST)
    if form.is_valid():
        actions.rename_agent(agent, name=form.cleaned_data["name"])
        messages.success(request, f"The agent is called {agent.display_name} here now.")
    else:
        messages.error(request, "The name is longer than 120 characters. Nothing was changed.")
    return redirect(agent)
