"""The demo's agents as Retell has them.

One more than those whose events come: its own URL leads elsewhere, until somebody sets it from
the page of agents.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from operations.demo.profiles import AgentProfile, OrganizationProfile
from operations.demo.retell_api import Agent, Key, Workspace
from operations.demo.stories import Body, to_ms

VERSIONS = 4
BYPASSING_URL = "https://automation.example.com/webhook/retell"


def make_workspace(profile: OrganizationProfile, key: str, *, now: datetime) -> Workspace:
    """The organization's agents with their last versions."""
    made = Workspace(profile.retell_org_id, profile.name, {key: Key()})
    for number, agent in enumerate(profile.agents):
        _add_agent(made, agent, now - timedelta(days=2 + 5 * number))
    made.add_agent(
        profile.chat_agent_id,
        name=profile.chat_agent_name,
        channel="chat",
        version=2,
        last_modification_timestamp=to_ms(now - timedelta(days=21)),
    )
    made.add_agent(
        bypassing_agent(profile).agent_id,
        name=bypassing_agent(profile).name,
        webhook_url=BYPASSING_URL,
        last_modification_timestamp=to_ms(now - timedelta(hours=30)),
    )
    return made


def bypassing_agent(profile: OrganizationProfile) -> AgentProfile:
    """The newest one, whose events go to another tool."""
    like = profile.agents[0]
    return replace(
        like, agent_id=f"agent_0new{profile.slug}", name=f"{like.name} (Spanish)", version=0
    )


def bypasses(agent: Agent) -> bool:
    """Whether its calls' events still go elsewhere."""
    published = [version for version in agent.versions if version["is_published"]]
    return bool(published) and published[-1].get("webhook_url") == BYPASSING_URL


def _add_agent(made: Workspace, agent: AgentProfile, changed_at: datetime) -> None:
    """Published up to the version that calls use; the first agent has a draft above it."""
    is_first = not made.agents
    settings: Body = {"data_storage_setting": agent.storage}
    if agent.channel == "outbound":
        settings["data_storage_retention_days"] = 30
    fake = made.add_agent(agent.agent_id, name=agent.name, **settings)
    newest = agent.version
    fake.versions = [
        {
            **fake.latest,
            "version": number,
            "base_version": number - 1,
            "last_modification_timestamp": to_ms(
                changed_at - timedelta(days=4 * (newest - number))
            ),
        }
        for number in range(max(newest - VERSIONS + 1, 0), newest + 1)
    ]
    fake.tags = {"production": newest}
    if is_first:
        fake.branch(newest, to_ms(changed_at + timedelta(hours=5)))
