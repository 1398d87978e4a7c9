"""Open pages in Chromium: what comes in appears, and nothing moves under a reader."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, Request, Route, WebSocketRoute, expect

from config.tests.test_in_browser import deliver, phone_call
from notifications import signals
from testing.browser import Visitor
from testing.fixtures import PASSWORD, World
from testing.servers import Servers

pytestmark = pytest.mark.browser

STATE = "#live-state"
PILL = ".pill"
FAILED = ".refresh-failed"
NUMBER = "+1 (415) 555-0199"
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def alice(committed: World, servers: Servers, visitor: Visitor) -> Page:
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    return visitor.page


def show_calls(visitor: Visitor, *, state: str = "live") -> None:
    visitor.go("acme", "/calls/")
    expect(visitor.page.locator(STATE)).to_have_attribute("data-state", state, timeout=10_000)
    visitor.page.evaluate("window.notReloaded = true")


def fill_with_calls(world: World, servers: Servers, number: int = 30) -> None:
    for count in range(number):
        deliver(world, servers, phone_call(f"+141555501{count:02d}", f"call_{count}"))


def a_new_call(world: World, servers: Servers, call_id: str = "call_new") -> None:
    deliver(world, servers, phone_call("+14155550199", call_id))


def first_row(page: Page) -> str | None:
    return page.locator("tbody tr").first.get_attribute("id")


def test_a_new_call_appears_and_nothing_is_reloaded(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    show_calls(visitor)
    a_new_call(committed, servers)
    expect(alice.get_by_text(NUMBER)).to_be_visible(timeout=5000)
    assert alice.evaluate("window.notReloaded")
    assert visitor.complaints == []


def test_a_burst_is_shown_to_its_end(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    show_calls(visitor)
    fill_with_calls(committed, servers)
    a_new_call(committed, servers)
    expect(alice.locator("tbody tr")).to_have_count(31, timeout=5000)


def test_who_has_scrolled_is_told_how_many_are_new(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    fill_with_calls(committed, servers)
    show_calls(visitor)
    alice.evaluate("scrollTo(0, 600)")
    before = first_row(alice)
    for number in range(3):
        a_new_call(committed, servers, f"call_new_{number}")
    expect(alice.locator(PILL)).to_have_text("3 new calls", timeout=30_000)
    assert first_row(alice) == before
    assert alice.evaluate("scrollY") > 500
    alice.locator(PILL).click()
    expect(alice.get_by_text(NUMBER)).to_have_count(3)
    expect(alice.locator(PILL)).to_have_count(0)
    assert alice.evaluate("scrollY") == 0


def test_a_row_in_use_stays_where_it_is_until_it_is_left(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    fill_with_calls(committed, servers, 3)
    show_calls(visitor)
    alice.wait_for_timeout(1500)  # what was told before the page opened has come by then
    alice.keyboard.press("j")
    before = first_row(alice)
    a_new_call(committed, servers)
    expect(alice.locator(PILL)).to_have_text("1 new call", timeout=30_000)
    assert first_row(alice) == before
    alice.evaluate("document.activeElement.blur()")
    expect(alice.get_by_text(NUMBER)).to_be_visible(timeout=5000)
    expect(alice.locator(PILL)).to_have_count(0)


def test_a_list_that_is_on_its_way_does_not_move_who_came_to_it_meanwhile(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    fill_with_calls(committed, servers, 3)
    show_calls(visitor)
    alice.wait_for_timeout(1500)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held or "x-live-refresh" not in route.request.headers:
            route.continue_()
        else:
            held.append(route)

    alice.route(lambda url: "/calls/" in url, hold)
    a_new_call(committed, servers)
    for _ in range(100):
        if held:
            break
        alice.wait_for_timeout(100)
    alice.keyboard.press("j")
    before = first_row(alice)
    held[0].continue_()
    expect(alice.locator(PILL)).to_have_text("1 new call", timeout=30_000)
    assert first_row(alice) == before
    expect(alice.locator("tbody tr").first.locator(":focus")).to_have_count(1)


def test_a_part_that_cannot_be_fetched_says_so_and_is_tried_again(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    show_calls(visitor)
    broken = break_refreshes(alice)
    a_new_call(committed, servers)
    expect(alice.locator(FAILED)).to_contain_text("could not be brought up to date", timeout=5000)
    expect(alice.locator(FAILED)).to_have_count(1)
    broken.clear()
    alice.locator(FAILED).get_by_role("button", name="Try again").click()
    expect(alice.get_by_text(NUMBER)).to_be_visible(timeout=2000)
    expect(alice.locator(FAILED)).to_have_count(0)


def test_a_page_that_cannot_be_turned_says_so_and_is_tried_again(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    fill_with_calls(committed, servers, 51)
    show_calls(visitor)
    time.sleep(2)  # what came just before the page is looked at once
    broken = break_refreshes(alice)
    alice.get_by_role("link", name="Older").click()
    expect(alice.locator(FAILED)).to_be_visible(timeout=5000)
    broken.clear()
    alice.locator(FAILED).get_by_role("button", name="Try again").click()
    expect(alice.locator("tbody tr")).to_have_count(1, timeout=5000)


def test_charts_wait_half_a_minute_and_until_the_pointer_has_left(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    a_new_call(committed, servers)
    alice.clock.install()
    fetched: list[str] = []
    alice.on("request", lambda request: note_target(request, fetched))
    visitor.go("acme", "/")
    expect(alice.locator(STATE)).to_have_attribute("data-state", "live", timeout=10_000)
    a_new_call(committed, servers, "call_second")
    alice.clock.run_for(20_000)
    assert "overview" not in fetched
    alice.clock.run_for(12_000)
    alice.wait_for_timeout(1000)
    assert fetched.count("overview") == 1
    alice.locator(".chart-plot").first.hover()
    a_new_call(committed, servers, "call_third")
    alice.wait_for_timeout(1000)
    alice.clock.run_for(40_000)
    assert fetched.count("overview") == 1
    alice.mouse.move(5, 5)
    alice.clock.run_for(3000)
    alice.wait_for_timeout(1000)
    assert fetched.count("overview") == 2


def note_target(request: Request, fetched: list[str]) -> None:
    if request.headers.get("x-live-refresh"):
        fetched.append(request.headers.get("hx-target", ""))


def break_refreshes(page: Page) -> list[bool]:
    """Parts of the page answer 500 until the list is emptied."""
    broken = [True]

    def answer(route: Route) -> None:
        if broken and route.request.headers.get("hx-request"):
            route.fulfill(status=500, body="")
        else:
            route.continue_()

    page.route(lambda url: "/calls/" in url, answer)
    return broken


# --- Connection ----------------------------------------------------------------------------------


def test_without_live_the_page_looks_by_itself(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    alice.route_web_socket("**/live/**", lambda socket: socket.close())
    alice.clock.install()
    show_calls(visitor, state="reconnecting")
    expect(alice.locator(STATE)).to_contain_text("Reconnecting…")
    a_new_call(committed, servers)
    alice.clock.run_for(16_000)
    expect(alice.get_by_text(NUMBER)).to_be_visible(timeout=5000)


def test_after_a_gap_the_page_looks_what_it_missed(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    sockets: list[WebSocketRoute] = []

    def relay(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    alice.route_web_socket("**/live/**", relay)
    show_calls(visitor)
    time.sleep(1.5)
    sockets[0].close()
    a_new_call(committed, servers)
    expect(alice.get_by_text(NUMBER)).to_be_visible(timeout=10_000)
    expect(alice.locator(STATE)).to_have_attribute("data-state", "live")
    assert len(sockets) == 2


def test_a_pause_holds_everything_until_it_is_over(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    show_calls(visitor)
    alice.locator(STATE).click()
    expect(alice.locator(STATE)).to_contain_text("Paused")
    a_new_call(committed, servers)
    time.sleep(1.5)
    assert alice.get_by_text(NUMBER).count() == 0
    alice.locator(STATE).click()
    expect(alice.get_by_text(NUMBER)).to_be_visible(timeout=5000)
    expect(alice.locator(STATE)).to_contain_text("Live", timeout=5000)


def test_a_tab_that_is_hidden_for_ten_minutes_hangs_up(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    alice.clock.install()
    show_calls(visitor)
    alice.evaluate(HIDE, True)
    alice.clock.fast_forward(9 * 60_000)
    expect(alice.locator(STATE)).to_have_attribute("data-state", "live")
    alice.clock.fast_forward(61_000)
    expect(alice.locator(STATE)).to_have_attribute("data-state", "paused")
    a_new_call(committed, servers)
    alice.evaluate(HIDE, False)
    expect(alice.get_by_text(NUMBER)).to_be_visible(timeout=5000)
    expect(alice.locator(STATE)).to_have_attribute("data-state", "live", timeout=5000)


def test_who_signs_out_in_another_tab_is_told_that_this_one_ended(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    show_calls(visitor)
    time.sleep(1.5)
    other = alice.context.new_page()
    other.goto(servers.url("acme", "/account/profile/"))
    other.evaluate("document.querySelector('form[action=\"/sign-out/\"]').requestSubmit()")
    other.wait_for_url("**/sign-in/")
    expect(alice.locator(STATE)).to_contain_text("Paused", timeout=30_000)
    assert "ended" in (alice.locator(STATE).get_attribute("title") or "")
    signals.changed(committed.acme.pk, "calls")
    time.sleep(1)
    assert alice.evaluate("window.notReloaded")


def test_only_counters_and_toasts_are_announced(
    committed: World, servers: Servers, visitor: Visitor, alice: Page
) -> None:
    fill_with_calls(committed, servers, 3)
    for path in ("/", "/calls/", "/deliveries/", "/agents/"):
        visitor.go("acme", path)
        loud = alice.locator("[aria-live]:not(#toasts):not([data-live-counter])")
        assert loud.count() == 0, path
