"""An invitation in Chromium: what the browser says of the link while it is accepted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Request, expect

from accounts.actions import invitations
from accounts.models import Invitation, Role, User
from tenants.scope import platform
from testing.browser import Visitor
from testing.fixtures import PASSWORD, World
from testing.sessions import bring_session

pytestmark = pytest.mark.browser

DORA = "dora@example.com"


@pytest.fixture
def dora_leaves(committed: World) -> Iterator[None]:
    yield
    with platform():
        Invitation.objects.filter(email=DORA).delete()
        User.objects.filter(email=DORA).delete()


@pytest.fixture
def invitation(committed: World, dora_leaves: None) -> Invitation:
    return invitations.invite(committed.acme, email=DORA, role=Role.VIEWER, invited_by="")


def test_no_request_says_where_the_invitation_was(invitation: Invitation, visitor: Visitor) -> None:
    requests: list[Request] = []

    def note(request: Request) -> None:
        requests.append(request)

    visitor.page.on("request", note)
    visitor.go("acme", reverse("accounts:accept_invitation", args=[invitation.token]))
    visitor.page.fill("[name=name]", "Dora")
    visitor.page.fill("[name=password]", PASSWORD)
    visitor.page.click("button.primary")
    visitor.page.wait_for_url(visitor.servers.url("acme", "/"))
    referers = [request.all_headers().get("referer", "") for request in requests]
    assert any(referers)
    assert not [referer for referer in referers if invitation.token in referer]
    assert visitor.complaints == []


@pytest.mark.usefixtures("dora_leaves")
def test_an_admin_invites_somebody_who_joins_by_the_link(
    committed: World, visitor: Visitor, chromium: Browser
) -> None:
    page = visitor.page
    bring_session(visitor, committed.people.alice, committed.acme)
    visitor.go("acme", "/settings/users/")
    page.get_by_role("link", name="Invite").click()
    page.get_by_label("E-mail address").fill(DORA)
    page.get_by_role("button", name="Invite").click()
    page.get_by_role("button", name=f"Make a new link for {DORA}").click()
    link = page.get_by_label("Hand this link to them").input_value()
    elsewhere = Visitor(chromium.new_context(), visitor.servers)
    elsewhere.page.goto(link)
    elsewhere.page.get_by_label("Your name").fill("Dora")
    elsewhere.page.get_by_label("Password").fill(PASSWORD)
    elsewhere.page.get_by_role("button", name="Join").click()
    expect(elsewhere.page.get_by_role("heading", name="Overview")).to_be_visible()
    elsewhere.page.context.close()
    page.get_by_role("link", name="Back to users").click()
    expect(page.get_by_role("link", name="Dora")).to_be_visible()
    assert visitor.complaints + elsewhere.complaints == []
