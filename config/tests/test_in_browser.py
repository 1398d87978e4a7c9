"""The product as people use it: Chromium, real servers, calls that come through the door."""

from __future__ import annotations

import re
import time
import urllib.request

import pytest
from playwright.sync_api import Browser, expect

from testing.browser import Visitor
from testing.fixtures import PASSWORD, World
from testing.retell import body_of, sample, sign
from testing.servers import Servers

pytestmark = pytest.mark.browser


def deliver(world: World, servers: Servers, body: bytes) -> None:
    """Post a signed body over HTTP, as Retell does."""
    token = world.webhook_tokens["acme"]
    request = urllib.request.Request(
        f"http://127.0.0.1:{servers.web_port}/webhooks/retell/{token}/",
        data=body,
        headers={"Content-Type": "application/json", "X-Retell-Signature": sign(body)},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert answer.status == 204


def phone_call(number: str, call_id: str = "call_1") -> bytes:
    return body_of(
        "call_started",
        call_id,
        call_status="ongoing",
        call_type="phone_call",
        direction="inbound",
        agent_id="agent_1",
        from_number=number,
        start_timestamp=time.time_ns() // 1_000_000,
    )


def test_an_admin_signs_in_and_reads_a_call_that_came_through_the_door(
    committed: World, servers: Servers, visitor: Visitor
) -> None:
    deliver(committed, servers, sample("phone_inbound.call_analyzed.json").body)
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    visitor.go("acme", "/calls/")
    visitor.page.locator("a.row-link").first.click()
    expect(visitor.page.locator("#transcript li").first).to_be_visible()
    visitor.page.get_by_text("Where each value came from").click()
    expect(visitor.page.get_by_role("cell", name="call_analyzed").first).to_be_visible()
    assert visitor.complaints == []


def test_a_new_call_appears_in_the_open_list_without_reloading(
    committed: World, servers: Servers, visitor: Visitor
) -> None:
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    visitor.go("acme", "/calls/")
    expect(visitor.page.locator("#live-state")).to_contain_text("Live", timeout=10_000)
    deliver(committed, servers, phone_call("+14155550142"))
    expect(visitor.page.get_by_text("+1 (415) 555-0142")).to_be_visible(timeout=5_000)


def test_a_viewer_sees_the_last_four_digits_and_no_forms(
    committed: World, servers: Servers, visitor: Visitor
) -> None:
    deliver(committed, servers, phone_call("+14155550142"))
    visitor.sign_in("acme", "bob@example.com", PASSWORD)
    visitor.go("acme", "/calls/")
    visitor.page.locator("a.row-link").first.click()
    text = visitor.page.locator("body").inner_text()
    assert "•••• 0142" in text
    assert "415" not in text
    assert visitor.page.locator("main form[action*=classify]").count() == 0


def test_a_narrow_strip_of_tabs_shows_the_current_one(
    committed: World, servers: Servers, visitor: Visitor
) -> None:
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    visitor.go("acme", "/account/sessions/")
    expect(visitor.page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=1)


def test_without_script_people_sign_in_filter_and_page(
    committed: World, servers: Servers, chromium: Browser
) -> None:
    for number in range(51):
        deliver(committed, servers, phone_call(f"+141555501{number:02d}", f"call_{number}"))
    context = chromium.new_context(java_script_enabled=False)
    visitor = Visitor(context, servers)
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    visitor.go("acme", "/calls/?direction=inbound")
    assert visitor.page.locator("tbody tr").count() == 50
    visitor.page.get_by_role("link", name=re.compile("Older")).click()
    assert visitor.page.locator("tbody tr").count() == 1
    context.close()
