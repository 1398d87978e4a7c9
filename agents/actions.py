"""Changes to agents. Those to the connection to Retell are in `agents.connection`."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from agents.models import Agent
from audit.actions import changes_between, record
from audit.vocabulary import Action

RENAMED = Action("agents.renamed", "renamed the agent {object}")


def note_agent(
    retell_agent_id: str | None, retell_name: str | None, *, said_at: datetime | None
) -> None:
    """An agent appears with the first event or list that names it. `said_at`: when it was called
    that, which is when the call began; a later name replaces an earlier one, one of an unknown
    time none."""
    if retell_agent_id is None:
        return
    Agent.objects.bulk_create(
        [
            Agent(
                retell_agent_id=retell_agent_id,
                retell_name=retell_name or "",
                retell_name_at=said_at,
            )
        ],
        ignore_conflicts=True,
    )
    if retell_name:
        older = Q(retell_name="")
        if said_at is not None:
            older |= Q(retell_name_at=None) | Q(retell_name_at__lt=said_at)
        Agent.objects.filter(older, retell_agent_id=retell_agent_id).exclude(
            retell_name=retell_name
        ).update(retell_name=retell_name, retell_name_at=said_at)


def rename_agent(agent: Agent, *, name: str) -> None:
    """Give an agent our own name; an empty one goes back to Retell's."""
    with transaction.atomic():
        old = Agent.objects.select_for_update().get(pk=agent.pk)
        agent.name = name.strip()
        if agent.name != old.name:
            agent.save(update_fields=["name"])
            record(RENAMED, agent, changes=changes_between(old, agent, ["name"]))
