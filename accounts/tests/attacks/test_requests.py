"""Requests that no page of ours sends: forged, redirected, misdirected, malformed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.core import mail
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import tasks
from accounts.actions import invitations
from accounts.models import Invitation, Role
from config.tests.test_url_sweep import expected, fill, path_of
from tenants.models import Organization
from tenants.scope import door
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World
from testing.records import fill_records

OPERATOR_URLS, ORGANIZATION_URLS = "config.urls_operator", "config.urls_organization"
both_hosts = pytest.mark.parametrize("urlconf", [ORGANIZATION_URLS, OPERATOR_URLS])
# Columns of the sweep's table.
GET, POST, ANY = slice(0, 8), slice(8, 16), slice(0, 16)


@pytest.fixture
def filled(world: World) -> World:
    fill(world.acme)
    fill_records(range(1))
    return world


@pytest.fixture
def invitation(filled: World) -> Invitation:
    return invitations.invite(
        filled.acme, email="dora@example.com", role=Role.VIEWER, invited_by=""
    )


def host_of(world: World, urlconf: str) -> Organization | None:
    return world.acme if urlconf == ORGANIZATION_URLS else None


def mightiest(world: World, browser_of: ClientFactory, urlconf: str) -> CanaryClient:
    """Who may do most on this host."""
    if urlconf == ORGANIZATION_URLS:
        return browser_of(world.people.alice, world.acme)
    return browser_of(world.people.sam)


def paths(
    world: World, urlconf: str, invitation: Invitation, columns: slice, *, admin: bool = True
) -> Iterator[str]:
    """Each URL that takes this method, of things that are there; the admin's many are Django's."""
    for url, statuses in sorted(expected(urlconf).items()):
        if set(statuses[columns]) != {405} and (admin or not url.startswith("/admin/")):
            yield path_of(url, world, invitation)


def alone(client: CanaryClient, method: str, path: str, *args: Any, **extra: Any) -> Any:
    """The answer to a request whose doings are taken back."""
    cache.clear()
    client.raise_request_exception = False
    cookies = client.cookies.output(attrs=[], header="", sep=";")
    with transaction.atomic():
        response = getattr(client, method)(path, *args, **extra)
        transaction.set_rollback(True)
    client.cookies.clear()
    client.cookies.load(cookies)
    return response


# --- Forms of other sites ------------------------------------------------------------------------


def _checking(client: CanaryClient) -> CanaryClient:
    """The same browser, with the check for forged forms that tests usually leave out."""
    checking = CanaryClient(client.defaults["HTTP_HOST"], enforce_csrf_checks=True)
    checking.cookies = client.cookies
    return checking


def _is_refused(path: str, status: int) -> bool:
    """The API takes no forms, and a session only with the header that no form can send."""
    return status == 403 or (path.startswith("/api/") and status in (401, 415))


@both_hosts
def test_a_form_without_a_token_is_refused_at_every_url(
    filled: World, browser_of: ClientFactory, invitation: Invitation, urlconf: str
) -> None:
    client = _checking(mightiest(filled, browser_of, urlconf))
    for path in paths(filled, urlconf, invitation, POST):
        status = alone(client, "post", path).status_code
        assert _is_refused(path, status), (path, status)


@both_hosts
def test_a_form_with_the_token_of_another_session_is_refused_at_every_url(
    filled: World, browser_of: ClientFactory, invitation: Invitation, urlconf: str
) -> None:
    client = _checking(mightiest(filled, browser_of, urlconf))
    client.get("/confirm/")
    stranger = CanaryClient(client.defaults["HTTP_HOST"])
    page = stranger.get("/sign-in/").content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    for path in paths(filled, urlconf, invitation, POST):
        response = alone(client, "post", path, {"csrfmiddlewaretoken": found[1]})
        assert _is_refused(path, response.status_code), (path, response.status_code)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://globex.localhost:8000"])
def test_a_form_of_another_origin_is_refused_with_a_right_token(world: World, origin: str) -> None:
    client = CanaryClient(world.acme.host, enforce_csrf_checks=True)
    page = client.get("/sign-in/").content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    form = {"csrfmiddlewaretoken": found[1], "email": "alice@example.com", "password": PASSWORD}
    assert client.post("/sign-in/", form, headers={"Origin": origin}).status_code == 403
    own = client.post("/sign-in/", form, headers={"Origin": f"http://{world.acme.host}"})
    assert own.status_code == 302


# --- Where one is sent ---------------------------------------------------------------------------

ELSEWHERE = [
    "//evil.example", "///evil.example", "////evil.example", "https:evil.example",
    "https:/evil.example", "https:///evil.example", "/\\evil.example", "\\/evil.example",
    "\\\\evil.example", "/\t/evil.example", "\t//evil.example",
    "\n//evil.example", "/\n/evil.example", "\x0b//evil.example", "javascript:alert(1)",
    "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x",
    "//evil。example", "//\u2044evil.example", "https://acme.localhost:8000.evil.example/",
    "http://[::1", "//[", "file:///etc", "https://acme.localhost:8000@evil.example",
    "http://localhost:8000/", "ftp://acme.localhost:8000/", "//acme.localhost:8000@evil.example",
    "//evil.example/acme.localhost:8000", "x" * 5000 + ":",
]  # fmt: skip
# Paths of ours, however they look.
ON_THIS_HOST = [
    "/%2F%2Fevil.example",
    "/%5Cevil.example",
    "%2F%2Fevil.example",
    "/%2F/evil.example\\@",
    "/.//evil.example",
]


def leads_away(location: str, host: str) -> bool:
    """As a browser reads it: white space goes, backslashes are slashes."""
    read = re.sub(r"[\t\r\n]", "", location).strip("\x00\x0b\x0c ").replace("\\", "/")
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", read):
        return not read.startswith(f"http://{host}/")
    return read.startswith("//")


@pytest.mark.parametrize("target", [*ELSEWHERE, *ON_THIS_HOST])
def test_signing_in_leads_nowhere_else(world: World, target: str) -> None:
    credentials = {"email": "alice@example.com", "password": PASSWORD, "next": target}
    response = CanaryClient(world.acme.host).post("/sign-in/", credentials)
    assert response.status_code == 302
    assert not leads_away(response["Location"], world.acme.host)


@pytest.mark.parametrize("target", [*ELSEWHERE, *ON_THIS_HOST])
def test_confirming_leads_nowhere_else(
    world: World, browser_of: ClientFactory, target: str
) -> None:
    alice = browser_of(world.people.alice, world.acme)
    response = alice.post("/confirm/", {"answer": PASSWORD, "next": target})
    assert response.status_code == 302
    assert not leads_away(response["Location"], world.acme.host)


@pytest.mark.parametrize("target", ELSEWHERE)
def test_the_form_keeps_no_target_elsewhere(world: World, target: str) -> None:
    page = CanaryClient(world.acme.host).get("/sign-in/", {"next": target}).content.decode()
    assert "evil" not in page
    assert "alert(1)" not in page


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "//evil.example/%2e%2e"])
@pytest.mark.parametrize("urlconf", [ORGANIZATION_URLS, OPERATOR_URLS])
def test_a_path_that_looks_like_a_host_leads_nowhere_else(
    world: World, browser_of: ClientFactory, urlconf: str, path: str
) -> None:
    """A slash is appended, or signing in asked for, on this host."""
    for tail in ("", "x"):
        client = mightiest(world, browser_of, urlconf)
        response = client.get("/", PATH_INFO=path.rstrip("/") + tail)
        assert not leads_away(response.headers.get("Location", "/"), "")


@pytest.mark.parametrize("referer", ["http://evil.example/{}//evil.example/", "{}//evil.example"])
def test_a_forged_referer_leads_nowhere_else(
    world: World, browser_of: ClientFactory, referer: str
) -> None:
    """A form that must be confirmed first leads back to the page it came from."""
    alice = browser_of(world.people.alice, world.acme, confirmed=False)
    forged = {"Referer": referer.format(world.acme.host)}
    asked = alice.post("/settings/users/invite/", {}, headers=forged)["Location"]
    assert asked.startswith("/confirm/")
    response = alice.post(asked, {"answer": PASSWORD})
    assert not leads_away(response["Location"], world.acme.host)


# --- The host header -----------------------------------------------------------------------------

FORWARDED = {
    "HTTP_X_FORWARDED_HOST": "evil.example",
    "HTTP_X_FORWARDED_SERVER": "evil.example",
    "HTTP_X_HOST": "evil.example",
    "HTTP_FORWARDED": "host=evil.example",
    "HTTP_X_ORIGINAL_HOST": "evil.example",
    "HTTP_X_FORWARDED_PORT": "666",
    "SERVER_NAME": "evil.example",
}
SPELLINGS = ["ACME.localhost:8000", "acme.localhost.:8000", "acme.localhost:666", "acme.localhost"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_mail_and_no_redirect_says_what_the_request_calls_itself(
    world: World, browser_of: ClientFactory, spelling: str
) -> None:
    client = browser_of(world.people.alice, world.acme)
    client.defaults |= {**FORWARDED, "HTTP_HOST": spelling}
    email = "dora@example.com"
    answers = [
        client.post("/settings/users/invite/", {"email": email, "role": Role.VIEWER}),
        client.get("/calls"),
        client.post("/account/email/", {"email": "x@example.com"}),
    ]
    with door():
        invitation = Invitation.objects.get(email=email)
    tasks.send_invitation(str(invitation.pk))
    text = "".join(str(message.message()) for message in mail.outbox)
    assert f"{world.acme.base_url}/invitations/" in text
    for told in [text, *(answer.headers.get("Location", "") for answer in answers)]:
        assert "evil.example" not in told
        assert ":666" not in told


def test_a_forwarded_host_is_no_place_to_go_on_to(world: World) -> None:
    client = CanaryClient(world.acme.host, **FORWARDED)
    credentials = {"email": "alice@example.com", "password": PASSWORD}
    response = client.post("/sign-in/", credentials | {"next": "http://evil.example/"})
    assert response["Location"] == "/"


NOT_OURS = [
    "evil.example", "192.0.2.1", "acme.localhost.evil.example", " ", "localhost@evil.example",
    "acme.localhost evil.example", "acme.localhost:8000/evil", "http://acme.localhost:8000",
]  # fmt: skip


@pytest.mark.parametrize("host", NOT_OURS)
def test_a_name_that_is_not_ours_reaches_no_page_with_any_session(
    world: World, browser_of: ClientFactory, host: str
) -> None:
    alice = browser_of(world.people.alice, world.acme)
    alice.defaults["HTTP_HOST"] = host
    response = alice.get("/calls/", HTTP_X_FORWARDED_HOST=world.acme.host)
    assert response.status_code in (400, 404)
    assert "Location" not in response.headers


# --- Methods -------------------------------------------------------------------------------------

WRITES = re.compile(r"(?is)\s*(WITH .*)?(INSERT|UPDATE|DELETE|TRUNCATE|MERGE)\b")
# That somebody was here, or came in vain, is no change.
OF_A_SESSION = re.compile(r"accounts_session|django_session|last_seen_at|procrastinate")


def written(queries: CaptureQueriesContext) -> list[str]:
    statements = [query["sql"] for query in queries]
    return [s for s in statements if WRITES.match(s) and not OF_A_SESSION.search(s)]


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
@both_hosts
def test_other_methods_change_nothing_and_never_fail(
    filled: World, browser_of: ClientFactory, invitation: Invitation, urlconf: str, method: str
) -> None:
    client = mightiest(filled, browser_of, urlconf)
    for path in paths(filled, urlconf, invitation, ANY):
        with CaptureQueriesContext(connection) as queries:
            response = alone(client, "generic", method, path, b"email=x")
        assert (path, response.status_code < 500, written(queries)) == (path, True, [])


@both_hosts
def test_a_head_is_a_get_without_its_body_and_never_fails(
    filled: World, browser_of: ClientFactory, invitation: Invitation, urlconf: str
) -> None:
    client = mightiest(filled, browser_of, urlconf)
    for path in paths(filled, urlconf, invitation, ANY, admin=False):
        head, get = (alone(client, "generic", method, path) for method in ("HEAD", "GET"))
        assert head.status_code in (get.status_code, 405), path
        assert head.getvalue() == b""


OVERRIDES = {
    "X-HTTP-Method-Override": "DELETE",
    "X-HTTP-Method": "POST",
    "X-Method-Override": "PUT",
}


@both_hosts
def test_no_header_changes_the_method(
    filled: World, browser_of: ClientFactory, invitation: Invitation, urlconf: str
) -> None:
    client = mightiest(filled, browser_of, urlconf)
    for path in paths(filled, urlconf, invitation, GET, admin=False):
        plain = alone(client, "get", path).status_code
        hidden = alone(client, "get", path, headers=OVERRIDES).status_code
        assert (path, hidden) == (path, plain)


# --- Bodies --------------------------------------------------------------------------------------

FORM = "application/x-www-form-urlencoded"
BODIES = {
    "2,000 fields": ("&".join(f"f{n}=1" for n in range(2000)), FORM),
    "3 MB": ("email=" + "x" * 3_000_000, FORM),
    "JSON": ('{"email": "alice@example.com", "password": ["x"]}', "application/json"),
    "broken multipart": ("--x\r\nContent-Disposition: x", "multipart/form-data; boundary=x"),
    "no boundary": ("x", "multipart/form-data"),
    "odd charset": ("email=x", f"{FORM}; charset=nonsense"),
    "UTF-7": ("email=+ADw-", f"{FORM}; charset=utf-7"),
    "NUL": ("email=a%00b&name=%00&code=%00&answer=%00&reason=%00&role=%00&cidr=%00", FORM),
    "half characters": ("email=%ED%A0%80&name=%ED%A0%80&answer=%ED%A0%80&reason=%ff", FORM),
    "a field many times": ("email=a@example.com&" * 900, FORM),
}  # fmt: skip


@pytest.mark.parametrize("kind", BODIES)
@both_hosts
def test_no_body_makes_a_form_fail(
    filled: World, browser_of: ClientFactory, invitation: Invitation, urlconf: str, kind: str
) -> None:
    body, content_type = BODIES[kind]
    client = mightiest(filled, browser_of, urlconf)
    for path in paths(filled, urlconf, invitation, POST, admin=False):
        status = alone(client, "generic", "POST", path, body, content_type).status_code
        assert (path, status < 500) == (path, True)


@pytest.mark.parametrize("kind", ["2,000 fields", "3 MB"])
def test_a_form_beyond_any_size_is_refused(world: World, kind: str) -> None:
    body, content_type = BODIES[kind]
    response = CanaryClient(world.acme.host).post("/sign-in/", body, content_type=content_type)
    assert response.status_code in (400, 413)


@pytest.mark.parametrize(
    "value", ['"\\000aaaaaaaa"', "x" * 100_000, "é" * 40, "'; --", "%00", '"', "=;,"]
)
@pytest.mark.parametrize("name", ["SESSION", "CSRF", "DEVICE", "LANGUAGE"])
def test_no_cookie_makes_a_page_fail(world: World, name: str, value: str) -> None:
    cookie = f"{getattr(live_settings, f'{name}_COOKIE_NAME')}={value}"
    client = CanaryClient(world.acme.host, HTTP_COOKIE=cookie)
    assert client.get("/sign-in/").status_code == 200
    credentials = {"email": "alice@example.com", "password": PASSWORD}
    assert client.post("/sign-in/", credentials).status_code == 302
