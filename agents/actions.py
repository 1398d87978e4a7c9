"""Changes to agents. Those to the connection to Retell are in `agents.connection`."""

from __future__ import annotations

from django.db import transaction

from agents.models import Agent
from audit.actions import changes_between, record
from audit.vocabulary import Action

RENAMED = Action("agents.renamed", "renamed the agent {object}")


def note_agent(retell_agent_id: str | None, retell_name: str | None) -> None:
    """An agent appears with the first event or list that names it; a name fills an empty one."""
    if retell_agent_id is None:
        return
    Agent.objects.bulk_create(
        [Agent(retell_agent_id=retell_agent_id, retell_name=retell_name or "")],
        ignore_conflicts=True,
    )
    if retell_name:
        nameless = Agent.objects.filter(retell_agent_id=retell_agent_id, retell_name="")
        nameless.update(retell_name=retell_name)


def rename_agent(agent: Agent, *, name: str) -> None:
    """Give an agent our own name; an empty one goes back to Retell's."""
    with transaction.atomic():
        old = Agent.objects.select_for_update().get(pk=agent.pk)
        agent.name = name.strip()
        if agent.name != old.name:
            agent.save(update_fields=["name"])
            record(RENAMED, agent, changes=changes_between(old, agent, ["name"]))
