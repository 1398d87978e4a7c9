"""An export from asking to having the file, as a person does it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from exports.models import Export
from exports.tests.helpers import asked, make_calls
from jobs import actions as jobs
from tenants.pin import organization_context
from testing.browser import Visitor
from testing.fixtures import PASSWORD, World

pytestmark = pytest.mark.browser
# A folder for pictures to look at.
PICTURES = os.environ.get("PICTURES")


def picture(visitor: Visitor, name: str) -> None:
    """Light and dark, wide and narrow; nothing may scroll sideways."""
    page = visitor.page
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            if PICTURES:
                path = Path(PICTURES) / f"{name}-{theme}-{width}.png"
                page.screenshot(path=str(path), full_page=True)
        assert not visitor.scrolls_sideways(), name
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_file_is_asked_for_made_and_taken_along(committed: World, visitor: Visitor) -> None:
    with organization_context(committed.acme):
        make_calls(12)
    page = visitor.page
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    visitor.go("acme", "/exports/")
    picture(visitor, "none")
    visitor.go("acme", "/exports/new/?direction=inbound")
    picture(visitor, "new")
    page.get_by_role("button", name="Make the file").click()
    page.get_by_text("You can leave this page").wait_for()
    expect(page.locator("progress")).to_be_visible()
    picture(visitor, "waiting")
    with organization_context(committed.acme):
        jobs.run(committed.acme, Export.objects.get().job_id)
    page.get_by_role("link", name="Download").wait_for()  # without a reload
    picture(visitor, "ready")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    text = Path(download.value.path()).read_text()
    assert text.count("call_") == 12
    assert "# Filter: Direction is Inbound" in text
    with organization_context(committed.acme):
        asked(committed.acme, committed.people.alice)
    visitor.go("acme", "/exports/")
    picture(visitor, "list")
    assert visitor.complaints == []
