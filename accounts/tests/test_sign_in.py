"""Coming in by password, going out, and what a session is good for."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as live_settings
from django.contrib.auth import SESSION_KEY

from accounts.models import Membership, Role, User
from tenants.models import Organization
from tenants.scope import door
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World

SIGN_IN = "/sign-in/"


def sign_in(host: str, email: str, password: str = PASSWORD, **values: str) -> Any:
    client = CanaryClient(host)
    return client.post(SIGN_IN, {"email": email, "password": password} | values)


def is_signed_in(response: Any) -> bool:
    return SESSION_KEY in response.client.session


def test_a_member_signs_in(world: World) -> None:
    response = sign_in(world.acme.host, "alice@example.com")
    assert response.status_code == 302
    assert response["Location"] == "/"
    assert is_signed_in(response)


def test_an_address_is_the_same_in_capitals(world: World) -> None:
    assert is_signed_in(sign_in(world.acme.host, " ALICE@Example.com "))


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("alice@example.com", "a wrong password entirely"),
        ("nobody@example.com", PASSWORD),
        ("charlie@example.com", PASSWORD),
        ("sam@example.com", PASSWORD),
    ],
    ids=["wrong password", "unknown", "member of another organization", "operator"],
)
def test_nobody_else_does_and_all_are_told_the_same(
    world: World, email: str, password: str
) -> None:
    response = sign_in(world.acme.host, email, password)
    assert not is_signed_in(response)
    assert "do not fit an account here" in response.content.decode()


def test_someone_who_was_deactivated_does_not(world: World) -> None:
    with door():
        User.objects.filter(pk=world.people.alice.pk).update(is_active=False)
    assert not is_signed_in(sign_in(world.acme.host, "alice@example.com"))


def test_a_member_does_not_sign_in_on_the_operator_host(world: World) -> None:
    assert not is_signed_in(sign_in("localhost:8000", "alice@example.com"))


@pytest.mark.parametrize("field", ["email", "password", "next"])
@pytest.mark.parametrize("value", ["\x00", "\ud800", "a" * 300, "' OR 1=1", "<script>"])
def test_odd_texts_are_refused_without_a_fuss(world: World, field: str, value: str) -> None:
    values = {"email": "alice@example.com", "password": "wrong"} | {field: value}
    body = "&".join(f"{key}={_quoted(text)}" for key, text in values.items())
    client = CanaryClient(world.acme.host)
    response = client.post(SIGN_IN, body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 200


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


# --- Where to next -------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/calls/", "/calls/?page=2"])
def test_one_goes_where_one_wanted_to(world: World, target: str) -> None:
    response = sign_in(world.acme.host, "alice@example.com", next=target)
    assert response["Location"] == target


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "http://globex.localhost:8000/",
        "http://acme.localhost:8000@evil.example/",
        " //evil.example",
        "/\t/evil.example",
    ],
)
def test_one_never_goes_elsewhere(world: World, target: str) -> None:
    response = sign_in(world.acme.host, "alice@example.com", next=target)
    assert response["Location"] in ("/", live_settings.LOGIN_REDIRECT_URL)


def test_a_page_that_needs_a_member_comes_back_after_signing_in(world: World) -> None:
    response = CanaryClient(world.acme.host).get("/calls/?page=2")
    assert response.status_code == 302
    assert response["Location"] == "/sign-in/?next=/calls/%3Fpage%3D2"


# --- What a session is good for ------------------------------------------------------------------


def test_signing_in_changes_the_session_key(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.bob, world.acme)
    before = client.session.session_key
    client.post(SIGN_IN, {"email": "alice@example.com", "password": PASSWORD})
    assert client.session.session_key != before


def test_a_session_is_good_on_its_own_host(world: World, browser_of: ClientFactory) -> None:
    assert browser_of(world.people.alice, world.acme).get("/").status_code == 200


def carried(client: CanaryClient, host: str) -> CanaryClient:
    """The same cookies, sent to another host, which a browser would not do."""
    other = CanaryClient(host)
    other.cookies = client.cookies
    return other


@pytest.mark.parametrize("host", ["globex.localhost:8000", "localhost:8000"])
def test_a_session_of_one_host_is_not_accepted_on_another(
    world: World, browser_of: ClientFactory, host: str
) -> None:
    client = carried(browser_of(world.people.alice, world.acme), host)
    assert client.get("/").status_code == 302


def test_not_even_for_a_member_of_both(world: World, browser_of: ClientFactory) -> None:
    with door():
        Membership.objects.create(
            user=world.people.alice, organization=world.globex, role=Role.ADMIN
        )
    client = carried(browser_of(world.people.alice, world.acme), world.globex.host)
    assert client.get("/").status_code == 302


def test_a_session_of_an_operator_is_not_accepted_by_an_organization(
    world: World, browser_of: ClientFactory
) -> None:
    client = carried(browser_of(world.people.sam), world.acme.host)
    assert client.get("/").status_code == 302


def forged(world: World, browser_of: ClientFactory, organization: Organization) -> CanaryClient:
    """A session bound to the right host, of someone who is no member there."""
    return browser_of(world.people.charlie, organization)


def test_a_session_without_a_membership_is_worth_nothing(
    world: World, browser_of: ClientFactory
) -> None:
    assert forged(world, browser_of, world.acme).get("/").status_code == 302


def test_someone_who_was_removed_is_out_at_once(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.bob, world.acme)
    assert client.get("/").status_code == 200
    with door():
        Membership.objects.filter(user=world.people.bob).delete()
    assert client.get("/").status_code == 302


def test_someone_who_was_deactivated_is_out_at_once(
    world: World, browser_of: ClientFactory
) -> None:
    client = browser_of(world.people.bob, world.acme)
    with door():
        User.objects.filter(pk=world.people.bob.pk).update(is_active=False)
    assert client.get("/").status_code == 302


def test_a_new_password_ends_sessions(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.bob, world.acme)
    with door():
        bob = User.objects.get(pk=world.people.bob.pk)
        bob.set_password("another sentence to remember")
        bob.save(update_fields=["password"])
    assert client.get("/").status_code == 302


def test_signing_out_ends_the_session(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.alice, world.acme)
    assert client.post("/sign-out/").status_code == 302
    assert SESSION_KEY not in client.session


def test_signing_out_by_a_link_does_nothing(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.alice, world.acme)
    assert client.get("/sign-out/").status_code == 405
    assert SESSION_KEY in client.session


def test_forms_without_a_token_are_refused(world: World) -> None:
    client = CanaryClient(world.acme.host, enforce_csrf_checks=True)
    values = {"email": "alice@example.com", "password": PASSWORD}
    assert client.post(SIGN_IN, values).status_code == 403


def test_the_cookie_is_for_this_host_and_not_for_scripts(world: World) -> None:
    response = sign_in(world.acme.host, "alice@example.com")
    cookie = response.cookies[live_settings.SESSION_COOKIE_NAME]
    assert (cookie["domain"], cookie["httponly"], cookie["samesite"]) == ("", True, "Lax")


# --- How often -----------------------------------------------------------------------------------


def test_the_eleventh_try_must_wait(world: World) -> None:
    for _ in range(10):
        assert sign_in(world.acme.host, "alice@example.com", "wrong").status_code == 200
    response = sign_in(world.acme.host, "alice@example.com")
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert not is_signed_in(response)


def test_looking_at_the_form_is_never_limited(world: World) -> None:
    client = CanaryClient(world.acme.host)
    assert {client.get(SIGN_IN).status_code for _ in range(15)} == {200}


def test_tries_on_one_host_do_not_lock_another(world: World) -> None:
    for _ in range(11):
        sign_in(world.acme.host, "alice@example.com", "wrong")
    assert is_signed_in(sign_in(world.globex.host, "charlie@example.com"))


def test_an_address_that_was_made_up_is_not_believed(world: World) -> None:
    for number in range(11):
        client = CanaryClient(world.acme.host, HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
        response = client.post(SIGN_IN, {"email": "alice@example.com", "password": "wrong"})
    assert response.status_code == 429


def test_without_the_cache_people_still_come_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr("config.limits.get_usage", away)
    assert is_signed_in(sign_in(world.acme.host, "alice@example.com"))


@pytest.mark.parametrize("host", ["acme.localhost:8000", "localhost:8000", "nobody.localhost:8000"])
@pytest.mark.parametrize(
    "key",
    ['"\\000aaaaaaaa"', '"\\000' + "a" * 31 + '"', "a" * 31, "A" * 32, "a" * 5000, "ünïcödé" * 5],
)
def test_a_session_key_nobody_made_is_no_session(world: World, host: str, key: str) -> None:
    cookie = f"{live_settings.SESSION_COOKIE_NAME}={key}"
    response = CanaryClient(host).get("/sign-in/", headers={"Cookie": cookie})
    assert response.status_code == (404 if host.startswith("nobody") else 200)
