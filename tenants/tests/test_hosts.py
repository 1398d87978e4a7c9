"""Whose pages a host name shows. What is unknown or closed does not exist: 404."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from tenants import access
from tenants.models import Domain, Organization, OrganizationStatus
from tenants.scope import platform
from testing.fixtures import CanaryClient, ClientFactory, World


def get(host: str, path: str = "/sign-in/") -> Any:
    return CanaryClient(host).get(path)


def body_without_id(response: HttpResponse) -> bytes:
    request_id = response.headers["X-Request-ID"].encode()
    return response.content.replace(request_id, b"")


@pytest.mark.parametrize(
    "host", ["acme.localhost:8000", "ACME.localhost:8000", "acme.LOCALHOST", "acme.localhost."]
)
def test_an_organization_is_reached_by_its_slug(world: World, host: str) -> None:
    response = get(host)
    assert response.status_code == 200
    assert response.wsgi_request.organization == world.acme


@pytest.mark.parametrize("host", ["localhost:8000", "LOCALHOST", "127.0.0.1:8000", "[::1]:8000"])
def test_the_operator_is_reached_by_the_base_name(world: World, host: str) -> None:
    response = get(host)
    assert response.status_code == 200
    assert response.wsgi_request.organization is None


@pytest.mark.parametrize(
    "host",
    [
        "initech.localhost:8000",
        "acme.localhost.evil.example",
        "evil.example",
        "www.acme.localhost",
        "acme.127.0.0.1",
        "192.0.2.1",
        "[2001:db8::1]:8000",
        ".localhost",
    ],
)
def test_an_unknown_host_does_not_exist(world: World, host: str) -> None:
    assert get(host).status_code == 404


@pytest.mark.parametrize(
    "host",
    [
        "", " ", ".", "..", ":", ":8000", "[", "[]", "[::1", "[::1]x", "localhost:x",
        "localhost:99999999", "localhost:8000:8000", "a@localhost", "localhost/x", "<script>",
        "acme localhost", "acme.localhost\t", "%00.localhost", "\x00.localhost", "ac\x00me.x",
        "acmé.localhost", "\xff\xfe.localhost", "a" * 300, "a." * 2000 + "localhost",
        "' OR 1=1 --.localhost", "*.localhost", "_.localhost", "localhost,evil.example",
    ],
)  # fmt: skip
def test_no_host_header_is_a_server_error(world: World, host: str) -> None:
    assert get(host).status_code in (200, 400, 404)


def test_a_malformed_port_never_reaches_a_page(world: World) -> None:
    assert get("localhost:8000:8000").status_code in (400, 404)
    assert get("acme.localhost:x").status_code in (400, 404)


@pytest.mark.parametrize("status", sorted(set(OrganizationStatus) - {OrganizationStatus.ACTIVE}))
def test_only_an_active_organization_exists(world: World, status: str) -> None:
    with platform():
        Organization.objects.filter(pk=world.acme.pk).update(status=status)
    assert get(world.acme.host).status_code == 404


def test_a_suspended_organization_looks_like_one_that_never_was(world: World) -> None:
    with platform():
        Organization.objects.filter(pk=world.acme.pk).update(status="suspended")
    suspended, unknown = get(world.acme.host), get("initech.localhost:8000")
    assert body_without_id(suspended) == body_without_id(unknown)


def test_members_of_a_suspended_organization_are_out_at_once(
    world: World, browser_of: ClientFactory
) -> None:
    browser = browser_of(world.people.alice, world.acme)
    with platform():
        Organization.objects.filter(pk=world.acme.pk).update(status="suspended")
    assert browser.get("/").status_code == 404


# --- Domains of their own ------------------------------------------------------------------------


def add_domain(organization: Organization, *, verified: bool) -> None:
    with platform():
        Domain.objects.create(
            tenant=organization,
            domain="calls.acme.example",
            verified_at=timezone.now() if verified else None,
        )


def test_a_verified_domain_shows_its_organization(world: World) -> None:
    add_domain(world.acme, verified=True)
    response = get("calls.ACME.example:443")
    assert response.status_code == 200
    assert response.wsgi_request.organization == world.acme


def test_an_unverified_domain_does_not_exist(world: World) -> None:
    add_domain(world.acme, verified=False)
    assert get("calls.acme.example").status_code == 404


def test_a_domain_of_a_suspended_organization_does_not_exist(world: World) -> None:
    add_domain(world.acme, verified=True)
    with platform():
        Organization.objects.filter(pk=world.acme.pk).update(status="suspended")
    assert get("calls.acme.example").status_code == 404


def test_a_domain_below_the_base_name_never_wins_over_a_slug(world: World) -> None:
    with platform():
        Domain.objects.create(
            tenant=world.globex, domain="acme.localhost", verified_at=timezone.now()
        )
    assert get("acme.localhost:8000").wsgi_request.organization == world.acme


def test_a_domain_called_like_the_operator_never_wins(world: World) -> None:
    with platform():
        Domain.objects.create(tenant=world.acme, domain="localhost", verified_at=timezone.now())
    assert get("localhost:8000").wsgi_request.organization is None


# --- Which pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/calls/", "/agents/", "/deliveries/"])
def test_the_operator_host_has_no_pages_of_organizations(
    world: World, browser_of: ClientFactory, path: str
) -> None:
    assert browser_of(world.people.sam).get(path).status_code == 404


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/organizations/new/"])
def test_an_organizations_host_has_no_pages_of_the_operator(
    world: World, browser_of: ClientFactory, path: str
) -> None:
    assert browser_of(world.people.alice, world.acme).get(path).status_code == 404


@pytest.mark.parametrize("host", ["acme.localhost", "localhost", "evil.example", "<"])
def test_health_and_webhooks_answer_on_any_host(world: World, host: str) -> None:
    assert get(host, "/health").status_code == 200
    assert CanaryClient(host).post("/webhooks/retell/unknown/").status_code == 401


def test_a_host_is_one_name_in_lower_case() -> None:
    request = RequestFactory().get("/", HTTP_HOST=" Acme.Localhost:8000 ")
    assert access.host_of(request) == "acme.localhost"
