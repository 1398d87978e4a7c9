"""The page “API” of the settings, and of the operator host."""

from __future__ import annotations

import re
from typing import Any

import pytest

from accounts.access import policy_of
from accounts.api_keys.secrets import is_well_formed
from accounts.models import ApiKey
from accounts.scopes import Scope
from audit.models import Entry
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import door
from testing.api import ProgramFactory, client_with, key_of
from testing.fixtures import CanaryClient, ClientFactory, World

PAGE = "/settings/api/"
NEW = f"{PAGE}keys/new/"
WISH = {"name": "Warehouse", "scopes": ["calls:read"], "term": "90", "networks": ""}


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


def shown_key(answer: Any) -> str:
    found = re.search(r'id="copy-key" value="([^"]+)"', answer.content.decode())
    assert found is not None
    return found[1]


def the_key() -> ApiKey:
    with door():
        return ApiKey.objects.latest("created_at", "id")


def entries(organization: Organization) -> list[str]:
    with organization_context(organization):
        return [str(entry) for entry in Entry.objects.order_by("sequence")]


def test_a_key_is_shown_once_and_works(acme: Organization, alice: CanaryClient) -> None:
    text = shown_key(alice.post(NEW, WISH))
    assert is_well_formed(text)
    assert client_with(acme, text).get("/api/v1/calls").status_code == 200
    page = alice.get(PAGE).content.decode()
    assert "Warehouse" in page
    assert text not in page
    assert entries(acme)[-1] == "Alice made the API key Warehouse for calls:read"


def test_a_key_ends_after_its_term(alice: CanaryClient) -> None:
    alice.post(NEW, WISH)
    key = the_key()
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).days in (89, 90)


def test_a_key_without_a_scope_is_not_made(alice: CanaryClient) -> None:
    page = alice.post(NEW, WISH | {"scopes": []}).content.decode()
    assert "This field is required." in page


def test_a_scope_of_the_operator_cannot_be_chosen(alice: CanaryClient) -> None:
    answer = alice.post(NEW, WISH | {"scopes": ["organizations:write"]})
    assert "copy-key" not in answer.content.decode()


def test_what_is_no_network_is_refused(alice: CanaryClient) -> None:
    page = alice.post(NEW, WISH | {"networks": "203.0.113.0/24\noffice"}).content.decode()
    assert "neither an address nor a network" in page


def test_a_key_is_made_by_who_just_said_who_they_are(
    world: World, browser_of: ClientFactory
) -> None:
    browser = browser_of(world.people.alice, world.acme, confirmed=False)
    assert browser.post(NEW, WISH).headers["Location"].startswith("/confirm/")


def test_a_viewer_sees_no_keys(world: World, browser_of: ClientFactory) -> None:
    assert browser_of(world.people.bob, world.acme).get(PAGE).status_code == 403


def test_a_key_is_exchanged(acme: Organization, alice: CanaryClient) -> None:
    old = key_of(acme, Scope.CALLS_READ)
    answer = alice.post(f"{PAGE}keys/{old.row.pk}/rotate/", {"overlap": "24"})
    for text in (old.text, shown_key(answer)):
        assert client_with(acme, text).get("/api/v1/calls").status_code == 200


def test_a_key_is_revoked(acme: Organization, alice: CanaryClient) -> None:
    made = key_of(acme)
    alice.post(f"{PAGE}keys/{made.row.pk}/revoke/")
    assert client_with(acme, made.text).get("/api/v1/calls").status_code == 401
    assert "Revoked" in alice.get(PAGE).content.decode()


def test_a_key_of_another_organization_is_not_there(world: World, alice: CanaryClient) -> None:
    theirs = key_of(world.globex)
    assert alice.post(f"{PAGE}keys/{theirs.row.pk}/revoke/").status_code == 404


def test_recent_requests_are_shown(
    acme: Organization, alice: CanaryClient, program: ProgramFactory
) -> None:
    assert "No requests yet" in alice.get(PAGE).content.decode()
    program(acme, Scope.CALLS_READ).get("/api/v1/audit")
    page = alice.get(PAGE).content.decode()
    assert "GET /api/v1/audit" in page
    assert "403" in page


def test_origins_are_kept_as_browsers_send_them(acme: Organization, alice: CanaryClient) -> None:
    alice.post(f"{PAGE}origins/", {"origins": "https://CRM.example.com/\n\nhttps://a.example.com"})
    with door():
        listed = policy_of(Organization.objects.get(pk=acme.pk)).api_origins
    assert listed == ["https://crm.example.com", "https://a.example.com"]


@pytest.mark.parametrize("text", ["*", "https://*.example.com", "crm.example.com", "https://a/b"])
def test_what_is_no_origin_is_refused(alice: CanaryClient, text: str) -> None:
    assert "is no origin" in alice.post(f"{PAGE}origins/", {"origins": text}).content.decode()


def test_an_operator_makes_keys_of_the_operator(world: World, browser_of: ClientFactory) -> None:
    browser = browser_of(world.people.sam)
    answer = browser.post(NEW, WISH | {"scopes": ["organizations:read"]})
    operator = client_with(None, shown_key(answer))
    assert operator.get("/api/v1/organizations").status_code == 200


def test_the_documentation_is_the_one_page_with_another_policy(alice: CanaryClient) -> None:
    policy = alice.get("/api/v1/docs/").headers["Content-Security-Policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "unsafe" not in policy.replace("style-src 'self' 'unsafe-inline'", "")
    assert "unsafe" not in alice.get(PAGE).headers["Content-Security-Policy"]
