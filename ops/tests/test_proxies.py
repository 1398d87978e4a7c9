"""nginx and Caddy in front of web and live, from the shipped files, over TLS on loopback."""

from __future__ import annotations

import json
import re
import resource
import ssl
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import websocket

from accounts.models import Session
from tenants.scope import door
from testing.fixtures import PASSWORD, World
from testing.proxies import Site, deliver
from testing.retell import body_of, call_of

LIMIT = 20 * 1024 * 1024
SLOW = 1000
SENDERS = 8


@pytest.fixture(params=["nginx", "caddy"])
def site(request: pytest.FixtureRequest) -> Site:
    running: Site = request.getfixturevalue(f"behind_{request.param}")
    return running


def sign_in(client: httpx.Client, **headers: str) -> None:
    origin = f"https://{client.headers['Host']}"
    form = client.get("/sign-in/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
    assert token
    fields = {"email": "bob@example.com", "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    headers = {"Origin": origin, "Referer": f"{origin}/sign-in/"} | headers
    answer = client.post("/sign-in/", data=fields, headers=headers)
    assert answer.status_code == 302, answer.text


def address_of_newest_session() -> str:
    with door():
        return str(Session.objects.order_by("-expire_date").latest("signed_in_at").address)


def test_a_signed_delivery_becomes_a_call(site: Site, committed: World) -> None:
    with site.client() as client:
        assert deliver(client, committed, body_of(call_id="call_proxied")).status_code == 204
    assert call_of(committed, "call_proxied").retell_call_id == "call_proxied"


def test_a_page_is_answered_as_https_without_a_redirect(site: Site, committed: World) -> None:
    with site.client("acme.localhost") as client:
        answer = client.get("/sign-in/")
    assert answer.status_code == 200
    assert "Strict-Transport-Security" in answer.headers
    assert "__Host-csrf" in answer.cookies


def test_static_files_come_from_web(site: Site, committed: World) -> None:
    with site.client("acme.localhost") as client:
        path = re.search(r'href="(/static/[^"]+\.css)"', client.get("/sign-in/").text)
        assert path
        assert client.get(path[1]).headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize(
    "forged",
    [
        {"X-Forwarded-For": "203.0.113.66"},
        {"X-Forwarded-For": "unix, 203.0.113.66, 127.0.0.1"},
        {"X_Forwarded_For": "203.0.113.66"},
        {"Forwarded": "for=203.0.113.66", "X-Real-IP": "203.0.113.66"},
    ],
    ids=str,
)
def test_the_clients_address_is_the_real_one(
    site: Site, committed: World, forged: dict[str, str]
) -> None:
    with site.client("acme.localhost", address="127.0.0.9") as client:
        sign_in(client, **forged)
    assert address_of_newest_session() == "127.0.0.9"


def test_http_cannot_be_claimed(site: Site, committed: World) -> None:
    with site.client("acme.localhost") as client:
        assert client.get("/sign-in/", headers={"X-Forwarded-Proto": "http"}).status_code == 200


def test_a_client_does_not_choose_the_request_id(site: Site, committed: World) -> None:
    with site.client() as client:
        answer = client.get("/health", headers={"X-Request-ID": "chosen-by-the-client"})
    assert re.fullmatch(r"[0-9a-f-]{32,36}", answer.headers["X-Request-ID"])


def test_a_page_hears_of_a_call_over_its_socket(site: Site, committed: World) -> None:
    host = f"acme.localhost:{site.port}"
    with site.client("acme.localhost") as client:
        sign_in(client)
        page = client.get("/account/profile/").text
        ticket = re.search(r'name="live-ticket" content="([^"]+)"', page)
        assert ticket
        live = websocket.create_connection(
            f"wss://127.0.0.1:{site.port}/live/?ticket={ticket[1]}",
            host=host, origin=f"https://{host}", timeout=20,
            sslopt={"ca_certs": str(site.folder / "authority.pem"), "check_hostname": False},
        )  # fmt: skip
        assert deliver(client, committed, body_of(call_id="call_live")).status_code == 204
        assert json.loads(live.recv())["topics"]
        live.close()


def test_a_body_of_the_limit_reaches_the_product(site: Site, committed: World) -> None:
    with site.client() as client:
        answer = deliver(client, committed, b"x" * LIMIT, **{"X-Retell-Signature": "v=1,d=00"})
    assert answer.status_code == 401


def test_a_larger_body_is_refused_before_it(site: Site, committed: World) -> None:
    with site.client() as client:
        answer = deliver(client, committed, b"x" * (LIMIT + 1))
    assert answer.status_code == 413
    assert "Nothing was stored" in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_takes_less_than_a_webhook(behind_nginx: Site, committed: World) -> None:
    with behind_nginx.client("acme.localhost") as client:
        assert client.post("/sign-in/", content=b"x" * (3 * 2**20 + 1)).status_code == 413


def test_metrics_are_for_this_host_only(site: Site, committed: World) -> None:
    with site.client(address="127.0.0.9") as client:
        assert client.get("/metrics").status_code == 403


def test_an_unknown_host_is_not_answered(site: Site, committed: World) -> None:
    with site.client("elsewhere.example.com") as client:
        answer = client.get("/sign-in/")
    assert b"Sign in" not in answer.content


def test_a_request_waits_for_nobody_who_is_away(site: Site, committed: World) -> None:
    site.web[0].stop()
    try:
        with site.client() as client:
            bodies = [body_of(call_id=f"call_one_away_{number}") for number in range(10)]
            answers = [deliver(client, committed, body).status_code for body in bodies]
    finally:
        site.web[0].start()
    assert answers == [204] * 10


def test_with_both_away_it_says_when_to_come_back(site: Site, committed: World) -> None:
    for unit in site.web:
        unit.stop()
    try:
        with site.client() as client:
            answer = deliver(client, committed, body_of())
    finally:
        for unit in site.web:
            unit.start()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def slow_connections(site: Site, token: str, count: int) -> list[ssl.SSLSocket]:
    """So many that sent half of their headers, or half of their body, and send no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    trust = site.trust
    half_body = (
        f"POST /webhooks/retell/{token}/ HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n{"
    ).encode()
    half_headers = b"GET /sign-in/ HTTP/1.1\r\nHost: acme.localhost\r\nX-Slow: "
    opened = []
    for number in range(count):
        connection = site.connect(trust)
        connection.sendall(half_body if number % 2 else half_headers)
        opened.append(connection)
    return opened


def test_slow_connections_keep_nobody_from_being_answered(site: Site, committed: World) -> None:
    opened = slow_connections(site, committed.webhook_tokens["acme"], SLOW)

    def post_share(first: int) -> list[int]:
        bodies = (body_of(call_id=f"call_{number}") for number in range(first, 100, SENDERS))
        with site.client() as client:
            return [deliver(client, committed, body).status_code for body in bodies]

    with ThreadPoolExecutor(SENDERS) as pool:
        answers = [status for share in pool.map(post_share, range(SENDERS)) for status in share]
    for connection in opened:
        connection.close()
    assert answers == [204] * 100


def test_no_webhook_url_stands_in_nginx_log(site: Site, committed: World) -> None:
    log = site.folder / "access.log"
    if not log.exists():
        pytest.skip("Caddy writes none unless told to")
    token = committed.webhook_tokens["acme"]
    with site.client() as client:
        deliver(client, committed, body_of())
    text = log.read_text()
    assert "/webhooks/retell/" in text
    assert token not in text
