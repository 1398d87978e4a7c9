"""Whom an organization's requests go to: demo organizations ask the demo's Retell, others never."""

from __future__ import annotations

from typing import Any

import pytest

from agents.api_access import open_api
from agents.connection import keys
from agents.connection.actions import api_key
from agents.connection.exceptions import Refused, RetellKeyError
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import World
from testing.retell_api import API_KEYS, FaultyRetell, running

DEMO_KEY = "key_demo_of_the_test"


@pytest.fixture
def demo_retell(retell_api: FaultyRetell, settings: Any) -> Any:
    """A second Retell, for demo organizations only."""
    server = FaultyRetell()
    server.add_workspace("Acme Demo", DEMO_KEY, org_id="org_demo")
    with running(server):
        settings.DEMO_RETELL_BASE_URL = server.url
        yield server
        server.stopping.set()


def mark_as_demo(organization: Organization) -> None:
    with platform():
        Organization.objects.filter(pk=organization.pk).update(is_demo=True)


def connect(organization: Organization, key: str) -> str:
    """Check and store a key, use it; the workspace that answered."""
    with organization_context(organization):
        api_key.connect(organization.pk, key, keys.check_key(key, organization.pk))
        with open_api(organization) as api:
            assert api is not None
            return api.workspace().org_id


def test_a_demo_organization_asks_the_demos_retell(
    world: World, retell_api: FaultyRetell, demo_retell: FaultyRetell
) -> None:
    mark_as_demo(world.acme)
    assert connect(world.acme, DEMO_KEY) == "org_demo"
    assert (len(demo_retell.requests), len(retell_api.requests)) == (2, 0)


def test_any_other_organization_asks_retell(
    world: World, retell_api: FaultyRetell, demo_retell: FaultyRetell
) -> None:
    mark_as_demo(world.acme)
    assert connect(world.globex, API_KEYS["globex"]) == retell_api.globex.org_id
    assert len(demo_retell.requests) == 0


def test_a_demo_key_opens_nothing_for_other_organizations(
    world: World, demo_retell: FaultyRetell
) -> None:
    with pytest.raises(RetellKeyError) as refused:
        connect(world.globex, DEMO_KEY)
    assert refused.value.why is Refused.KEY_REFUSED


def test_without_a_demos_retell_all_ask_the_same(world: World, retell_api: FaultyRetell) -> None:
    mark_as_demo(world.acme)
    assert connect(world.acme, API_KEYS["acme"]) == retell_api.acme.org_id
