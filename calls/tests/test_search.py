"""Searching calls by number, as an admin and as someone who sees masked numbers only."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from calls.selection import Selection
from tenants.pin import organization_context
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


@pytest.mark.parametrize(
    "text", [NUMBER, "16195550142", "+1 (619) 555-0142", "0142", "555-0142", "+1 619", "1619"]
)
def test_an_admin_finds_by_first_or_last_digits(
    world: World, browser_of: ClientFactory, text: str
) -> None:
    assert is_found(world, browser_of, "alice", text)


@pytest.mark.parametrize("text", ["955", "5550", "+0142", "42"])
def test_nobody_finds_by_digits_from_within(
    world: World, browser_of: ClientFactory, text: str
) -> None:
    """A number in the middle would be looked for in every call there is."""
    assert not is_found(world, browser_of, "alice", text)


def test_a_number_in_a_sip_address_is_found(world: World, browser_of: ClientFactory) -> None:
    receive(world, body_of(call_id="call_sip", from_number="sip:+14155550177@sip.example.com"))
    assert is_found(world, browser_of, "alice", "0177")


def test_a_search_says_how_numbers_are_found(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.alice, world.acme)
    assert "A number is found by its last digits" in client.get("/calls/?q=955").content.decode()


def test_numbers_are_looked_up_in_indexes(world: World) -> None:
    with organization_context(world.acme):
        calls = Selection.from_query(
            "q=0142", organization=world.acme, sees_personal_data=True
        ).calls()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_indexscan = off")
            plan = calls.order_by().explain()
    for index in ("call_from_end", "call_to_end", "call_from_number", "call_to_number"):
        assert index in plan


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
