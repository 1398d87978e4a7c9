"""Agents: which there are, one of them, its name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import Scope
from agents import access, actions
from agents.models import Agent
from config.api import etags
from config.api.lists import ListView
from config.api.operations import Operation
from config.api.serializers import Body, Resource, read
from config.api.views import ApiView

EXAMPLE = {
    "id": "0193e001-7a10-7c55-8a7e-6d9a3a1f0c11",
    "retell_agent_id": "agent_7b1e2c",
    "name": "Front desk",
    "retell_name": "front-desk-v2",
    "channel": "voice",
    "status": "live",
    "published_version": 4,
    "first_seen_at": "2026-09-01T08:00:00-04:00",
    "synced_at": "2026-11-12T09:00:00-05:00",
}


class AgentSerializer(Resource):
    id = serializers.UUIDField()
    retell_agent_id = serializers.CharField()
    name = serializers.CharField(source="display_name", help_text="Ours, or else Retell's.")
    retell_name = serializers.CharField(allow_blank=True)
    channel = serializers.CharField(allow_blank=True, help_text="voice, chat, or not known yet.")
    status = serializers.CharField(source="status.value")
    published_version = serializers.SerializerMethodField()
    first_seen_at = serializers.DateTimeField()
    synced_at = serializers.DateTimeField(allow_null=True)

    @classmethod
    def version_of(cls, row: Agent) -> str:
        """Without the last comparison with Retell: that is no change."""
        return etags.version_of(cls(row, fields=set(cls.names()) - {"synced_at"}).data)

    def get_published_version(self, agent: Agent) -> int | None:
        return agent.published_version.number if agent.published_version else None


class AgentNameSerializer(Body):
    name = serializers.CharField(
        max_length=120, allow_blank=True, help_text="Empty: Retell's name counts again."
    )


class AgentList(ListView):
    tag = "agents"
    resource = "agents"
    operations = {
        "GET": Operation(
            "list_agents", Scope.AGENTS_READ, gives=AgentSerializer, many=True, example=EXAMPLE
        )
    }

    def get(self, request: Request) -> Response:
        """Agents, the newest first."""
        return self.page(Agent.objects.order_by("-id"), AgentSerializer)


class AgentDetail(ApiView):
    tag = "agents"
    operations = {
        "GET": Operation("get_agent", Scope.AGENTS_READ, gives=AgentSerializer, example=EXAMPLE),
        "PATCH": Operation(
            "rename_agent", Scope.AGENTS_WRITE, gives=AgentSerializer, example=EXAMPLE,
            takes=AgentNameSerializer, takes_example={"name": "Front desk"},
        ),
    }  # fmt: skip

    def get(self, request: Request, agent_id: UUID) -> Response:
        """One agent."""
        return self.one(AgentSerializer, access.get_agent(self.asked, agent_id))

    def patch(self, request: Request, agent_id: UUID) -> Response:
        """Give an agent a name of your own.

        It is not changed in Retell."""
        self.check_parameters()
        name = read(AgentNameSerializer, request.data)["name"]
        agent = access.get_agent(self.asked, agent_id)
        actions.rename_agent(agent, name=name, check=self._check)
        return self.made(AgentSerializer, agent, status=200)

    def _check(self, agent: Any) -> None:
        self.check_version(AgentSerializer, agent)
