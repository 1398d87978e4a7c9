"""Every page of an organization and of the operator, in both themes: axe finds nothing serious,
the console stays silent (a violation of the CSP would speak there), nothing scrolls sideways."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from accounts.actions import invitations
from accounts.models import Role
from config.tests.test_url_sweep import expected, fill, path_of
from testing.browser import Visitor
from testing.fixtures import PASSWORD, World
from testing.retell import body_of, receive, sample
from testing.servers import Servers

pytestmark = pytest.mark.browser

ALICE = 2
# Answers that are no pages, and those that end the session.
NO_PAGES = ("/branding/", "/calls/find/", "/audit/export/", "/live-ticket/", "recording/",
            "/download/", "/setup/", "/sign-in", "/switch/operator/")  # fmt: skip
SERIOUS = ("serious", "critical")
OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def pages(world: World) -> list[str]:
    """What an admin gets with 200, by the table of the sweep."""
    invitation = invitations.invite(
        world.acme, email="dora@example.com", role=Role.VIEWER, invited_by=""
    )
    rows = expected("config.urls_organization")
    found = [path_of(url, world, invitation) for url, row in rows.items() if row[ALICE] == 200]
    return [path for path in found if not any(part in path for part in NO_PAGES)]


def violations(visitor: Visitor) -> list[str]:
    answer: dict[str, Any] = Axe().run(visitor.page, options=OPTIONS).response
    return [
        f"{found['id']}: {found['nodes'][0]['html'][:160]}"
        for found in answer["violations"]
        if found["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_an_organization_is_accessible(
    committed: World, servers: Servers, chromium: Browser, theme: Any
) -> None:
    fill(committed.acme)
    receive(committed, sample("phone_inbound.call_analyzed.json").body)
    receive(committed, body_of("call_started", "call_2", call_status="ongoing"))
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme=theme, reduced_motion="reduce"
    )
    visitor = Visitor(context, servers)
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    found: dict[str, list[str]] = {}
    for path in pages(committed):
        visitor.complaints.clear()
        visitor.go("acme", path)
        complaints = [*violations(visitor), *visitor.complaints]
        if visitor.scrolls_sideways():
            complaints.append("scrolls sideways")
        if complaints:
            found[path] = complaints
    context.close()
    assert found == {}
