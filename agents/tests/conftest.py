"""Acme, connected to its workspace on a fake Retell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents.models import API_KEY_FIELD, Agent, ApiKeyState, RetellConnection
from agents.tasks import sync_one
from operations.demo.retell_api.workspaces import Agent as FakeAgent
from tenants import encryption
from tenants.models import Organization, WebhookEndpoint
from testing.retell_api import API_KEYS, FaultyRetell


@pytest.fixture
def connected(in_acme: Organization, retell_api: FaultyRetell) -> FaultyRetell:
    """Acme with an API key, and a workspace without agents."""
    sealed = encryption.encrypt(API_KEYS["acme"], organization_id=in_acme.pk, field=API_KEY_FIELD)
    RetellConnection.objects.filter(pk=1).update(
        api_key_encrypted=sealed,
        api_key_state=ApiKeyState.OK,
        workspace_id=retell_api.acme.org_id,
        connected_at=timezone.now() - timedelta(days=30),
    )
    retell_api.acme.agents.clear()
    return retell_api


@pytest.fixture
def own_url(in_acme: Organization) -> str:
    return WebhookEndpoint.objects.get().url


Made = tuple[FakeAgent, Agent]
Make = Callable[..., Made]


@pytest.fixture
def make(in_acme: Organization, connected: FaultyRetell) -> Make:
    """`make(webhook_url=…)`: an agent in Retell with these settings, synced."""

    def made(agent_id: str = "agent_1", **settings: Any) -> Made:
        fake = connected.acme.add_agent(agent_id, **settings)
        assert sync_one(in_acme) is not None
        return fake, Agent.objects.get(retell_agent_id=agent_id)

    return made
