"""Going places by keyboard: the command palette and its chords."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from testing.browser import Visitor
from testing.fixtures import PASSWORD, World
from testing.retell import body_of, receive

pytestmark = pytest.mark.browser


@pytest.fixture
def alice(committed: World, visitor: Visitor) -> Visitor:
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    return visitor


def test_g_and_a_letter_lead_to_a_page(alice: Visitor) -> None:
    alice.page.keyboard.press("g")
    alice.page.keyboard.press("c")
    expect(alice.page).to_have_url(re.compile("/calls/$"))
    assert alice.complaints == []


def test_letters_typed_into_a_field_lead_nowhere(alice: Visitor) -> None:
    alice.page.keyboard.press("/")
    alice.page.keyboard.type("gc")
    expect(alice.page.locator("[data-search-everywhere]")).to_have_value("gc")
    expect(alice.page).to_have_url(re.compile(r"localhost:\d+/$"))


def test_the_palette_finds_a_page_by_its_name(alice: Visitor) -> None:
    alice.page.keyboard.press("Control+k")
    alice.page.keyboard.type("audit")
    alice.page.keyboard.press("Enter")
    expect(alice.page).to_have_url(re.compile("/audit/$"))


def test_the_palette_finds_a_call_by_its_number(alice: Visitor, committed: World) -> None:
    receive(committed, body_of(from_number="+14155550142", direction="inbound"))
    alice.page.keyboard.press("Control+k")
    alice.page.keyboard.type("5550142")
    alice.page.locator("#palette-found a", has_text="555-0142").first.wait_for()
    alice.page.keyboard.press("ArrowDown")
    alice.page.keyboard.press("Enter")
    expect(alice.page).to_have_url(re.compile("/calls/[0-9a-f-]{36}/$"))
    assert alice.complaints == []


def test_escape_closes_the_palette(alice: Visitor) -> None:
    alice.page.keyboard.press("Control+k")
    expect(alice.page.locator("#palette")).to_be_visible()
    alice.page.keyboard.press("Escape")
    expect(alice.page.locator("#palette")).to_be_hidden()
