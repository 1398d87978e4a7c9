"""An invitation in Chromium: what the browser says of the link while it is accepted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Request

from accounts.actions import invitations
from accounts.models import Invitation, Role, User
from tenants.scope import platform
from testing.browser import Visitor
from testing.fixtures import PASSWORD, World

pytestmark = pytest.mark.browser


@pytest.fixture
def invitation(committed: World) -> Iterator[Invitation]:
    made = invitations.invite(
        committed.acme, email="dora@example.com", role=Role.VIEWER, invited_by=""
    )
    yield made
    with platform():
        Invitation.objects.filter(pk=made.pk).delete()
        User.objects.filter(email="dora@example.com").delete()


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
