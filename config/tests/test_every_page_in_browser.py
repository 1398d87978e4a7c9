"""Every page of both hosts in Chromium. The pages are those of the URL sweep, so that a new one is
looked at without being listed here; then every link on them is followed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Browser

from accounts.actions import invitations, members
from accounts.models import Invitation, Role, User
from config.errors import error_page
from config.tests.every_page import ALICE, NOBODY, SAM, Findings, Inspector, page_paths
from config.tests.test_url_sweep import fill
from tenants.scope import platform
from testing.browser import Visitor
from testing.fixtures import PASSWORD, World, committed_world
from testing.retell import body_of, receive, sample
from testing.servers import Servers
from testing.sessions import bring_session

pytestmark = pytest.mark.browser

ERRORS = (400, 403, 404, 405, 413, 429, 500, 503)


@pytest.fixture(scope="module")
def world(django_db_setup: World, django_db_blocker: Any) -> Iterator[World]:
    """One of everything in Acme, nothing in Globex."""
    with committed_world(django_db_setup, django_db_blocker) as world:
        fill(world.acme)
        receive(world, sample("phone_inbound.call_analyzed.json").body)
        receive(world, body_of("call_started", "call_2", call_status="ongoing"))
        yield world


@pytest.fixture(scope="module")
def invitation(world: World) -> Iterator[Invitation]:
    made = invitations.invite(world.acme, email="dora@example.com", role=Role.VIEWER, invited_by="")
    yield made
    with platform():
        Invitation.objects.filter(pk=made.pk).delete()


@pytest.fixture(scope="module")
def tess(world: World) -> Iterator[User]:
    """Somebody whose sign-in has a second step."""
    made = members.add_member(
        world.acme, email="tess@example.com", role=Role.VIEWER, password=PASSWORD
    )
    with platform():
        TOTPDevice.objects.create(user=made, name="Phone", confirmed=True)
    yield made
    with platform():
        made.delete()


@dataclass
class Walks:
    """Who goes where; each in a browser of their own."""

    world: World
    invitation: Invitation
    servers: Servers
    chromium: Browser
    findings: Findings = field(default_factory=Findings)

    @contextmanager
    def walk(self, slug: str, column: int, user: User | None) -> Iterator[Inspector]:
        """Every page that the person of this column of the table may see."""
        context = self.chromium.new_context(reduced_motion="reduce")
        visitor = Visitor(context, self.servers)
        if user:
            bring_session(visitor, user, self.world.acme if slug else None)
        inspector = Inspector(visitor, slug, self.findings)
        for path in page_paths(slug, column, self.world, self.invitation):
            inspector.inspect(path)
        yield inspector
        context.close()


@pytest.fixture(scope="module")
def findings(
    world: World, invitation: Invitation, tess: User, servers: Servers, chromium: Browser
) -> Findings:
    """Of one walk through everything, for the tests below."""
    walks = Walks(world, invitation, servers, chromium)
    with walks.walk("acme", NOBODY, None) as guest:
        for status in ERRORS:
            guest.show(f"/error-{status}/", error_page(HttpRequest(), status).content)
        guest.visitor.sign_in("acme", tess.email, PASSWORD, leads_to="/sign-in/code/")
        guest.inspect("/sign-in/code/")
    with walks.walk("", NOBODY, None):
        pass
    with walks.walk("acme", ALICE, world.people.alice) as alice:
        alice.follow()
        for path in page_paths("acme", ALICE, world, invitation):
            alice.break_refreshes(path)
    with walks.walk("", SAM, world.people.sam) as sam:
        sam.follow()
    return walks.findings


def test_axe_finds_nothing_serious(findings: Findings) -> None:
    assert not findings.axe, "\n".join(findings.axe)


def test_the_console_stays_silent(findings: Findings) -> None:
    assert not findings.complaints, "\n".join(findings.complaints)


def test_every_link_leads_to_a_page(findings: Findings) -> None:
    assert not findings.statuses, "\n".join(findings.statuses)
    assert len(findings.visited) > 100


def test_no_page_scrolls_sideways(findings: Findings) -> None:
    assert not findings.sideways, "\n".join(findings.sideways)


def test_nothing_jumps_while_a_page_is_built(findings: Findings) -> None:
    assert not findings.shifts, "\n".join(findings.shifts)


def test_no_other_host_is_asked(findings: Findings) -> None:
    assert not findings.elsewhere, "\n".join(findings.elsewhere)


def test_what_cannot_be_brought_up_to_date_says_so(findings: Findings) -> None:
    assert not findings.silent, "\n".join(findings.silent)
