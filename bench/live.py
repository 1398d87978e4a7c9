"""Measures how soon a delivery is on an open screen: from its 204 to the row in Chromium.

    python -m bench.live [--quiet 200] [--busy 15] [--rate 20]

Needs the engines of `make run`, and Chromium. Starts its own web and live processes as the Procfile
does, opens the list of calls of an organization made for it, and posts signed `call_started`
webhooks: some one at a time, then many a second. Every one is measured. Fails when a delivery was
not answered 204, a call was not shown, or the 95th percentile is half a second or more.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import random
import secrets
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
from playwright.sync_api import Page, sync_playwright
from psycopg import sql
from retell.lib.webhook_auth import symmetric

from bench import product
from bench.processes import await_answer, free_port, running
from testing.browser import FLAGS, chromium_path

BAR_MS = 500
EMAIL, PASSWORD = "bench-live@example.com", "a bench is for sitting on it"
SENDERS = 4
LAST_ONES_SECONDS = 5
# Between two deliveries of the quiet phase; not a multiple of any interval of the product.
PAUSES = (0.15, 0.6)
ADD_MEMBER = """
from accounts.actions import members
from accounts.models import Role
from tenants.models import Organization
from tenants.scope import platform

with platform():
    organization = Organization.objects.get(slug="{slug}")
members.add_member(organization, email="{email}", role=Role.ADMIN, password="{password}")
"""
REMOVE_MEMBER = """
from accounts.models import User
from tenants.scope import platform

with platform():
    User.objects.filter(email="{email}").delete()
"""
# Notes when each row of a call was first on the screen: after the frame that shows it was painted.
WATCH = """() => {
  window.shown = {};
  const note = () => {
    const ids = [...document.querySelectorAll('tr[id^="call-"]')].map((row) => row.id.slice(5));
    const fresh = ids.filter((id) => !(id in window.shown));
    for (const id of fresh) window.shown[id] = 0;
    if (fresh.length)
      requestAnimationFrame(() =>
        setTimeout(() => fresh.forEach((id) => (window.shown[id] = Date.now())))
      );
  };
  note();
  new MutationObserver(note).observe(document.body, {childList: true, subtree: true});
}"""


@dataclass(frozen=True)
class Target:
    """An organization's door and its page."""

    slug: str
    schema: str
    api_key: str
    webhook_path: str
    web_port: int

    def page(self, path: str) -> str:
        return f"http://{self.slug}.localhost:{self.web_port}{path}"


class Sender:
    """Posts deliveries over one connection, and notes when each was accepted."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.accepted: dict[str, float] = {}
        self.refused = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", target.web_port, timeout=10)

    def send(self) -> None:
        call_id = f"call_{secrets.token_hex(13)}"
        body = _body(call_id)
        signature = symmetric["sign"](body, self.target.api_key)
        headers = {"Content-Type": "application/json", "X-Retell-Signature": signature}
        self._connection.request("POST", self.target.webhook_path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        accepted_at = time.time() * 1000
        if answer.status == 204:
            self.accepted[call_id] = accepted_at
        else:
            self.refused += 1


Phase = Callable[[], list[Sender]]


def _body(call_id: str) -> str:
    now = time.time_ns() // 1_000_000
    call = {
        "call_id": call_id,
        "agent_id": "agent_bench",
        "call_status": "ongoing",
        "call_type": "phone_call",
        "direction": "inbound",
        "from_number": f"+1415555{random.randrange(10_000):04d}",
        "to_number": "+14155550100",
        "start_timestamp": now,
    }
    return json.dumps({"event": "call_started", "call": call})


def main() -> int:
    options = _options()
    environment = product.environment()
    with (
        _product(environment) as target,
        _open_list(target) as page,
        psycopg.connect(environment["DATABASE_OWNER_URL"], autocommit=True) as owner,
    ):
        faults = [
            *_measure("one at a time", lambda: _quiet(target, options.quiet), page, target, owner),
            *_measure(
                f"{options.rate} a second",
                lambda: _busy(target, options.rate, options.busy),
                page,
                target,
                owner,
            ),
        ]
    for fault in faults:
        print(f"FAULT {fault}")
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="From an accepted delivery to an open screen.")
    parser.add_argument("--quiet", type=int, default=200, help="deliveries, one at a time")
    parser.add_argument("--busy", type=int, default=15, help="seconds of many a second")
    parser.add_argument("--rate", type=int, default=20, help="deliveries a second then")
    return parser.parse_args()


@contextlib.contextmanager
def _product(environment: dict[str, str]) -> Iterator[Target]:
    web_port, live_port = free_port(), free_port()
    environ = {
        **environment,
        "DEBUG": "false",
        "HOST": "127.0.0.1",
        "PORT": str(web_port),
        "LIVE_PORT": str(live_port),
        "PUBLIC_BASE_URL": f"http://localhost:{web_port}",
        "PATH": product.path(),
    }
    slug, api_key = f"bench-{secrets.token_hex(4)}", f"key_{secrets.token_hex(16)}"
    options = ["--name", "Benchmark", "--slug", slug, "--admin-email", "bench@example.com"]
    created = json.loads(
        product.manage("create_organization", *options, "--retell-api-key", api_key, "--json")
    )
    path = urlsplit(created["webhook_url"]).path
    try:
        product.shell(ADD_MEMBER.format(slug=slug, email=EMAIL, password=PASSWORD))
        with (
            running(product.command("web"), product.REPOSITORY, environ),
            running(product.command("live"), product.REPOSITORY, environ),
        ):
            await_answer(f"http://127.0.0.1:{web_port}/health")
            await_answer(f"http://127.0.0.1:{live_port}/")
            yield Target(slug, created["schema"], api_key, path, web_port)
    finally:
        product.discard(slug)
        product.shell(REMOVE_MEMBER.format(email=EMAIL))


@contextlib.contextmanager
def _open_list(target: Target) -> Iterator[Page]:
    """The list of calls in Chromium, live."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(target.page("/sign-in/"))
        page.fill("[name=email]", EMAIL)
        page.fill("[name=password]", PASSWORD)
        page.click("button.primary")
        page.wait_for_url("**/")
        page.goto(target.page("/calls/"))
        page.wait_for_selector('#live-state[data-state="live"]')
        page.evaluate(WATCH)
        time.sleep(2)
        yield page
        browser.close()


def _quiet(target: Target, count: int) -> list[Sender]:
    sender = Sender(target)
    for _ in range(count):
        sender.send()
        time.sleep(random.uniform(*PAUSES))
    return [sender]


def _busy(target: Target, rate: int, seconds: int) -> list[Sender]:
    """`rate` deliveries a second, evenly, whatever each takes."""
    senders = [Sender(target) for _ in range(SENDERS)]
    started = time.monotonic()

    def work(number: int) -> None:
        for turn in range(number, rate * seconds, SENDERS):
            time.sleep(max(started + turn / rate - time.monotonic(), 0))
            senders[number].send()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return senders


def _measure(
    name: str, phase: Phase, page: Page, target: Target, owner: psycopg.Connection[Any]
) -> Iterator[str]:
    """Print a phase's figures; what was wrong with it."""
    senders = phase()
    time.sleep(LAST_ONES_SECONDS)
    shown: dict[str, int] = page.evaluate("window.shown")
    ids = _ids(target, owner)
    accepted = {call: at for sender in senders for call, at in sender.accepted.items()}
    unseen = [call for call in accepted if not shown.get(ids.get(call, ""))]
    waits = sorted(
        max(shown[ids[call]] - at, 0.0) for call, at in accepted.items() if call not in unseen
    )
    refused = sum(sender.refused for sender in senders)
    if refused:
        yield f"{name}: {refused} deliveries were not answered 204"
    if unseen or not waits:
        yield f"{name}: {len(unseen)} of {len(accepted)} calls were not shown"
    if len(waits) > 1:
        p95 = statistics.quantiles(waits, n=100)[94]
        print(
            f"{name}: {len(waits)} deliveries, p50 {statistics.median(waits):.0f} ms,"
            f" p95 {p95:.0f} ms, max {waits[-1]:.0f} ms"
        )
        if p95 >= BAR_MS:
            yield f"{name}: p95 is {p95:.0f} ms, and must be below {BAR_MS} ms"


def _ids(target: Target, owner: psycopg.Connection[Any]) -> dict[str, str]:
    query = sql.SQL("select retell_call_id, id::text from {}").format(
        sql.Identifier(target.schema, "calls_call")
    )
    return dict(owner.execute(query).fetchall())


if __name__ == "__main__":
    sys.exit(main())
