"""Guessing passwords and codes, using codes twice, and finding out who has an account."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import caches
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.actions import invitations, members
from accounts.models import Role, User
from tenants.models import Organization
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World

T = TypeVar("T")
SIGN_IN, CODE, CONFIRM = "/sign-in/", "/sign-in/code/", "/confirm/"


def from_elsewhere(host: str, number: int) -> CanaryClient:
    """A browser whose address, and what it forges of it, nobody saw before."""
    forged = f"203.0.113.{number}, 198.51.100.{number}"
    return CanaryClient(host, REMOTE_ADDR=f"192.0.2.{number}", HTTP_X_FORWARDED_FOR=forged)


def all_at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """Each in a thread with a database connection of its own, starting together."""
    barrier = Barrier(count, timeout=20)

    def run(number: int) -> T:
        try:
            barrier.wait()
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


def code_of(device: TOTPDevice) -> str:
    return f"{totp(device.bin_key):06d}"


@pytest.fixture
def dana(committed: World) -> Iterator[User]:
    """A member whom other connections see; removed afterwards with what they left."""
    caches["limits"].clear()
    user = members.add_member(
        committed.acme, email="dana@example.com", role=Role.ADMIN, password=PASSWORD
    )
    yield user
    caches["limits"].clear()
    with platform():
        user.delete()


@pytest.fixture
def phone(dana: User) -> TOTPDevice:
    with door():
        return TOTPDevice.objects.create(user=dana, name="Phone", confirmed=True)


# --- Passwords -----------------------------------------------------------------------------------


def test_passwords_guessed_at_once_from_many_addresses_are_counted_for_the_account(
    dana: User, committed: World, settings: Any
) -> None:
    settings.SIGN_IN_ACCOUNT_LIMIT = "6/15m"

    def guess(number: int) -> int:
        client = from_elsewhere(committed.acme.host, number)
        guessed = {"email": "dana@example.com", "password": f"guess {number}"}
        return int(client.post(SIGN_IN, guessed).status_code)

    statuses = all_at_once(12, guess)
    assert (statuses.count(200), statuses.count(429)) == (6, 6)
    last = from_elsewhere(committed.acme.host, 99)
    last.post(SIGN_IN, {"email": "dana@example.com", "password": PASSWORD})
    assert SESSION_KEY not in last.session


def test_passwords_guessed_at_once_from_one_address_are_counted_for_it(
    dana: User, committed: World
) -> None:
    def guess(number: int) -> int:
        client = CanaryClient(committed.acme.host, HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
        guessed = {"email": f"somebody-{number}@example.com", "password": PASSWORD}
        return int(client.post(SIGN_IN, guessed).status_code)

    statuses = all_at_once(14, guess)
    assert (statuses.count(200), statuses.count(429)) == (10, 4)


def test_an_invitation_is_no_way_around_the_accounts_limit(world: World, settings: Any) -> None:
    """Any admin can invite anybody, read the link, and try passwords behind it."""
    settings.SIGN_IN_ACCOUNT_LIMIT = "3/15m"
    path = urlsplit(
        invitations.invite(
            world.globex, email="alice@example.com", role=Role.VIEWER, invited_by="charlie"
        ).link
    ).path
    statuses = [
        from_elsewhere(world.globex.host, number)
        .post(path, {"password": f"guess {number}", "email": f"{number}@example.com"})
        .status_code
        for number in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]
    last = from_elsewhere(world.globex.host, 99)
    last.post(path, {"password": PASSWORD})
    assert SESSION_KEY not in last.session


def test_guesses_behind_an_invitation_and_at_the_door_share_an_allowance(
    world: World, settings: Any
) -> None:
    settings.SIGN_IN_ACCOUNT_LIMIT = "3/15m"
    guessed = {"email": "alice@example.com", "password": "a guess"}
    for number in range(3):
        from_elsewhere(world.acme.host, number).post(SIGN_IN, guessed)
    link = invitations.invite(
        world.globex, email="alice@example.com", role=Role.VIEWER, invited_by="charlie"
    ).link
    client = from_elsewhere(world.globex.host, 9)
    assert client.post(urlsplit(link).path, {"password": PASSWORD}).status_code == 429


def test_a_stolen_session_guesses_the_password_five_times(
    world: World, browser_of: ClientFactory
) -> None:
    thief = browser_of(world.people.alice, world.acme, confirmed=False)
    statuses = [
        thief.post(CONFIRM, {"answer": f"guess {n}"}, REMOTE_ADDR=f"192.0.2.{n}").status_code
        for n in range(6)
    ]
    assert statuses == [200] * 5 + [429]
    assert thief.post(CONFIRM, {"answer": PASSWORD}).status_code == 429


# --- Codes ---------------------------------------------------------------------------------------


def after_password(host: str, number: int = 1) -> CanaryClient:
    client = from_elsewhere(host, number)
    response = client.post(SIGN_IN, {"email": "dana@example.com", "password": PASSWORD})
    assert response["Location"] == CODE
    return client


def test_one_code_lets_one_of_many_browsers_in(
    dana: User, phone: TOTPDevice, committed: World, settings: Any
) -> None:
    settings.SECOND_FACTOR_LIMITS = ("100/5m",)
    waiting = [after_password(committed.acme.host, number) for number in range(8)]
    code = code_of(phone)

    def enter(number: int) -> bool:
        waiting[number].post(CODE, {"code": code})
        return SESSION_KEY in waiting[number].session

    assert sum(all_at_once(8, enter)) == 1


def test_a_code_that_signed_in_confirms_nothing(
    dana: User, phone: TOTPDevice, committed: World
) -> None:
    client, code = after_password(committed.acme.host), code_of(phone)
    client.post(CODE, {"code": code})
    assert client.post(CONFIRM, {"answer": code}).status_code == 200


def test_a_code_that_confirmed_signs_nobody_in(
    dana: User, phone: TOTPDevice, world: World, browser_of: ClientFactory
) -> None:
    code = code_of(phone)
    assert browser_of(dana, world.acme).post(CONFIRM, {"answer": code}).status_code == 302
    thief = after_password(world.acme.host)
    thief.post(CODE, {"code": code})
    assert SESSION_KEY not in thief.session


def test_codes_guessed_at_every_door_share_one_allowance(
    dana: User, phone: TOTPDevice, world: World, browser_of: ClientFactory
) -> None:
    inside, outside = browser_of(dana, world.acme), after_password(world.acme.host)
    doors = [(inside, CONFIRM, "answer"), (outside, CODE, "code")] * 3
    statuses = [client.post(path, {name: "000000"}).status_code for client, path, name in doors]
    assert statuses == [200] * 5 + [429]


# --- Who has an account --------------------------------------------------------------------------


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A word for each password that was hashed: what takes the time of signing in."""
    done: list[str] = []
    original = MD5PasswordHasher.encode

    def encode(self: Any, password: str, salt: str) -> str:
        done.append("hash")
        return original(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", encode)
    return done


@pytest.fixture
def various(world: World) -> dict[str, str]:
    """Addresses that do not get in at Acme with the password that is sent, and why."""
    with door():
        User.objects.create_user("locked@example.com", PASSWORD, is_active=False)
        User.objects.create_user("passwordless@example.com")
    return {
        "wrong password": "alice@example.com",
        "unknown": "nobody@example.com",
        "of another organization": "charlie@example.com",
        "operator": "sam@example.com",
        "deactivated": "locked@example.com",
        "without a password": "passwordless@example.com",
    }


def answer_of(host: str, path: str, email: str, **values: str) -> tuple[int, str, list[str]]:
    """Status, page and statements, without what differs by itself."""
    caches["limits"].clear()
    with CaptureQueriesContext(connection) as queries:
        response = CanaryClient(host).post(path, {"email": email, **values})
    page = response.content.decode()
    page = page.replace(response.headers["X-Request-ID"], "-").replace(email, "-")
    page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", page)
    kinds = [re.sub(r"'[^']*'|\d+", "?", query["sql"])[:80] for query in queries]
    return response.status_code, page, kinds


def test_signing_in_says_and_does_the_same_whoever_it_is(
    world: World, various: dict[str, str], hashes: list[str]
) -> None:
    found: dict[str, Any] = {}
    for why, email in various.items():
        hashes.clear()
        answer = answer_of(world.acme.host, SIGN_IN, email, password="not the password")
        found[why] = (*answer, len(hashes))
    assert found["unknown"][0] == 200
    assert found["unknown"][3] == 1
    assert {why for why, told in found.items() if told != found["unknown"]} == set()


def test_forgetting_a_password_says_and_does_the_same_whoever_it_is(
    world: World, various: dict[str, str], hashes: list[str]
) -> None:
    found = {why: answer_of(world.acme.host, "/forgotten/", e) for why, e in various.items()}
    assert {why for why, told in found.items() if told != found["unknown"]} == set()
    assert hashes == []


def invited(world: World, browser_of: ClientFactory, email: str) -> tuple[int, str]:
    charlie = browser_of(world.people.charlie, world.globex)
    values = {"email": email, "role": Role.VIEWER}
    response = charlie.post("/settings/users/invite/", values)
    page = charlie.get("/settings/users/").content.decode()
    said = re.findall(r'<div class="toast [^>]*>.*?<span>(.*?)</span>', page, re.DOTALL)
    assert said
    return response.status_code, " ".join(said).replace(email, "-")


def test_inviting_says_the_same_whether_there_is_an_account(
    world: World, browser_of: ClientFactory
) -> None:
    """An admin must not learn who is a customer elsewhere."""
    known, unknown = (invited(world, browser_of, e) for e in ("bob@example.com", "new@example.com"))
    assert known == unknown
    assert known[0] == 302


def asked_to_change(world: World, browser_of: ClientFactory, email: str) -> tuple[int, str, int]:
    alice = browser_of(world.people.alice, world.acme)
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        response = alice.post("/account/email/", {"email": email})
        transaction.set_rollback(True)
    return response.status_code, response["Location"], len(queries)


def test_asking_for_another_address_says_and_does_the_same_whether_it_is_taken(
    world: World, browser_of: ClientFactory
) -> None:
    taken = asked_to_change(world, browser_of, "charlie@example.com")
    assert taken == asked_to_change(world, browser_of, "new@example.com")


@pytest.mark.parametrize("path", ["/invitations/{}/", "/enter/{}/", "/reset/AAAA/{}/"])
def test_a_secret_link_of_another_host_looks_like_one_that_never_was(
    world: World, path: str
) -> None:
    theirs = _link_of(world.globex)
    pages = set()
    for token in (theirs, "x" * len(theirs)):
        response = CanaryClient(world.acme.host).get(path.format(token))
        page = response.content.decode().replace(response.headers["X-Request-ID"], "-")
        pages.add((response.status_code, page.replace(token, "-")))
    assert len(pages) == 1
    assert next(iter(pages))[0] == 404


def _link_of(organization: Organization) -> str:
    return invitations.invite(
        organization, email="dora@example.com", role=Role.VIEWER, invited_by=""
    ).token
