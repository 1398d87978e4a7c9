"""The demo's Retell read by the product's own code before it answers over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from agents.retell import (
    AgentSettings,
    AgentVersion,
    CallPage,
    Channel,
    Kind,
    ListedAgent,
    RetellApiError,
    answers,
)
from agents.retell import Workspace as ReadWorkspace
from agents.retell.sending import FORBIDDEN_KEYS
from config.json_reader import read_json
from operations.demo.retell_api import Workspace
from operations.demo.retell_api.lists import MAX_LIMIT, list_calls
from operations.demo.stories import Body, encode, to_ms


class Answers:
    """What `agents.retell.RetellApi` would read of a workspace, without HTTP."""

    def __init__(self, workspace: Workspace, *, is_away: bool = False) -> None:
        self._is_away = is_away
        self._workspace = workspace
        self._agents = workspace.agents

    def workspace(self) -> ReadWorkspace:
        (key,) = self._workspace.keys.values()
        return ReadWorkspace(self._workspace.org_id, self._workspace.name, key.name, {})

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

    def calls(
        self,
        started_from: datetime,
        started_until: datetime,
        *,
        after_key: str | None = None,
        counted: bool = False,
    ) -> Iterator[CallPage]:
        """One page: loading asks for hours, not for months."""
        if self._is_away:
            raise RetellApiError(Kind.UNAVAILABLE)
        between = [to_ms(started_from), to_ms(started_until)]
        started = {"type": "range", "op": "bt", "value": between}
        wanted: Body = {"filter_criteria": {"start_timestamp": started}, "limit": MAX_LIMIT}
        yield answers.page(_sent(list_calls(self._workspace.calls_for(wanted), wanted)))

    def call(self, call_id: str) -> Body:
        found = self._workspace.call(call_id)
        assert found is not None
        return _sent(found)


def _sent(answer: Body) -> Body:
    """As it is read behind HTTP: numbers are decimals, access tokens are gone."""
    read: Body = read_json(encode(answer), FORBIDDEN_KEYS)[0]
    return read
