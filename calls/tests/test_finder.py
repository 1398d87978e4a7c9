"""What the command palette finds."""

from __future__ import annotations

import pytest

from agents.models import Agent
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.retell import body_of, receive

NUMBER = "+16195550142"


@pytest.fixture(autouse=True)
def _one_call(world: World) -> None:
    receive(world, body_of(from_number=NUMBER, direction="inbound", agent_id="agent_front"))


def found(client: CanaryClient, text: str) -> str:
    response = client.get("/calls/find/", {"q": text})
    assert response.status_code == 200
    return response.content.decode()


def test_a_call_is_found_by_its_number(world: World, browser_of: ClientFactory) -> None:
    assert "(619) 555-0142" in found(browser_of(world.people.alice, world.acme), "555-0142")


def test_a_call_is_found_by_its_id(world: World, browser_of: ClientFactory) -> None:
    assert "(619) 555-0142" in found(browser_of(world.people.alice, world.acme), "call_1")


def test_a_viewer_learns_no_further_digit(world: World, browser_of: ClientFactory) -> None:
    assert "/calls/0" not in found(browser_of(world.people.bob, world.acme), "5550142")


@pytest.mark.parametrize("name", ["Front desk", "front"])
def test_an_agent_is_found_by_part_of_its_name(
    world: World, browser_of: ClientFactory, name: str
) -> None:
    with organization_context(world.acme):
        Agent.objects.update(name="Front desk")
    assert "Front desk</a>" in found(browser_of(world.people.alice, world.acme), name)


def test_other_words_lead_to_the_list(world: World, browser_of: ClientFactory) -> None:
    shown = found(browser_of(world.people.alice, world.acme), 'broken "tooth" & <b>')
    assert "/calls/?q=broken+%22tooth%22+%26+%3Cb%3E" in shown
    assert "<b>" not in shown


def test_nothing_typed_finds_nothing(world: World, browser_of: ClientFactory) -> None:
    assert found(browser_of(world.people.alice, world.acme), " ").strip() == ""
