"""Searching calls by number, as an admin and as someone who sees masked numbers only."""

from __future__ import annotations

import pytest

from testing.fixtures import ClientFactory, World
from testing.retell import body_of, receive

NUMBER = "+16195550142"


@pytest.fixture(autouse=True)
def _one_call(world: World) -> None:
    receive(world, body_of(from_number=NUMBER, to_number="+16195550199", direction="inbound"))


def is_found(world: World, browser_of: ClientFactory, name: str, text: str) -> bool:
    client = browser_of(getattr(world.people, name), world.acme)
    response = client.get("/calls/", {"q": text})
    assert response.status_code == 200
    return "1 of 1 call" in response.content.decode()


@pytest.mark.parametrize("text", [NUMBER, "16195550142", "+1 (619) 555-0142", "0142", "555", "014"])
def test_an_admin_finds_by_any_part(world: World, browser_of: ClientFactory, text: str) -> None:
    assert is_found(world, browser_of, "alice", text)


@pytest.mark.parametrize("text", [NUMBER, "16195550142", "+1 (619) 555-0142", "0142"])
def test_a_viewer_finds_by_all_of_it_or_what_they_see(
    world: World, browser_of: ClientFactory, text: str
) -> None:
    assert is_found(world, browser_of, "bob", text)


@pytest.mark.parametrize("text", ["555", "50142", "142", "6195550142", "1619555", "+1619555014"])
def test_a_viewer_learns_no_further_digit(
    world: World, browser_of: ClientFactory, text: str
) -> None:
    assert not is_found(world, browser_of, "bob", text)
