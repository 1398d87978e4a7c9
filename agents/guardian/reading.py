"""Findings of an organization's agents, from what is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from agents.connection import keys
from agents.guardian import standing, webhook
from agents.guardian.finding import Finding, Heard, OwnUrls, Severity
from agents.models import Agent, RetellConnection
from tenants.models import WebhookEndpoint

HEARD_WITHIN = timedelta(days=1)


def of_agent(agent: Agent, own: OwnUrls, heard: Heard, now: datetime) -> list[Finding]:
    """What a sync and its calls say of one agent."""
    if agent.gone_at is not None:
        found = list(standing.gone(heard))
    elif agent.synced_at is None:
        found = list(standing.unread(agent, now))
    else:
        found = [
            *webhook.webhook(agent, own, heard, now),
            *webhook.events(agent, own, now),
            *webhook.tags(agent, own, now),
            *webhook.drafts(agent),
            *standing.storage(agent),
            *standing.old(agent, now),
        ]
    return [replace(finding, agent=agent) for finding in found]


def own_urls() -> OwnUrls:
    """Inside the organization's context, whose role sees its own URLs."""
    rows = WebhookEndpoint.objects.values_list("token_sha256", "expires_at")
    return OwnUrls({bytes(sha256).hex(): until for sha256, until in rows})


def findings(agent: Agent | None = None, *, organization_id: UUID | None = None) -> list[Finding]:
    """Of all agents and the connection, or of one agent; worst first. Three queries, however
    many agents there are; inside the organization's context.

    With its `organization_id` it says, too, when the API key cannot be decrypted.
    """
    now = timezone.now()
    connection = RetellConnection.objects.filter(pk=1).first()
    found = _of_connection(connection, organization_id) if agent is None else []
    has_key = connection is not None and connection.has_api_key
    since = now - HEARD_WITHIN
    if connection is not None:  # what history brought was never sent
        since = max(since, connection.connected_at)
    own = own_urls()
    agents = Agent.objects.with_what_was_heard(since)
    for row in agents if agent is None else agents.filter(pk=agent.pk):
        heard = Heard(row.heard_by_webhook, row.heard_by_comparison, row.heard_since_gone)
        of_this = of_agent(row, own, heard, now)
        found += of_this if has_key else [f for f in of_this if f.code not in standing.BY_SYNCING]
    order = list(Severity)
    return sorted(found, key=lambda f: (order.index(f.severity), f.agent is not None, f.subject))


def _of_connection(
    connection: RetellConnection | None, organization_id: UUID | None
) -> list[Finding]:
    is_unreadable = (
        connection is not None
        and organization_id is not None
        and keys.is_unreadable(connection, organization_id)
    )
    return standing.of_connection(connection, is_unreadable=is_unreadable)
