"""The overview as people use it: by keyboard, without script, on a phone, while calls come in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from testing.browser import Visitor
from testing.fixtures import PASSWORD, World
from testing.retell import body_of, post, receive
from testing.servers import Servers

pytestmark = pytest.mark.browser

CHANGED = "document.body.dispatchEvent(new CustomEvent('switchboard:changed', {detail: {}}))"


def phone_call(call_id: str, *, status: str = "ended", reason: str | None = "user_hangup") -> bytes:
    event = "call_started" if status == "ongoing" else "call_ended"
    return body_of(
        event,
        call_id,
        call_status=status,
        call_type="phone_call",
        direction="inbound",
        agent_id="agent_1",
        from_number="+14155550142",
        disconnection_reason=reason,
        start_timestamp=time.time_ns() // 1_000_000,
        duration_ms=61_000,
    )


@pytest.fixture
def alice(committed: World, servers: Servers, visitor: Visitor) -> Visitor:
    for number in range(3):
        receive(committed, phone_call(f"call_{number}"))
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    return visitor


def test_arrow_keys_read_a_chart_and_enter_opens_what_is_behind(alice: Visitor) -> None:
    plot = alice.page.get_by_role("group", name="Calls per day")
    plot.focus()
    alice.page.keyboard.press("End")
    expect(alice.page.locator(".chart-tip").first).to_contain_text("3")
    alice.page.keyboard.press("Enter")
    alice.page.wait_for_url("**/calls/?*")
    expect(alice.page.locator("main")).to_contain_text("3 of 3 calls")
    assert alice.complaints == []


def test_a_bar_opens_the_calls_it_stands_for(alice: Visitor) -> None:
    alice.page.locator(".chart .mark").first.click()
    alice.page.wait_for_url("**/calls/?*outcome=*")
    expect(alice.page.locator("main")).to_contain_text("3 of 3 calls")


@pytest.fixture
def without_script(alice: Visitor, chromium: Browser) -> Iterator[Page]:
    state = alice.page.context.storage_state()
    context = chromium.new_context(java_script_enabled=False, storage_state=state)
    yield context.new_page()
    context.close()


def test_days_are_chosen_without_script(without_script: Page, servers: Servers) -> None:
    without_script.goto(servers.url("acme", "/"))
    without_script.click("#other-days summary")
    without_script.fill("[name=first]", "2026-01-01")
    without_script.fill("[name=last]", "2026-01-31")
    without_script.click("text=Show these days")
    expect(without_script.locator("main")).to_contain_text("Jan 1 – Jan 31, 2026")
    expect(without_script.locator("main")).to_contain_text("No calls in this period")


def test_the_numbers_of_a_chart_are_read_without_script(
    without_script: Page, servers: Servers
) -> None:
    without_script.goto(servers.url("acme", "/"))
    without_script.locator(".chart-table summary").first.click()
    without_script.locator(".chart-table table").first.locator("td a").first.click()
    expect(without_script.locator("main")).to_contain_text("3 of 3 calls")


def test_a_call_that_begins_appears_without_reloading(alice: Visitor, committed: World) -> None:
    expect(alice.page.locator("#live-state")).to_contain_text("Live", timeout=10_000)
    assert post(committed, phone_call("call_now", status="ongoing", reason=None)).status_code == 204
    expect(alice.page.locator("#now")).to_contain_text("1 in progress", timeout=10_000)
    assert alice.complaints == []


def test_numbers_follow_in_place_while_charts_rest(alice: Visitor, committed: World) -> None:
    expect(alice.page.locator("#live-state")).to_contain_text("Live", timeout=10_000)
    alice.page.evaluate("document.querySelector('.chart').dataset.was = 'here'")
    alice.page.evaluate("document.querySelector('.kpi').dataset.was = 'here'")
    assert post(committed, phone_call("call_new")).status_code == 204
    expect(alice.page.locator("#kpi-1")).to_have_text("4", timeout=10_000)
    expect(alice.page.locator(".chart[data-was=here]")).to_have_count(1)
    expect(alice.page.locator(".kpi[data-was=here]")).to_have_count(1)
    assert alice.complaints == []


def test_a_failed_refresh_can_be_repeated_in_place(alice: Visitor) -> None:
    def fail(route: Route) -> None:
        route.fulfill(status=503, body="")

    alice.page.route("**/now/", fail)
    alice.page.wait_for_timeout(1100)  # a part refreshes once a second at most
    alice.page.evaluate(CHANGED)
    notice = alice.page.locator("#now .notice").first
    expect(notice).to_contain_text("may be old")
    alice.page.unroute("**/now/", fail)
    notice.get_by_role("button").click()
    expect(alice.page.locator("#now .notice")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_every_screen(alice: Visitor, theme: Literal["light", "dark"]) -> None:
    alice.page.emulate_media(color_scheme=theme)
    for path in ("/?period=30d", "/?period=today", "/now/"):
        alice.go("acme", path)
        for width in (1440, 820, 390, 320):
            alice.page.set_viewport_size({"width": width, "height": 900})
            assert not alice.scrolls_sideways(), (path, width)
    assert alice.complaints == []
