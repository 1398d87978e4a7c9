"""The calls list as people use it, in Chromium."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from calls.models import SavedView
from calls.tests.records import make_call
from tenants.pin import organization_context
from testing.browser import Visitor
from testing.fixtures import PASSWORD, World
from testing.servers import Servers

pytestmark = pytest.mark.browser


def test_a_filter_is_saved_as_a_view_and_the_back_button_undoes_each_step(
    committed: World, servers: Servers, visitor: Visitor
) -> None:
    with organization_context(committed.acme):
        SavedView.objects.all().delete()
        make_call("call_good", from_number="+16195550101", direction="inbound")
        make_call("call_bad", from_number="+16195550102", direction="inbound", status="error")
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    visitor.go("acme", "/calls/")
    page = visitor.page
    page.get_by_text("Add filter").click()
    page.locator("#id_status").select_option("error")
    page.locator(".filter-form").get_by_role("button", name="Apply").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Save as a view").click()
    page.get_by_label("Name").fill("Errors")
    page.get_by_role("button", name="Save the view").click()
    expect(page.get_by_role("link", name="Errors")).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="All calls").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.go_back()
    expect(page).to_have_url(re.compile(r"status=error&view="))
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("a.row-link").click()
    expect(page).to_have_url(re.compile(r"/calls/[-0-9a-f]+/\?status=error"))
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert visitor.complaints == []


def test_ticking_calls_shows_what_can_be_done_with_them(
    committed: World, servers: Servers, visitor: Visitor
) -> None:
    with organization_context(committed.acme):
        for number in range(3):
            make_call(f"call_{number}", cost_cents=50, duration_ms=60_000)
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    visitor.go("acme", "/calls/?view=all")
    page = visitor.page
    expect(page.get_by_role("button", name="Revenue or test…")).to_be_hidden()
    page.get_by_label("Tick all calls of this page").check()
    page.locator("td.pick input").first.uncheck()
    page.get_by_role("button", name="Revenue or test…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Are 2 calls revenue or tests?")
    expect(page.locator("dl.facts")).to_contain_text("$1.00")
    page.get_by_label("These calls are").select_option("no")
    page.get_by_label("Why").fill("Our own")
    page.get_by_role("button", name="Change 2 calls").click()
    expect(page.get_by_text("2 calls were changed.")).to_be_visible()
    assert visitor.complaints == []
