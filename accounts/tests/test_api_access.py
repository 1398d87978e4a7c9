"""Who is let in by the API, and who is not."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.actions import members
from accounts.actions.passwords import _set_password
from accounts.actions.sessions import end_sessions
from accounts.api_keys import actions as keys
from accounts.api_keys.secrets import is_well_formed, new_key
from accounts.models import AccessPolicy, ApiKey, Membership, Role, TokenFamily
from accounts.roles import rights_of
from accounts.scopes import OF_ORGANIZATIONS, Scope, rights_of_scopes
from accounts.tokens import signing
from operations.organizations import suspend
from tenants.models import Organization, hash_token
from tenants.scope import door
from testing.api import client_with, key_of
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World, _handler

URL = "/api/v1/calls"
TOKEN = "/api/v1/token"


def post(client: CanaryClient, url: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(url, json.dumps(body), content_type="application/json", headers=headers)


def tokens_of(world: World, email: str = "alice@example.com", **more: str) -> Any:
    client = CanaryClient(world.acme.host)
    return post(client, TOKEN, {"email": email, "password": PASSWORD, **more})


def status_with(organization: Organization | None, credential: str, url: str = URL) -> int:
    status: int = client_with(organization, credential).get(url).status_code
    return status


# --- Keys ----------------------------------------------------------------------------------------


def test_keys_are_well_formed_and_a_slip_shows() -> None:
    key = new_key()
    assert key.startswith("swb_")
    assert is_well_formed(key)
    other = "x" if key[10] != "x" else "y"
    assert not is_well_formed(key[:10] + other + key[11:])


def test_only_the_hash_of_a_key_is_kept(acme: Organization, world: World) -> None:
    made = key_of(acme)
    with door():
        row = ApiKey.objects.filter(pk=made.row.pk).values().get()
    assert bytes(row["key_sha256"]) == hash_token(made.text)
    assert made.text not in str(row)


def test_without_a_credential_nobody_is_let_in(acme: Organization) -> None:
    answer = CanaryClient(acme.host).get(URL)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_session_opens_nothing_by_itself(world: World, browser_of: ClientFactory) -> None:
    assert browser_of(world.people.alice, world.acme).get(URL).status_code == 401


def test_a_key_counts_on_the_host_of_its_organization_only(world: World) -> None:
    text = key_of(world.acme).text
    assert status_with(world.acme, text) == 200
    assert status_with(world.globex, text) == 401
    assert status_with(None, text, "/api/v1/organizations") == 401


def test_a_foreign_key_and_one_that_never_was_are_answered_the_same(world: World) -> None:
    answers = []
    for text in (key_of(world.acme).text, new_key()):
        answer = client_with(world.globex, text).get(URL)
        request_id = answer.headers["X-Request-ID"].encode()
        answers.append((answer.status_code, answer.content.replace(request_id, b"")))
    assert answers[0] == answers[1]


def test_a_key_of_the_operator_counts_on_the_operator_host_only(world: World) -> None:
    text = key_of(None).text
    assert status_with(None, text, "/api/v1/organizations") == 200
    assert status_with(world.acme, text) == 401


def test_a_revoked_key_opens_nothing_from_the_next_request(world: World) -> None:
    made = key_of(world.acme)
    assert status_with(world.acme, made.text) == 200
    keys.revoke_key(made.row)
    assert status_with(world.acme, made.text) == 401


def test_a_key_ends_when_it_was_to_end(world: World) -> None:
    made = key_of(world.acme, expires_at=timezone.now() + timedelta(hours=1))
    assert status_with(world.acme, made.text) == 200
    with door():
        ApiKey.objects.filter(pk=made.row.pk).update(expires_at=timezone.now())
    assert status_with(world.acme, made.text) == 401


def test_an_exchanged_key_works_on_for_its_overlap(world: World) -> None:
    old = key_of(world.acme, Scope.CALLS_READ)
    new = keys.rotate_key(old.row, overlap=timedelta(days=7), created_by="Alice")
    assert status_with(world.acme, old.text) == status_with(world.acme, new.text) == 200
    with door():
        ends_at = ApiKey.objects.get(pk=old.row.pk).expires_at
    assert ends_at is not None
    assert timedelta(days=6) < ends_at - timezone.now() <= timedelta(days=7)


def test_exchanging_a_key_never_lengthens_its_life(world: World) -> None:
    ends_at = timezone.now() + timedelta(hours=1)
    old = key_of(world.acme, expires_at=ends_at)
    keys.rotate_key(old.row, overlap=timedelta(days=7), created_by="Alice")
    with door():
        assert ApiKey.objects.get(pk=old.row.pk).expires_at == ends_at


@pytest.mark.parametrize(("network", "status"), [("127.0.0.0/8", 200), ("203.0.113.0/24", 401)])
def test_a_key_counts_from_its_networks_only(world: World, network: str, status: int) -> None:
    assert status_with(world.acme, key_of(world.acme, networks=[network]).text) == status


@pytest.mark.parametrize("name", ["api_key", "access_token", "q", "key"])
def test_a_key_in_a_url_is_refused(world: World, name: str) -> None:
    text = key_of(world.acme).text
    answer = client_with(world.acme, text).get(URL, {name: text})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:switchboard:problem:credential-in-url"
    assert text not in answer.content.decode()


def test_last_use_is_noted(world: World) -> None:
    made = key_of(world.acme)
    status_with(world.acme, made.text)
    with door():
        row = ApiKey.objects.get(pk=made.row.pk)
    assert row.last_used_at is not None
    assert row.last_used_address == "127.0.0.1"


def test_no_scope_gives_more_than_an_admin_has() -> None:
    assert rights_of_scopes(OF_ORGANIZATIONS) <= rights_of(Role.ADMIN)


def test_a_suspended_organization_answers_nobody(world: World) -> None:
    text = key_of(world.acme).text
    suspend(world.acme, reason="test")
    try:
        answer = client_with(world.acme, text).get(URL)
        assert (answer.status_code, answer.headers["Content-Type"]) == (
            404, "application/problem+json",
        )  # fmt: skip
    finally:
        world.acme.refresh_from_db()


# --- Tokens --------------------------------------------------------------------------------------


def test_a_persons_program_reads_with_its_token(world: World) -> None:
    given = tokens_of(world).json()
    assert given["expires_in"] == 300
    assert status_with(world.acme, given["access"]) == 200


def test_a_wrong_password_and_an_unknown_address_look_the_same(world: World) -> None:
    client = CanaryClient(world.acme.host)
    answers = [
        post(client, TOKEN, {"email": email, "password": "wrong"}).json() | {"request_id": ""}
        for email in ("alice@example.com", "nobody@example.com")
    ]
    assert answers[0] == answers[1]
    assert answers[0]["status"] == 401


def test_a_token_does_not_count_at_another_organization(world: World) -> None:
    access = tokens_of(world).json()["access"]
    assert status_with(world.globex, access) == 401
    assert status_with(None, access, "/api/v1/organizations") == 401


def _payload(world: World) -> dict[str, Any]:
    token = tokens_of(world).json()["access"]
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_an_unsigned_token_is_refused(world: World) -> None:
    assert status_with(world.acme, jwt.encode(_payload(world), "", algorithm="none")) == 401


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "operator"}, {"aud": []}, {"typ": "refresh"}, {"typ": None}, {"exp": 1},
        {"exp": "x"}, {"sid": "x"}, {"iss": "somebody"},
    ],
)  # fmt: skip
def test_a_token_of_another_kind_is_refused(world: World, change: dict[str, Any]) -> None:
    payload = _payload(world)
    assert status_with(world.acme, jwt.encode(payload, signing._key(), algorithm="HS256")) == 200
    wrong = jwt.encode(payload | change, signing._key(), algorithm="HS256")
    assert status_with(world.acme, wrong) == 401


def test_another_algorithm_or_key_is_refused(world: World) -> None:
    payload = _payload(world)
    for key, algorithm in ((signing._key(), "HS512"), ("x" * 64, "HS256")):
        assert status_with(world.acme, jwt.encode(payload, key, algorithm=algorithm)) == 401


def test_a_refresh_token_opens_nothing(world: World) -> None:
    assert status_with(world.acme, tokens_of(world).json()["refresh"]) == 401


def test_a_refresh_token_counts_once_and_coming_twice_ends_all(world: World) -> None:
    client = CanaryClient(world.acme.host)
    first = tokens_of(world).json()
    second = post(client, f"{TOKEN}/refresh", {"refresh": first["refresh"]}).json()
    assert status_with(world.acme, second["access"]) == 200
    reused = post(client, f"{TOKEN}/refresh", {"refresh": first["refresh"]})
    assert reused.status_code == 401
    assert status_with(world.acme, second["access"]) == 401
    again = post(client, f"{TOKEN}/refresh", {"refresh": second["refresh"]})
    assert again.status_code == 401


def test_a_program_is_signed_out(world: World) -> None:
    pair = tokens_of(world).json()
    client = CanaryClient(world.acme.host)
    assert post(client, f"{TOKEN}/revoke", {"refresh": pair["refresh"]}).status_code == 204
    assert status_with(world.acme, pair["access"]) == 401


def test_a_new_password_ends_tokens(world: World) -> None:
    access = tokens_of(world).json()["access"]
    with door():
        _set_password(world.people.alice.pk, PASSWORD + " anew")
    assert status_with(world.acme, access) == 401


def test_ending_sessions_ends_tokens(world: World) -> None:
    access = tokens_of(world).json()["access"]
    end_sessions(world.people.alice)
    with door():
        assert not TokenFamily.objects.exists()
    assert status_with(world.acme, access) == 401


def _membership(world: World, name: str) -> Membership:
    with door():
        return Membership.objects.select_related("user", "organization").get(
            user__email=f"{name}@example.com", organization=world.acme
        )


def test_a_removed_member_is_out_at_once(world: World) -> None:
    access = tokens_of(world, "bob@example.com").json()["access"]
    assert status_with(world.acme, access) == 200
    members.remove_member(_membership(world, "bob"))
    assert status_with(world.acme, access) == 401


def test_a_role_counts_from_the_next_request(world: World) -> None:
    access = tokens_of(world, "bob@example.com").json()["access"]
    assert status_with(world.acme, access, "/api/v1/audit") == 403
    members.change_role(_membership(world, "bob"), role=Role.ADMIN)
    assert status_with(world.acme, access, "/api/v1/audit") == 200


def test_where_a_second_factor_is_required_a_password_is_not_enough(world: World) -> None:
    access = tokens_of(world).json()["access"]
    with door():
        AccessPolicy.objects.update_or_create(
            organization=world.acme, defaults={"requires_second_factor": True}
        )
    assert status_with(world.acme, access) == 401
    refused = tokens_of(world)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (
        401, "second-factor-required",
    )  # fmt: skip


def _code(device: TOTPDevice) -> str:
    return f"{totp(device.bin_key):06d}"


def test_who_has_a_second_factor_gives_its_code(world: World) -> None:
    with door():
        device = TOTPDevice.objects.create(user=world.people.alice, name="Phone", confirmed=True)
    assert tokens_of(world).json()["type"].endswith(":code-required")
    assert tokens_of(world, code="000000").json()["type"].endswith(":wrong-code")
    with door():
        TOTPDevice.objects.filter(pk=device.pk).update(throttling_failure_count=0)
    given = tokens_of(world, code=_code(device))
    assert given.status_code == 200
    assert tokens_of(world, code=_code(device)).status_code == 401


def test_a_super_admin_needs_the_code_on_the_operator_host(world: World) -> None:
    client = CanaryClient("localhost:8000")
    body = {"email": "sam@example.com", "password": PASSWORD}
    assert post(client, TOKEN, body).status_code == 401


def test_password_tries_are_limited(world: World, settings: Any) -> None:
    settings.SIGN_IN_ACCOUNT_LIMIT = "2/h"
    answers = [tokens_of(world, email="bob@example.com") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0


# --- The documentation's session -----------------------------------------------------------------


def test_a_session_counts_with_its_csrf_token(world: World, browser_of: ClientFactory) -> None:
    browser = browser_of(world.people.bob, world.acme)
    browser.handler = _handler(True)
    page = browser.get("/calls/")
    token = page.context["csrf_token"]
    assert browser.get(URL, headers={"x-csrftoken": str(token)}).status_code == 200
    assert browser.get(URL, headers={"x-csrftoken": "x" * 64}).status_code == 401
