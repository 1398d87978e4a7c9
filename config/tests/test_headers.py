"""The security headers: on every answer, whoever gives it, on every kind of host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import httpx
import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.urls import include, path
from django.utils import timezone

from config import errors
from tenants.models import Domain
from tenants.scope import platform
from testing.fixtures import World
from testing.retell import body_of, sign
from testing.servers import Servers

OPERATOR, ACME, CUSTOM = "localhost:8000", "acme.localhost:8000", "calls.acme.example"
HOSTS = (OPERATOR, ACME, CUSTOM, "nobody.example")
YEAR = 365 * 24 * 3600
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# What the policy of an answer never says: anything inline, evaluated or from elsewhere.
LOOSE = ("unsafe", "http:", "https:", "*", "data:", "blob:")


def fails(request: HttpRequest) -> NoReturn:
    raise RuntimeError


# The product's pages, and one that fails.
urlpatterns = [path("fails/", fails), path("", include("config.urls_organization"))]
handler400, handler403 = errors.bad_request, errors.forbidden
handler404, handler500 = errors.not_found, errors.server_error


@pytest.fixture
def installed(world: World, settings: Any) -> World:
    """As production: https only, behind a proxy, and a customer's own domain."""
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = YEAR
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.SIGN_IN_LIMIT = "0/5m"
    settings.ROOT_URLCONF = __name__
    with platform():
        Domain.objects.create(tenant=world.acme, domain=CUSTOM, verified_at=timezone.now())
    return world


def browser(host: str = ACME, **options: Any) -> Client:
    return Client(raise_request_exception=False, HTTP_HOST=host, **options)


def static_file(host: str = ACME) -> Any:
    answer = browser(host).get("/static/app.css", secure=True)
    answer.close()
    return answer


def webhook(world: World, token: str = "", **signed: str) -> Any:
    address = f"/webhooks/retell/{token or world.webhook_tokens['acme']}/"
    headers = {"X-Retell-Signature": sign(body_of())} | signed
    return browser().post(address, body_of(), "application/json", secure=True, headers=headers)


ANSWERS: dict[str, tuple[int, Callable[[World], Any]]] = {
    "page": (200, lambda _: browser().get("/sign-in/", secure=True)),
    "page of the operator": (200, lambda _: browser(OPERATOR).get("/sign-in/", secure=True)),
    "page of a customer's domain": (200, lambda _: browser(CUSTOM).get("/sign-in/", secure=True)),
    "redirect to the sign-in": (302, lambda _: browser().get("/", secure=True)),
    "redirect to https": (301, lambda _: browser().get("/sign-in/")),
    "unreadable": (400, lambda _: browser().get("/?q=%00", secure=True)),
    "unreadable host": (400, lambda _: browser("a b").get("/")),
    "form of another site": (
        403,
        lambda _: browser(enforce_csrf_checks=True).post("/sign-in/", secure=True),
    ),
    "nothing there": (404, lambda _: browser().get("/nothing/", secure=True)),
    "unknown host": (404, lambda _: browser("nobody.example").get("/", secure=True)),
    "wrong method": (405, lambda _: browser().post("/health", secure=True)),
    "too many": (429, lambda _: browser().post("/sign-in/", {"email": "a@b.c"}, secure=True)),
    "failure": (500, lambda _: browser().get("/fails/", secure=True)),
    "health": (200, lambda _: browser("10.0.0.1").get("/health")),
    "static file": (200, lambda _: static_file()),
    "no such static file": (404, lambda _: browser().get("/static/none.css", secure=True)),
    "webhook": (204, webhook),
    "forged webhook": (401, lambda world: webhook(world, **{"X-Retell-Signature": "v=1,d=2"})),
    "no such webhook": (404, lambda _: browser().get("/webhooks/retell/a/b/c/", secure=True)),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_carries_the_headers(installed: World, name: str) -> None:
    status, ask = ANSWERS[name]
    answer = ask(installed)
    assert answer.status_code == status
    assert {header: answer.headers.get(header) for header in EVERYWHERE} == EVERYWHERE


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_has_a_policy_that_allows_nothing_by_default(
    installed: World, name: str
) -> None:
    policy = directives(ANSWERS[name][1](installed))
    closed = {"default-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'"}
    assert closed.items() <= policy.items()
    assert policy.get("object-src", "'none'") == "'none'"


def directives(answer: Any) -> dict[str, str]:
    pairs = (part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";"))
    return {name: sources for name, _, sources in pairs}


def test_the_policy_of_pages_names_this_host_only(installed: World) -> None:
    policy = directives(browser().get("/sign-in/", secure=True))
    assert (policy.pop("img-src"), policy["form-action"]) == ("'self' data:", "'self'")
    policy.pop("connect-src")  # names the port of live updates in development
    assert not [said for said in policy.values() if any(loose in said for loose in LOOSE)]


@pytest.mark.parametrize("name", set(ANSWERS) - {"static file"})
def test_nothing_but_static_files_is_kept_by_caches(installed: World, name: str) -> None:
    assert "no-store" in ANSWERS[name][1](installed)["Cache-Control"]


def test_static_files_are_kept_by_caches_and_not_lent_to_other_sites(installed: World) -> None:
    answer = static_file()
    assert answer["Cache-Control"].startswith("max-age=")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_503_of_a_missing_database_carries_the_headers(
    committed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    for answer in (browser().get("/"), browser().get("/health/ready"), webhook(committed)):
        assert answer.status_code == 503
        assert {header: answer.headers.get(header) for header in EVERYWHERE} == EVERYWHERE
        assert directives(answer)["default-src"] == "'none'"


def test_live_updates_opened_as_a_page_carry_the_headers(
    committed: World, servers: Servers
) -> None:
    answer = httpx.get(f"http://127.0.0.1:{servers.live_port}/live/")
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
    assert {header: answer.headers.get(header) for header in EVERYWHERE} == EVERYWHERE
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


# --- HTTPS only ----------------------------------------------------------------------------------


def hsts(host: str, path: str = "/sign-in/", *, secure: bool = True) -> str | None:
    answer = browser(host).get(path, secure=secure)
    answer.close()
    return answer.headers.get("Strict-Transport-Security")


@pytest.mark.parametrize("host", ["localhost", OPERATOR, ACME, "ACME.localhost."])
def test_our_own_hosts_and_what_is_below_them_are_https_for_a_year(
    installed: World, host: str
) -> None:
    assert hsts(host) == f"max-age={YEAR}; includeSubDomains"


@pytest.mark.parametrize("path", ["/sign-in/", "/nothing/", "/static/app.css", "/health"])
def test_a_customers_domain_is_https_but_not_what_is_below_it(installed: World, path: str) -> None:
    assert hsts(CUSTOM, path) == f"max-age={YEAR}"


@pytest.mark.parametrize("host", ["notlocalhost", "localhost.evil.example", "nobody.example"])
def test_what_is_below_an_unknown_host_is_left_alone(installed: World, host: str) -> None:
    assert hsts(host) == f"max-age={YEAR}"


@pytest.mark.parametrize("host", HOSTS)
def test_no_host_is_entered_into_browsers_by_us(installed: World, settings: Any, host: str) -> None:
    settings.SECURE_HSTS_PRELOAD = host in (CUSTOM, "nobody.example")
    assert "preload" not in str(hsts(host))


@pytest.mark.parametrize("host", HOSTS)
def test_plain_http_promises_nothing(installed: World, host: str) -> None:
    assert hsts(host, secure=False) is None
