"""Setting up an organization, until its first event was verified."""

from __future__ import annotations

import pytest

from agents.models import RetellConnection
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.retell import body_of, post, receive


@pytest.fixture
def operator(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.sam)


def page(operator: CanaryClient, world: World, **headers: str) -> str:
    response = operator.get(f"/organizations/{world.acme.pk}/setup/", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_it_waits_and_asks_again_until_an_event_arrives(
    operator: CanaryClient, world: World
) -> None:
    shown = page(operator, world)
    assert "Waiting" in shown
    assert 'hx-trigger="every 3s"' in shown


def test_it_is_complete_with_the_first_verified_event(operator: CanaryClient, world: World) -> None:
    receive(world, body_of())
    shown = page(operator, world)
    assert "Complete" in shown
    assert "hx-trigger" not in shown.partition('id="setup"')[2]


def test_a_refused_event_is_named_with_its_cause(operator: CanaryClient, world: World) -> None:
    assert post(world, body_of(), header="v=1,d=00").status_code == 401
    assert "Refused in the last 24 hours" in page(operator, world)


def test_without_a_signing_key_it_says_where_to_store_one(
    operator: CanaryClient, world: World
) -> None:
    with organization_context(world.acme):
        RetellConnection.objects.update(key_encrypted=None)
    assert "Store it on the organization" in page(operator, world)


def test_htmx_gets_only_the_steps(operator: CanaryClient, world: World) -> None:
    assert "<html" not in page(operator, world, HX_Request="true")
