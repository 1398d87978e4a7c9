"""Codes of an authenticator: needed by operators everywhere, and good once."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.management import CommandError, call_command
from django.db import connections
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.actions import sign_in as actions
from accounts.actions import super_admins
from accounts.models import Membership, RecoveryCodes, User
from tenants.models import hash_token
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World

OPERATOR = "localhost:8000"


def code_of(user: User, drift: int = 0) -> str:
    with door():
        device = TOTPDevice.objects.get(user=user)
    return f"{totp(device.bin_key, step=device.step, drift=drift):06d}"


@pytest.fixture
def tess(world: World) -> User:
    """An operator whose password is known."""
    created = super_admins.create_super_admin(email="tess@example.com")
    created.user.set_password(PASSWORD)
    with door():
        created.user.save(update_fields=["password"])
    return created.user


def after_password(host: str = OPERATOR, email: str = "tess@example.com") -> Any:
    client = CanaryClient(host)
    response = client.post("/sign-in/", {"email": email, "password": PASSWORD})
    assert response["Location"] == "/sign-in/code/"
    return client


def is_in(client: Any) -> bool:
    return bool(client.get("/").status_code == 200)


def test_an_operator_signs_in_by_password_and_code(tess: User) -> None:
    client = after_password()
    response = client.post("/sign-in/code/", {"code": code_of(tess)})
    assert response.status_code == 302
    assert is_in(client)


def test_a_code_may_be_typed_with_a_gap(tess: User) -> None:
    client = after_password()
    code = code_of(tess)
    client.post("/sign-in/code/", {"code": f" {code[:3]} {code[3:]} "})
    assert is_in(client)


def test_the_password_alone_opens_nothing(tess: User) -> None:
    client = after_password()
    assert SESSION_KEY not in client.session
    assert not is_in(client)


@pytest.mark.parametrize("code", ["", "000000", "abcdef", "٠٠٠٠٠٠", "-1", "1e5", "9" * 32])
def test_a_wrong_code_opens_nothing(tess: User, code: str) -> None:
    client = after_password()
    assert client.post("/sign-in/code/", {"code": code}).status_code == 200
    assert not is_in(client)


def test_a_code_counts_once(tess: User) -> None:
    code = code_of(tess)
    after_password().post("/sign-in/code/", {"code": code})
    again = after_password()
    assert again.post("/sign-in/code/", {"code": code}).status_code == 200
    assert not is_in(again)


def test_failures_slow_the_next_try(tess: User) -> None:
    assert actions.verify_code(tess, "000000") is None
    assert actions.verify_code(tess, code_of(tess)) is None


def test_someone_elses_code_opens_nothing(tess: User, world: World) -> None:
    client = after_password()
    client.post("/sign-in/code/", {"code": code_of(world.people.sam)})
    assert not is_in(client)


def test_without_a_password_no_code_is_asked_for(world: World) -> None:
    response = CanaryClient(OPERATOR).get("/sign-in/code/")
    assert (response.status_code, response["Location"]) == (302, "/sign-in/")


def test_the_password_is_remembered_for_five_minutes(
    tess: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = after_password()
    monkeypatch.setattr(actions, "PENDING_VALID_SECONDS", -1)
    response = client.post("/sign-in/code/", {"code": code_of(tess)})
    assert response["Location"] == "/sign-in/"


def test_codes_are_limited_too(tess: User) -> None:
    client = after_password()
    statuses = [client.post("/sign-in/code/", {"code": "000000"}).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]


def test_codes_are_limited_by_account_from_any_address(tess: User) -> None:
    statuses = [
        after_password()
        .post("/sign-in/code/", {"code": "000000"}, REMOTE_ADDR=f"192.0.2.{number}")
        .status_code
        for number in range(6)
    ]
    assert statuses == [200] * 5 + [429]


def test_codes_are_limited_by_the_hour_too(tess: User, settings: Any) -> None:
    settings.SECOND_FACTOR_LIMITS = ("100/5m", "20/h")
    client = after_password()
    statuses = [client.post("/sign-in/code/", {"code": "000000"}).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]


@pytest.mark.parametrize("answer", [None, ConnectionError("the cache is away")])
def test_without_the_cache_passwords_are_tried_and_codes_are_not(
    tess: User, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    def away(*_: Any, **__: Any) -> None:
        if answer is not None:
            raise answer

    monkeypatch.setattr("config.limits.get_usage", away)
    client = after_password()
    assert client.post("/sign-in/code/", {"code": code_of(tess)}).status_code == 429
    assert not is_in(client)


def test_who_lost_their_membership_meanwhile_does_not_come_in(world: World) -> None:
    with door():
        TOTPDevice.objects.create(user=world.people.alice, name="Phone", confirmed=True)
        client = after_password(world.acme.host, "alice@example.com")
        Membership.objects.filter(user=world.people.alice).delete()
    response = client.post("/sign-in/code/", {"code": code_of(world.people.alice)})
    assert response["Location"] == "/sign-in/"


def test_a_mistyped_code_does_not_slow_recovery_codes(tess: User) -> None:
    with door():
        recovery = RecoveryCodes.objects.create(user=tess, name="Recovery", confirmed=True)
        recovery.codes.create(code_sha256=hash_token("ABCD2345EFGH"))
    assert actions.verify_code(tess, "000000") is None
    assert actions.verify_code(tess, "abcd-2345-efgh") == recovery


def test_an_unconfirmed_authenticator_opens_nothing(tess: User) -> None:
    with door():
        TOTPDevice.objects.filter(user=tess).update(confirmed=False)
    assert actions.verify_code(tess, code_of(tess)) is None


def test_one_of_two_authenticators_does_not_slow_the_other(tess: User) -> None:
    with door():
        second = TOTPDevice.objects.create(user=tess, name="Old phone", confirmed=True)
        first = TOTPDevice.objects.exclude(pk=second.pk).get(user=tess)
    code = f"{totp(second.bin_key):06d}"
    assert actions.verify_code(tess, code) == second
    with door():
        first.refresh_from_db()
    assert first.throttling_failure_count == 0


def test_a_password_given_on_one_host_asks_no_code_on_another(tess: User, world: World) -> None:
    other = CanaryClient(world.acme.host)
    other.cookies = after_password().cookies
    response = other.post("/sign-in/code/", {"code": code_of(tess)})
    assert response["Location"] == "/sign-in/"
    assert other.get("/").status_code == 302


def test_a_member_with_an_authenticator_needs_it(world: World) -> None:
    with door():
        TOTPDevice.objects.create(user=world.people.alice, name="Phone", confirmed=True)
    client = after_password(world.acme.host, "alice@example.com")
    assert client.get("/").status_code == 302
    client.post("/sign-in/code/", {"code": code_of(world.people.alice)})
    assert is_in(client)


@pytest.fixture
def committed_operator(committed: World) -> Iterator[User]:
    user = super_admins.create_super_admin(email="parallel@example.com").user
    yield user
    with platform():
        user.delete()


def test_of_eight_at_once_one_code_is_accepted_once(committed_operator: User) -> None:
    code = code_of(committed_operator)

    def attempt(_: int) -> bool:
        try:
            return actions.verify_code(committed_operator, code) is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(8))) == 1


# --- The admin -----------------------------------------------------------------------------------


def test_a_verified_operator_reaches_the_admin(world: World, browser_of: ClientFactory) -> None:
    assert browser_of(world.people.sam).get("/admin/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/admin/", "/organizations/new/"])
def test_an_operator_without_the_code_reaches_nothing(
    world: World, browser_of: ClientFactory, path: str
) -> None:
    assert browser_of(world.people.sam, verified=False).get(path).status_code == 302


def test_the_admin_has_no_sign_in_of_its_own(world: World) -> None:
    response = CanaryClient(OPERATOR).post(
        "/admin/login/", {"username": "sam@example.com", "password": PASSWORD}
    )
    assert response["Location"].startswith("/sign-in/")


def test_a_member_in_a_forged_operator_session_reaches_nothing(
    world: World, browser_of: ClientFactory
) -> None:
    assert browser_of(world.people.alice).get("/admin/").status_code == 302


# --- Commands ------------------------------------------------------------------------------------


def run(command: str, **options: Any) -> str:
    output = io.StringIO()
    call_command(command, stdout=output, stderr=io.StringIO(), **options)
    return output.getvalue()


def test_create_super_admin_prints_one_json_object(world: World) -> None:
    printed = json.loads(run("create_super_admin", email="Uma@Example.com", json=True))
    assert list(printed) == ["email", "password", "totp_uri", "url"]
    assert printed["email"] == "uma@example.com"
    assert printed["totp_uri"].startswith("otpauth://totp/Switchboard%3Auma%40example.com?")


def test_what_it_printed_lets_one_in(world: World) -> None:
    printed = json.loads(run("create_super_admin", email="uma@example.com", json=True))
    client = CanaryClient(OPERATOR)
    client.post("/sign-in/", {"email": printed["email"], "password": printed["password"]})
    client.post("/sign-in/code/", {"code": run("totp_code", email="uma@example.com").strip()})
    assert is_in(client)


@pytest.mark.parametrize(
    ("email", "reason"), [("SAM@example.com", "already a person"), ("nonsense", "valid email")]
)
def test_create_super_admin_refuses_in_one_sentence(world: World, email: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        run("create_super_admin", email=email)


def test_totp_code_needs_an_authenticator(world: World) -> None:
    with pytest.raises(CommandError, match="has no authenticator"):
        run("totp_code", email="alice@example.com")


def test_totp_code_is_no_way_in_in_production(world: World, settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="development only"):
        run("totp_code", email="sam@example.com")
