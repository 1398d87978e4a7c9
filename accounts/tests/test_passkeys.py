"""Passkeys: whose they are, for which host, about which challenge; and nothing else opens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.db import connections
from django.test import RequestFactory
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential

from accounts import passkeys
from accounts.actions import passkeys as actions
from accounts.actions.sign_in import verify_code
from accounts.factors import factors_of
from accounts.models import RecoveryCodes, User
from tenants.models import Domain
from tenants.scope import door, platform
from testing.authenticator import PRESENT, Authenticator
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World


def add_passkey(client: CanaryClient, authenticator: Authenticator, name: str = "Key") -> Any:
    options = client.post("/account/passkeys/new/options/").json()
    credential = authenticator.create(options)
    return client.post("/account/passkeys/new/", {"name": name, "credential": credential})


def origin_of(client: CanaryClient) -> str:
    return f"http://{client.defaults['HTTP_HOST']}"


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


@pytest.fixture
def key(alice: CanaryClient) -> Authenticator:
    """Alice's passkey for Acme's host."""
    authenticator = Authenticator(origin_of(alice))
    assert add_passkey(alice, authenticator).status_code == 200
    return authenticator


def after_password(world: World, email: str = "alice@example.com") -> CanaryClient:
    client = CanaryClient(world.acme.host)
    response = client.post("/sign-in/", {"email": email, "password": PASSWORD})
    assert response["Location"] == "/sign-in/code/"
    return client


def options_for(client: CanaryClient) -> dict[str, Any]:
    options: dict[str, Any] = client.post("/sign-in/passkey/options/").json()
    return options


def answer(client: CanaryClient, credential: str) -> Any:
    return client.post("/sign-in/passkey/", {"credential": credential})


def is_in(client: CanaryClient) -> bool:
    return SESSION_KEY in client.session and client.get("/").status_code == 200


def stored(user: User) -> WebAuthnCredential:
    with door():
        return WebAuthnCredential.objects.get(user=user)


# --- Coming in -----------------------------------------------------------------------------------


def test_password_and_passkey_open_a_verified_session(world: World, key: Authenticator) -> None:
    client = after_password(world)
    answer(client, key.get(options_for(client)))
    assert is_in(client)
    device = client.session[DEVICE_ID_SESSION_KEY]
    assert device == stored(world.people.alice).persistent_id


def test_an_operator_comes_in_by_a_passkey(world: World, browser_of: ClientFactory) -> None:
    sam = browser_of(world.people.sam)
    key = Authenticator(origin_of(sam))
    add_passkey(sam, key)
    with door():
        user = User.objects.get(pk=world.people.sam.pk)  # the standing one outlives this test
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    client = CanaryClient(sam.defaults["HTTP_HOST"])
    client.post("/sign-in/", {"email": "sam@example.com", "password": PASSWORD})
    answer(client, key.get(options_for(client)))
    assert is_in(client)


def test_the_second_step_offers_it(world: World, key: Authenticator) -> None:
    assert b"Use a passkey" in after_password(world).get("/sign-in/code/").content


def test_who_has_none_is_not_offered_one(world: World) -> None:
    with door():
        TOTPDevice.objects.create(user=world.people.alice, name="Phone", confirmed=True)
    client = after_password(world)
    assert b"Use a passkey" not in client.get("/sign-in/code/").content
    assert options_for(client)["allowCredentials"] == []


def test_without_a_password_no_passkey_is_asked_for(world: World, key: Authenticator) -> None:
    client = CanaryClient(world.acme.host)
    for path in ("/sign-in/passkey/options/", "/sign-in/passkey/"):
        assert client.post(path)["Location"] == "/sign-in/"


def test_an_answer_counts_once(world: World, key: Authenticator) -> None:
    client, again = after_password(world), after_password(world)
    credential = key.get(options_for(client))
    answer(client, credential)
    options_for(again)
    answer(again, credential)
    assert (is_in(client), is_in(again)) == (True, False)


def test_a_challenge_is_asked_once(world: World, key: Authenticator) -> None:
    """An authenticator that does not count could else answer for ever."""
    client = after_password(world)
    options = options_for(client)
    answer(client, "{}")
    assert answer(client, key.get(options))["Location"] == "/sign-in/code/"
    assert not is_in(client)


def test_another_sessions_challenge_opens_nothing(world: World, key: Authenticator) -> None:
    theirs, ours = after_password(world), after_password(world)
    options_for(ours)
    answer(ours, key.get(options_for(theirs)))
    assert not is_in(ours)


def test_a_challenge_is_for_one_person(
    world: World, browser_of: ClientFactory, key: Authenticator
) -> None:
    bob = browser_of(world.people.bob, world.acme)
    bobs = Authenticator(origin_of(bob))
    add_passkey(bob, bobs)
    client = after_password(world)
    options = options_for(client)
    client.post("/sign-in/", {"email": "bob@example.com", "password": PASSWORD})
    answer(client, bobs.get(options))
    assert not is_in(client)


def test_a_challenge_is_good_for_five_minutes(
    world: World, key: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "CHALLENGE_VALID_SECONDS", -1)
    client = after_password(world)
    answer(client, key.get(options_for(client)))
    assert not is_in(client)


def test_another_persons_passkey_opens_nothing(
    world: World, browser_of: ClientFactory, key: Authenticator
) -> None:
    bob = browser_of(world.people.bob, world.acme)
    bobs = Authenticator(origin_of(bob))
    add_passkey(bob, bobs)
    client = after_password(world)
    answer(client, bobs.get(options_for(client)))
    assert not is_in(client)


@pytest.mark.parametrize(
    "origin", ["https://acme.localhost:8000", "http://globex.localhost:8000", "http://evil.example"]
)
def test_an_answer_given_on_another_page_opens_nothing(
    world: World, key: Authenticator, origin: str
) -> None:
    client = after_password(world)
    key.origin = origin
    answer(client, key.get(options_for(client)))
    assert not is_in(client)


def test_an_answer_for_another_relying_party_opens_nothing(
    world: World, key: Authenticator
) -> None:
    client = after_password(world)
    answer(client, key.get(options_for(client) | {"rpId": "localhost"}))
    assert not is_in(client)


def test_a_passkey_whose_count_went_back_opens_nothing(world: World, key: Authenticator) -> None:
    client = after_password(world)
    key.sign_count = 7
    answer(client, key.get(options_for(client)))
    assert stored(world.people.alice).sign_count == 8
    copy = after_password(world)
    key.sign_count = 5
    answer(copy, key.get(options_for(copy)))
    assert not is_in(copy)


def test_a_passkey_that_did_not_check_its_owner_opens_nothing(
    world: World, key: Authenticator
) -> None:
    client = after_password(world)
    options = options_for(client)
    assert options["userVerification"] == "required"
    key.flags = PRESENT
    answer(client, key.get(options))
    assert not is_in(client)


def test_a_passkey_switched_off_opens_nothing(world: World, key: Authenticator) -> None:
    with door():
        TOTPDevice.objects.create(user=world.people.alice, name="Phone", confirmed=True)
    client = after_password(world)
    options = options_for(client)
    with door():
        WebAuthnCredential.objects.update(confirmed=False)
    answer(client, key.get(options))
    assert not is_in(client)


def test_a_removed_passkey_ends_being_verified(world: World, key: Authenticator) -> None:
    client = after_password(world)
    answer(client, key.get(options_for(client)))
    with door():
        stored(world.people.alice).delete()
    client.get("/")
    assert DEVICE_ID_SESSION_KEY not in client.session


def test_passkeys_are_limited_like_codes(world: World, key: Authenticator) -> None:
    client = after_password(world)
    statuses = [answer(client, "{}").status_code for _ in range(6)]
    assert statuses == [302] * 5 + [429]


@pytest.fixture
def committed_alice(committed: World) -> Iterator[tuple[CanaryClient, Authenticator]]:
    """After her password, with a passkey that never counts."""
    alice = committed.people.alice
    client = CanaryClient(committed.acme.host)
    client.post("/sign-in/", {"email": alice.email, "password": PASSWORD})
    authenticator = Authenticator(origin_of(client), counts=False)
    add_passkey(client, authenticator)
    yield after_password(committed), authenticator
    with platform():
        WebAuthnCredential.objects.all().delete()
        RecoveryCodes.objects.all().delete()


def test_of_eight_at_once_one_answer_is_accepted_once(
    committed_alice: tuple[CanaryClient, Authenticator], settings: Any
) -> None:
    settings.SECOND_FACTOR_LIMITS = ("100/5m",)
    client, authenticator = committed_alice
    credential = authenticator.get(options_for(client))
    cookies = client.cookies.output(attrs=[], header="", sep=";")

    def attempt(_: int) -> bool:
        copy = CanaryClient(client.defaults["HTTP_HOST"])
        copy.cookies.load(cookies)
        try:
            return bool(answer(copy, credential).headers.get("Location") == "/")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(8))) == 1


NONSENSE = ["", "null", "5", "[]", "{}", "[" * 100_000, '"\\ud800"', "{", '{"id": 5}', "NaN"]


@pytest.mark.parametrize("credential", NONSENSE)
def test_nonsense_is_refused_in_one_sentence(
    world: World, key: Authenticator, credential: str
) -> None:
    client = after_password(world)
    options_for(client)
    assert answer(client, credential)["Location"] == "/sign-in/code/"
    assert actions.REFUSED in client.get("/sign-in/code/").content.decode()


def test_a_damaged_answer_is_refused(world: World, key: Authenticator) -> None:
    client = after_password(world)
    whole = json.loads(key.get(options_for(client)))
    for name in whole["response"]:
        for value in ("", "A", "////", whole["response"][name][:-8], "é", None, 5):
            options_for(client)
            damaged = whole | {"response": whole["response"] | {name: value}}
            assert answer(client, json.dumps(damaged)).status_code in (302, 429)
    assert not is_in(client)


def test_a_recovery_or_app_code_still_works_beside_it(world: World, key: Authenticator) -> None:
    with door():
        device = TOTPDevice.objects.create(user=world.people.alice, name="Phone", confirmed=True)
    assert verify_code(world.people.alice, "word") is None
    with door():
        devices = factors_of(world.people.alice)
    assert devices == [device, stored(world.people.alice)]


# --- Adding and removing -------------------------------------------------------------------------


def test_a_passkey_is_kept_under_its_name(alice: CanaryClient, key: Authenticator) -> None:
    add_passkey(alice, Authenticator(origin_of(alice)), name="Blue key")
    page = alice.get("/account/security/").content.decode()
    assert "Blue key" in page
    assert page.count("Here") == 2


def test_adding_one_verifies_the_session(alice: CanaryClient, key: Authenticator) -> None:
    assert "webauthncredential" in alice.session[DEVICE_ID_SESSION_KEY]


def test_adding_one_changes_the_session_key(alice: CanaryClient) -> None:
    before = alice.session.session_key
    add_passkey(alice, Authenticator(origin_of(alice)))
    assert alice.session.session_key != before


def test_what_another_session_was_asked_to_make_is_refused(
    world: World, alice: CanaryClient, browser_of: ClientFactory
) -> None:
    other = browser_of(world.people.alice, world.acme)
    credential = Authenticator(origin_of(alice)).create(
        other.post("/account/passkeys/new/options/").json()
    )
    alice.post("/account/passkeys/new/options/")
    page = alice.post("/account/passkeys/new/", {"name": "Key", "credential": credential})
    assert actions.REFUSED in page.content.decode()
    with door():
        assert not WebAuthnCredential.objects.exists()


@pytest.mark.parametrize("changed", [{"origin": "http://evil.example"}, {"flags": PRESENT}])
def test_a_passkey_made_elsewhere_or_unverified_is_refused(
    alice: CanaryClient, changed: dict[str, Any]
) -> None:
    authenticator = Authenticator(**({"origin": origin_of(alice)} | changed))
    assert actions.REFUSED in add_passkey(alice, authenticator).content.decode()


def test_one_passkey_belongs_to_one_person(
    world: World, browser_of: ClientFactory, key: Authenticator
) -> None:
    bob = browser_of(world.people.bob, world.acme)
    assert actions.REFUSED in add_passkey(bob, key).content.decode()


def test_a_count_the_database_cannot_hold_is_refused(alice: CanaryClient) -> None:
    authenticator = Authenticator(origin_of(alice), sign_count=2**32 - 1)
    assert actions.REFUSED in add_passkey(alice, authenticator).content.decode()


@pytest.mark.parametrize("credential", NONSENSE)
def test_nonsense_makes_no_passkey(alice: CanaryClient, credential: str) -> None:
    alice.post("/account/passkeys/new/options/")
    page = alice.post("/account/passkeys/new/", {"name": "Key", "credential": credential})
    assert actions.REFUSED in page.content.decode()


def test_nobody_has_more_than_ten(alice: CanaryClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST", 1)
    add_passkey(alice, Authenticator(origin_of(alice)))
    response = alice.post("/account/passkeys/new/options/")
    assert (response.status_code, response.json()) == (409, {"error": actions.TOO_MANY})


def test_a_passkey_is_renamed_and_removed(world: World, alice: CanaryClient, key: Any) -> None:
    pk = stored(world.people.alice).pk
    alice.post(f"/account/passkeys/{pk}/edit/", {"name": "Old phone"})
    assert b"Old phone" in alice.get(f"/account/passkeys/{pk}/delete/").content
    alice.post(f"/account/passkeys/{pk}/delete/")
    assert b"Old phone" not in alice.get("/account/security/").content.partition(b"toasts")[0]


@pytest.mark.parametrize("verb", ["edit", "delete"])
def test_another_persons_passkey_is_not_found(
    world: World, browser_of: ClientFactory, key: Authenticator, verb: str
) -> None:
    bob = browser_of(world.people.bob, world.acme)
    path = f"/account/passkeys/{stored(world.people.alice).pk}/{verb}/"
    assert [bob.get(path).status_code, bob.post(path).status_code] == [404, 404]


def test_a_super_admin_keeps_one_second_factor(world: World, browser_of: ClientFactory) -> None:
    sam = browser_of(world.people.sam)
    add_passkey(sam, Authenticator(origin_of(sam)))
    with door():
        app = TOTPDevice.objects.get(user=world.people.sam)
    sam.post(f"/account/security/apps/{app.pk}/delete/")
    passkey = stored(world.people.sam)
    page = sam.post(f"/account/passkeys/{passkey.pk}/delete/", follow=True)
    assert b"A super admin needs a second factor" in page.content
    assert stored(world.people.sam) == passkey


# --- Relying parties -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "host", "expected"),
    [
        ("sb.example.com", "sb.example.com", "sb.example.com"),
        ("sb.example.com", "acme.sb.example.com:8443", "sb.example.com"),
        ("sb.example.com", "evilsb.example.com", "evilsb.example.com"),
        ("sb.example.com", "calls.acme.example", "calls.acme.example"),
        ("localhost", "acme.localhost:8000", "acme.localhost"),
        ("localhost", "localhost:8000", "localhost"),
    ],
)
def test_the_relying_party_of_a_host(settings: Any, base: str, host: str, expected: str) -> None:
    settings.BASE_DOMAIN = base
    request: Any = RequestFactory().get("/", HTTP_HOST=host)
    assert passkeys.relying_party(request) == expected


def test_a_passkey_of_another_relying_party_is_not_asked_for(
    world: World, key: Authenticator
) -> None:
    with platform():
        Domain.objects.create(
            tenant=world.acme, domain="calls.acme.example", verified_at=timezone.now()
        )
    client = CanaryClient("calls.acme.example")
    client.post("/sign-in/", {"email": "alice@example.com", "password": PASSWORD})
    page = client.get("/sign-in/code/").content
    assert b"belong to another address" in page
    assert b"Use a passkey" not in page
    assert options_for(client)["allowCredentials"] == []
