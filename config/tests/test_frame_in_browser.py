"""What stands around every page: menu, theme, organizations, and a whole walk by keyboard only."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Membership, Role
from calls.tests.records import make_call
from tenants.pin import organization_context
from tenants.scope import platform
from testing.browser import Visitor
from testing.fixtures import World
from testing.sessions import bring_session

pytestmark = pytest.mark.browser


@pytest.fixture
def alice(committed: World, visitor: Visitor) -> Visitor:
    bring_session(visitor, committed.people.alice, committed.acme)
    visitor.go("acme", "/")
    return visitor


@pytest.fixture
def at_globex_too(committed: World) -> Iterator[None]:
    people = committed.people
    with platform():
        membership = Membership.objects.create(
            user=people.alice, organization=committed.globex, role=Role.VIEWER
        )
    yield
    with platform():
        membership.delete()


def focused(page: Page) -> str:
    """What the element with the focus is called."""
    name: str = page.evaluate(
        "() => { const at = document.activeElement;"
        " return (at.getAttribute('aria-label') || at.textContent || at.name || '').trim(); }"
    )
    return re.sub(r"\s+", " ", name)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, name: str) -> None:
    """By Tab alone, as far as it takes."""
    for _ in range(60):
        press(page, "Tab")
        if name in focused(page):
            return
    pytest.fail(f"Tab does not lead to “{name}”.")


# --- The menu of a narrow window -----------------------------------------------------------------


def test_on_a_phone_the_menu_opens_over_the_page_and_closes_again(alice: Visitor) -> None:
    page = alice.page
    page.set_viewport_size({"width": 390, "height": 844})
    drawer, button = page.locator("#sidebar"), page.get_by_role("button", name="Menu")
    expect(drawer).to_be_hidden()
    button.click()
    expect(drawer).to_be_visible()
    page.mouse.click(380, 600)  # beside it
    expect(drawer).to_be_hidden()
    button.click()
    drawer.get_by_role("link", name="Agents").click()
    expect(page).to_have_url(re.compile("/agents/$"))
    expect(drawer).to_be_hidden()
    assert alice.complaints == []


def test_the_drawer_takes_the_focus_and_gives_it_back(alice: Visitor) -> None:
    page = alice.page
    page.set_viewport_size({"width": 390, "height": 844})
    tab_to(page, "Menu")
    press(page, "Enter")
    expect(page.locator("#sidebar :focus")).to_have_count(1)
    press(page, "Escape")
    expect(page.locator("#sidebar")).to_be_hidden()
    assert focused(page) == "Menu"


# --- Themes --------------------------------------------------------------------------------------


def ground(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


def test_a_chosen_theme_stays_whatever_the_system_says(alice: Visitor) -> None:
    page = alice.page
    light = ground(page)
    page.locator(".sidebar-foot summary").click()
    page.get_by_role("button", name="Dark").click()
    dark = ground(page)
    assert dark != light
    page.reload()
    assert ground(page) == dark  # the server writes it: nothing flashes
    page.locator(".sidebar-foot summary").click()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="System").click()
    assert ground(page) == light
    page.emulate_media(color_scheme="dark")
    assert ground(page) == dark
    assert alice.complaints == []


# --- Organizations -------------------------------------------------------------------------------


@pytest.mark.usefixtures("at_globex_too")
def test_the_name_in_the_sidebar_leads_to_ones_other_organizations(
    alice: Visitor, committed: World
) -> None:
    page = alice.page
    alice.go("acme", "/agents/")
    page.locator(".org-menu summary").click()
    menu = page.locator(".org-menu .menu-body")
    expect(menu.locator("[aria-current]")).to_contain_text("Acme")
    menu.get_by_role("link", name="Globex").click()
    # Hosts below localhost are of different sites to a browser, so it asks; below one domain not.
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(alice.servers.url("globex", "/agents/"))
    expect(page.locator(".org-menu summary")).to_contain_text("Globex")
    assert alice.complaints == []


# --- By keyboard only ----------------------------------------------------------------------------


def test_the_first_key_leads_past_the_navigation(alice: Visitor) -> None:
    page = alice.page
    press(page, "Tab")
    assert focused(page) == "Skip to content"
    expect(page.get_by_text("Skip to content")).to_be_in_viewport()
    press(page, "Enter")
    expect(page.locator("#content")).to_be_focused()


def test_every_stop_of_the_tab_key_shows_where_it_is(alice: Visitor) -> None:
    page = alice.page
    alice.go("acme", "/calls/")
    press(page, "Tab")
    seen: list[str] = []
    while page.evaluate("document.activeElement !== document.body") and len(seen) < 60:
        seen.append(focused(page))
        outlined = page.evaluate(
            "() => { const at = document.activeElement;"
            " const shown = element => getComputedStyle(element).outlineStyle !== 'none';"
            " return shown(at) || shown(at.closest('tr') ?? at); }"
        )
        assert outlined, seen[-1]
        press(page, "Tab")
    assert len(seen) > 15


def test_calls_are_found_opened_and_left_by_keyboard_only(alice: Visitor, committed: World) -> None:
    with organization_context(committed.acme):
        for number in range(3):
            make_call(f"call_{number}", from_number=f"+1415555010{number}", direction="inbound")
        make_call("call_odd", from_number="+12125550199", direction="inbound", status="error")
    page = alice.page
    press(page, "g", "c")
    expect(page).to_have_url(re.compile("/calls/$"))
    press(page, "j", "j", "k")
    expect(page.locator("tbody .row-link").first).to_be_focused()
    # A filter, from its button to its chip and away again.
    tab_back_to(page, "Add filter")
    press(page, "Enter")
    expect(page.locator(".filter-form")).to_be_visible()
    press(page, "Escape")
    expect(page.locator(".filter-form")).to_be_hidden()
    assert focused(page) == "Add filter"
    press(page, "Enter")
    status = page.locator("#id_status")
    status.focus()
    while status.input_value() != "error":
        press(page, "ArrowDown")
    tab_to(page, "Apply")
    press(page, "Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    tab_to(page, "Remove filter Status")
    # The call, and back to where the list was.
    press(page, "j", "Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("555-0199")
    page.go_back()  # the key for it is the browser's own
    expect(page.locator("tbody tr")).to_have_count(1)
    # Words, from anywhere.
    press(page, "/")
    page.keyboard.type("0101")
    press(page, "Enter")
    expect(page).to_have_url(re.compile("q=0101"))
    assert alice.complaints == []


def tab_back_to(page: Page, name: str) -> None:
    for _ in range(60):
        press(page, "Shift+Tab")
        if name in focused(page):
            return
    pytest.fail(f"Shift and Tab do not lead to “{name}”.")


def test_dialogs_keep_the_focus_and_give_it_back(alice: Visitor) -> None:
    page = alice.page
    press(page, "?")
    expect(page.locator("#shortcuts")).to_be_visible()
    for _ in range(4):
        press(page, "Tab")
        assert page.evaluate("!!document.activeElement.closest('dialog, body:not(:has(:focus))')")
    press(page, "Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()
    press(page, "Control+k")
    press(page, "ArrowDown", "ArrowDown", "Enter")
    expect(page).to_have_url(re.compile("/calls/$"))


def test_single_keys_are_turned_off_by_who_does_not_want_them(alice: Visitor) -> None:
    page = alice.page
    press(page, "?")
    page.get_by_label("Use single-key shortcuts").press("Space")
    press(page, "Escape")
    press(page, "g", "c", "/")
    expect(page).to_have_url(re.compile(r":\d+/$"))
    assert focused(page) != "Search calls"
    press(page, "Control+k")
    expect(page.locator("#palette")).to_be_visible()
