"""Limits of pages, of what open pages fetch by themselves, and of tries at an account."""

from __future__ import annotations

from typing import Any

import pytest

from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World


def test_pages_are_limited_by_person(
    world: World, browser_of: ClientFactory, settings: Any
) -> None:
    settings.PAGE_LIMIT = "2/15m"
    alice = browser_of(world.people.alice, world.acme)
    answers = [alice.get("/agents/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 15 * 60
    assert b"Too many" in answers[-1].content
    assert browser_of(world.people.bob, world.acme).get("/agents/").status_code == 200


def test_pages_of_strangers_are_limited_by_address(world: World, settings: Any) -> None:
    """Whatever they write into the header that proxies use."""
    settings.PAGE_LIMIT = "2/15m"
    client = CanaryClient(world.acme.host)
    statuses = [
        client.get("/sign-in/", headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
        for number in range(3)
    ]
    assert statuses == [200, 200, 429]


def test_what_an_open_page_fetches_is_counted_apart(
    world: World, browser_of: ClientFactory, settings: Any
) -> None:
    settings.PAGE_LIMIT, settings.REFRESH_LIMIT = "1/15m", "2/15m"
    alice = browser_of(world.people.alice, world.acme)
    refresh = {"X-Live-Refresh": "1"}
    assert [alice.get("/", headers=refresh).status_code for _ in range(3)] == [200, 200, 429]
    assert alice.get("/").status_code == 200


def test_without_the_cache_pages_are_shown(
    world: World, browser_of: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = browser_of(world.people.alice, world.acme)
    monkeypatch.setattr("config.limits.get_usage", lambda *_, **__: None)
    assert alice.get("/agents/").status_code == 200


def attempts(world: World, count: int, password: str = "wrong") -> list[int]:
    """From a new address, and with a new forwarded one, each time."""
    return [
        CanaryClient(world.acme.host)
        .post(
            "/sign-in/",
            {"email": " Alice@example.com ", "password": password},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
            REMOTE_ADDR=f"198.51.100.{number}",
        )
        .status_code
        for number in range(count)
    ]


def test_an_account_is_limited_whatever_the_address(world: World, settings: Any) -> None:
    settings.SIGN_IN_ACCOUNT_LIMIT = "3/15m"
    assert attempts(world, 5) == [200, 200, 200, 429, 429]
    assert attempts(world, 1, PASSWORD) == [429]


def test_on_every_host_together(world: World, settings: Any) -> None:
    settings.SIGN_IN_ACCOUNT_LIMIT = "3/15m"
    attempts(world, 3)
    there = CanaryClient(world.globex.host)
    response = there.post("/sign-in/", {"email": "alice@example.com", "password": "wrong"})
    assert response.status_code == 429


def test_who_guesses_locks_nobody_out_of_their_own_browser(world: World, settings: Any) -> None:
    own = CanaryClient(world.acme.host)
    own.post("/sign-in/", {"email": "alice@example.com", "password": PASSWORD})
    own.post("/sign-out/")
    settings.SIGN_IN_ACCOUNT_LIMIT = "3/15m"
    attempts(world, 4)
    own.post("/sign-in/", {"email": "alice@example.com", "password": PASSWORD})
    assert own.get("/").status_code == 200


def test_a_made_up_device_gives_no_new_allowance(world: World, settings: Any) -> None:
    settings.SIGN_IN_ACCOUNT_LIMIT = "3/15m"
    attempts(world, 3)
    client = CanaryClient(world.acme.host)
    client.cookies[settings.DEVICE_COOKIE_NAME] = "made-up"
    response = client.post("/sign-in/", {"email": "alice@example.com", "password": "wrong"})
    assert response.status_code == 429


def test_a_device_of_one_person_gives_no_allowance_for_another(world: World, settings: Any) -> None:
    bobs = CanaryClient(world.acme.host)
    bobs.post("/sign-in/", {"email": "bob@example.com", "password": PASSWORD})
    settings.SIGN_IN_ACCOUNT_LIMIT = "3/15m"
    attempts(world, 3)
    response = bobs.post("/sign-in/", {"email": "alice@example.com", "password": "wrong"})
    assert response.status_code == 429


def test_exports_are_limited_by_person(
    world: World, browser_of: ClientFactory, settings: Any
) -> None:
    settings.EXPORT_LIMIT = "2/h"
    alice = browser_of(world.people.alice, world.acme)
    answers = [alice.get("/audit/export/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 3600
