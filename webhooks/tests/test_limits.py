"""Refused deliveries are counted and limited; correctly signed ones never are."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.utils import timezone

from testing.fixtures import CanaryClient, ClientFactory, World
from testing.retell import body_of, post
from webhooks import refusals

FORGED: dict[str, Any] = {"header": "v=1,d=" + "0" * 64}


@pytest.fixture
def three_a_minute(settings: Any) -> None:
    settings.WEBHOOK_REFUSED_LIMIT = "3/m"


def statuses(world: World, count: int, **how: Any) -> list[int]:
    return [post(world, body_of(), **how).status_code for _ in range(count)]


@pytest.mark.usefixtures("three_a_minute")
def test_a_sender_refused_too_often_is_told_to_wait(world: World) -> None:
    assert statuses(world, 4, **FORGED) == [401, 401, 401, 429]
    response = post(world, body_of(), **FORGED)
    assert response.headers["Retry-After"] == "60"


@pytest.mark.usefixtures("three_a_minute")
def test_a_signed_delivery_from_a_limited_address_is_taken(world: World) -> None:
    statuses(world, 5, **FORGED)
    assert post(world, body_of()).status_code == 204


@pytest.mark.usefixtures("three_a_minute")
def test_who_tries_many_urls_is_limited_by_address(world: World) -> None:
    answers = [post(world, b"", token=f"guess-{number}").status_code for number in range(5)]
    assert answers == [401, 401, 401, 429, 429]


@pytest.mark.usefixtures("three_a_minute")
def test_who_comes_from_many_addresses_is_limited_by_url(world: World) -> None:
    senders = [CanaryClient("localhost:8000", REMOTE_ADDR=f"192.0.2.{n}") for n in range(5)]
    answers = [post(world, b"", client=sender, **FORGED).status_code for sender in senders]
    assert answers == [401, 401, 401, 429, 429]


@pytest.mark.usefixtures("three_a_minute")
def test_a_forwarded_address_of_the_sender_is_not_believed(world: World) -> None:
    answers = [
        post(world, b"", token=f"g{n}", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code
        for n in range(4)
    ]
    assert answers[-1] == 429


@pytest.mark.usefixtures("three_a_minute")
def test_a_known_and_an_unknown_url_are_limited_with_the_same_words(world: World) -> None:
    statuses(world, 3, **FORGED)
    known, unknown = post(world, b"", **FORGED), post(world, b"", token="x" * 32)
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)


def test_a_burst_of_signed_deliveries_is_never_limited(world: World) -> None:
    answers = {post(world, body_of(call_id=f"call_{n}")).status_code for n in range(300)}
    assert answers == {204}


def test_refusals_are_counted_by_cause_for_their_organization(world: World) -> None:
    before = dict(refusals.last_day(world.acme.schema_name))
    statuses(world, 2, header=None)
    statuses(world, 1, header="nonsense")
    after = dict(refusals.last_day(world.acme.schema_name))
    grown = {label: after[label] - before.get(label, 0) for label in after}
    assert grown["No signature header"] == 2
    assert grown["Malformed signature header"] == 1
    assert refusals.last_day(world.globex.schema_name) == []


# --- Valkey gone ---------------------------------------------------------------------------------


@pytest.fixture
def no_cache(settings: Any) -> None:
    away = "redis://127.0.0.1:1/0"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": away}}


@pytest.mark.usefixtures("no_cache")
def test_without_valkey_signed_deliveries_are_taken(world: World) -> None:
    assert post(world, body_of()).status_code == 204


@pytest.mark.usefixtures("no_cache", "three_a_minute")
def test_without_valkey_refused_deliveries_are_still_refused(world: World) -> None:
    assert statuses(world, 5, **FORGED) == [401] * 5
    assert post(world, b"", token="x" * 32).status_code == 401


@pytest.mark.usefixtures("no_cache")
def test_without_valkey_no_refusals_are_shown(world: World) -> None:
    assert refusals.last_day(world.acme.schema_name) == []


@pytest.mark.usefixtures("no_cache")
def test_without_valkey_the_page_says_that_it_does_not_know(
    world: World, browser_of: ClientFactory
) -> None:
    page = browser_of(world.people.bob, world.acme).get("/deliveries/").content.decode()
    assert "The counters cannot be read just now" in page
    assert "Every delivery that came was signed" not in page


@pytest.fixture
def frozen_cache(settings: Any) -> Iterator[list[socket.socket]]:
    """A Valkey that takes connections and never answers; those that were opened."""
    opened: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_take_all, args=(server, opened), daemon=True).start()
        location = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        settings.CACHES = {
            name: {**cache, "LOCATION": location} for name, cache in settings.CACHES.items()
        }
        yield opened
        server.shutdown(socket.SHUT_RDWR)
    for connection in opened:
        connection.close()


def _take_all(server: socket.socket, opened: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            opened.append(server.accept()[0])


def test_a_valkey_that_does_not_answer_is_waited_for_once(
    world: World, frozen_cache: list[socket.socket]
) -> None:
    assert post(world, body_of(), **FORGED).status_code == 401
    assert len(frozen_cache) == 1


# --- By hour -------------------------------------------------------------------------------------


def at_hour(back: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now - timedelta(hours=back))


def test_refusals_are_counted_by_hour(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        at_hour(3, earlier)
        statuses(world, 2, header=None)
    statuses(world, 1, header=None)
    day = refusals.by_hour(world.acme.schema_name)
    assert len(day.hours) == 24
    assert day.by_cause["no_header"][-4:] == [2, 0, 0, 1]


def test_unknown_urls_are_counted_apart(world: World) -> None:
    before = sum(refusals.by_hour("").by_cause.get("unknown_token", []))
    post(world, b"", token="x" * 32)
    assert sum(refusals.by_hour("").by_cause["unknown_token"]) == before + 1
    assert "unknown_token" not in refusals.by_hour(world.acme.schema_name).by_cause


def test_the_operator_sees_what_came_to_unknown_urls(
    world: World, browser_of: ClientFactory
) -> None:
    sam = browser_of(world.people.sam)
    assert "Refused deliveries by hour" not in sam.get("/").content.decode()
    post(world, b"", token="x" * 32)
    assert "Unknown webhook URL" in sam.get("/").content.decode()


def test_counters_say_since_when_they_count(world: World, browser_of: ClientFactory) -> None:
    """As after losing the cache, which the fixtures just emptied."""
    day = refusals.by_hour(world.acme.schema_name)
    assert day.is_partial
    page = browser_of(world.people.bob, world.acme).get("/deliveries/").content.decode()
    assert "Counted since" in page


def test_the_hours_are_drawn_with_their_numbers(world: World, browser_of: ClientFactory) -> None:
    statuses(world, 2, header=None)
    page = browser_of(world.people.bob, world.acme).get("/deliveries/").content.decode()
    assert ">Refused deliveries by hour</caption>" in page
    assert "No signature header" in page
