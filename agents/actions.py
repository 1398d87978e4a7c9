"""Changes to agents. Those to the connection to Retell are in `agents.connection`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from agents import fixes
from agents.fixes import FixFailed, Plan
from agents.models import Agent
from agents.retell import RetellApiError
from agents.sync import TOPIC, read_agent
from audit.actions import Changes, changes_between, record
from audit.vocabulary import Action
from notifications import signals
from tenants.models import Organization

logger = logging.getLogger(__name__)

RENAMED = Action("agents.renamed", "renamed the agent {object}")
WEBHOOK_SET = Action(
    "agents.webhook_set", "set the webhook of the agent {object} in Retell, in version {version};"
)
WEBHOOK_NOT_SET = Action(
    "agents.webhook_not_set", "tried to set the webhook of the agent {object} in Retell: {how}"
)


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


def rename_agent(agent: Agent, *, name: str, check: Callable[[Agent], None] | None = None) -> None:
    """Give an agent our own name; an empty one goes back to Retell's. `check` looks at it once
    nobody else can change it, and may raise."""
    with transaction.atomic():
        old = Agent.objects.select_for_update().get(pk=agent.pk)
        if check is not None:
            check(old)
        agent.name = name.strip()
        if agent.name != old.name:
            agent.save(update_fields=["name"])
            record(RENAMED, agent, changes=changes_between(old, agent, ["name"]))


def set_webhook(organization: Organization, agent: Agent, *, seal: str) -> int:
    """Change the agent in Retell as the plan with this seal says; the version that was set.

    Raises `FixFailed` and `RetellApiError`. What Retell did stands in the log, done or not: it is
    not taken back with a transaction.
    """
    with fixes.opened(organization) as api:
        plan = fixes.plan_for(api, agent)
        if plan.seal != seal:
            raise FixFailed(fixes.CHANGED)
        try:
            version = fixes.carry_out(api, plan)
        except FixFailed as error:
            record(WEBHOOK_NOT_SET, agent, details={"how": str(error)}, changes=_changes(plan))
            raise
        else:
            record(WEBHOOK_SET, agent, details={"version": version}, changes=_changes(plan))
        finally:
            _read_again(organization, api, agent)
    return version


def _read_again(organization: Organization, api: fixes.Api, agent: Agent) -> None:
    """So that the page shows what Retell has now; else the next sync does it."""
    try:
        read_agent(api, agent)
    except RetellApiError:
        logger.warning("an agent could not be read again", extra={"agent": agent.retell_agent_id})
    signals.changed(organization.pk, TOPIC)


def _changes(plan: Plan) -> Changes:
    """Where events go, without the secret part of any URL."""
    changes: Changes = {}
    if plan.changes_url:
        changes["webhook URL"] = [plan.shown_before, plan.shown_after]
    if plan.changes_events:
        changes["events"] = [", ".join(e or ()) for e in (plan.events_before, plan.events_after)]
    return changes
