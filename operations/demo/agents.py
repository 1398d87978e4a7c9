"""What Retell would say of the demo's agents, read by the product's own sync.

There is no Retell behind the demo: `RETELL_BASE_URL` stays free for organizations that are real.
One agent more than those that have calls: its own URL leads elsewhere, so none of its calls come.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from agents import sync
from agents.retell import AgentSettings, AgentVersion, Channel, ListedAgent, answers
from operations.demo.profiles import AgentProfile, OrganizationProfile
from operations.demo.retell_api import Workspace
from operations.demo.stories import Body, to_ms
from tenants.models import Organization

VERSIONS = 4
BYPASSING_URL = "https://automation.example.com/webhook/retell"


class Answers:
    """What `agents.retell.RetellApi` would read of a workspace, without HTTP."""

    def __init__(self, workspace: Workspace) -> None:
        self._agents = workspace.agents

    def agents(self) -> Iterator[ListedAgent]:
        for agent in self._agents.values():
            yield answers.listed_agent(agent.listed())

    def agent(
        self, agent_id: str, version: int | str | None = None, *, channel: str = Channel.VOICE
    ) -> AgentSettings:
        agent = self._agents[agent_id]
        return answers.agent_settings(agent.full(agent.version(version)))

    def agent_versions(self, agent_id: str) -> Iterator[AgentVersion]:
        return map(answers.agent_version, self._agents[agent_id].versions)


def read_agents(profile: OrganizationProfile, organization: Organization, *, now: datetime) -> None:
    """Inside the organization's context."""
    sync.sync(organization, Answers(workspace(profile, now=now)))


def workspace(profile: OrganizationProfile, *, now: datetime) -> Workspace:
    """The organization's agents with their last versions."""
    made = Workspace(profile.retell_org_id, profile.name)
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
        f"agent_0new{profile.slug}",
        name=f"{profile.agents[0].name} (Spanish)",
        webhook_url=BYPASSING_URL,
        last_modification_timestamp=to_ms(now - timedelta(hours=30)),
    )
    return made


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
