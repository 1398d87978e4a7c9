"""Live sessions of people who lost their right, and rights that are not what a page thought."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.conf import settings as live_settings
from django.contrib.auth import SESSION_KEY
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.actions import activation, invitations, members, super_admins
from accounts.actions.activation import shut_out
from accounts.exceptions import AccountError
from accounts.models import AccessPolicy, Membership, Role, User
from accounts.people import get_member
from accounts.sessions import SessionStore
from accounts.tests.attacks.test_requests import ANY, POST, alone, paths, written
from agents.models import Agent
from audit.tests.chains import entries
from config.tests.test_url_sweep import ID, fill
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import door, platform
from testing.fixtures import CANARIES, PASSWORD, CanaryClient, ClientFactory, World

ORGANIZATION_URLS = "config.urls_organization"


@pytest.fixture
def filled(world: World) -> World:
    fill(world.acme)
    return world


# --- A session stays, the right does not ---------------------------------------------------------


def removed(world: World) -> None:
    Membership.objects.filter(user=world.people.alice).delete()


def deactivated(world: World) -> None:
    User.objects.filter(pk=world.people.alice.pk).update(is_active=False)


def held(world: World) -> None:
    AccessPolicy.objects.create(organization=world.acme, requires_second_factor=True)


def suspended(world: World) -> None:
    Organization.objects.filter(pk=world.acme.pk).update(status="suspended")


def archived(world: World) -> None:
    Organization.objects.filter(pk=world.acme.pk).update(status="archived")


LOSSES = [removed, deactivated, held, suspended, archived]
# A page, a part of one, and what an open page fetches by itself.
ASKED: dict[str, dict[str, str]] = {
    "page": {},
    "part": {"HX-Request": "true"},
    "refresh": {"HX-Request": "true", "X-Live-Refresh": "1"},
}


@pytest.fixture
def still_here(filled: World, browser_of: ClientFactory) -> CanaryClient:
    """Alice's browser, which saw everything a moment ago."""
    client = browser_of(filled.people.alice, filled.acme)
    page = client.get("/calls/").content.decode()
    assert CANARIES["acme"] in page
    assert "live-ticket" in page
    return client


@pytest.mark.parametrize("headers", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("lose", LOSSES)
def test_who_lost_their_right_reads_nothing_at_any_url(
    filled: World, still_here: CanaryClient, lose: Callable[[World], None], headers: dict[str, str]
) -> None:
    """Pages, files, parts, and tickets of the live socket."""
    invitation = invitations.invite(
        filled.acme, email="dora@example.com", role=Role.VIEWER, invited_by=""
    )
    with platform():
        lose(filled)
    for path in paths(filled, ORGANIZATION_URLS, invitation, ANY):
        response = alone(still_here, "get", path, headers=headers)
        body = response.getvalue().decode()
        assert (path, CANARIES["acme"] in body, "live-ticket" in body) == (path, False, False)
        assert response.status_code < 500


@pytest.mark.parametrize("lose", LOSSES)
def test_who_lost_their_right_changes_nothing_at_any_url(
    filled: World, still_here: CanaryClient, lose: Callable[[World], None]
) -> None:
    invitation = invitations.invite(
        filled.acme, email="dora@example.com", role=Role.VIEWER, invited_by=""
    )
    with platform():
        lose(filled)
    # What a stranger may do, too, and the way to a factor for who is held.
    open_to_all: tuple[str, ...] = (
        "/sign-",
        "/forgotten/",
        "/reset/",
        "/email-change/",
        "/invitations/",
        "/enter/",
    )
    if lose is held:
        open_to_all += ("/account/", "/confirm/")
    for path in paths(filled, ORGANIZATION_URLS, invitation, POST):
        if not path.startswith(open_to_all):
            with CaptureQueriesContext(connection) as queries:
                status = alone(still_here, "post", path, TEMPTING).status_code
            assert (path, written(queries)) == (path, [])
            # The API takes no forms, and knows nobody without a key or token.
            refusals = (401, 404, 415) if path.startswith("/api/") else (302, 200, 403, 404)
            assert status in refusals, path


# Fields of every form there is.
TEMPTING = {
    "name": "Mine", "is_billable": "no", "reason": "because I can", "role": "org_admin",
    "email": "mine@example.com", "password": "seven unrelated words of mine",
    "again": "seven unrelated words of mine", "answer": PASSWORD, "code": "000000",
    "requires_second_factor": "", "viewers_see_personal_data": "on", "act_as_needs_consent": "",
    "time_zone": "UTC", "language": "en-gb", "credential": "{}",
}  # fmt: skip


# --- A form that was opened with more rights -----------------------------------------------------


def test_a_demoted_admins_open_forms_change_nothing(
    filled: World, browser_of: ClientFactory
) -> None:
    """They were shown before; the role counts when they are sent."""
    members.add_member(filled.acme, email="eve@example.com", role=Role.ADMIN, password=PASSWORD)
    alice = browser_of(filled.people.alice, filled.acme)
    for page in ("/settings/users/invite/", "/settings/access/", f"/agents/{ID}/"):
        assert alice.get(page).status_code == 200
    members.change_role(get_member(filled.acme, filled.people.alice.pk), role=Role.VIEWER)
    before = len(entries(filled.acme))
    bob = filled.people.bob.pk
    forms = ["/settings/users/invite/", "/settings/access/", f"/agents/{ID}/edit/",
             f"/settings/users/{bob}/role/", f"/settings/users/{bob}/remove/",
             f"/calls/{ID}/classify/", f"/deliveries/{ID}/replay/"]  # fmt: skip
    assert {alice.post(form, TEMPTING).status_code for form in forms} == {403}
    assert len(entries(filled.acme)) == before
    with organization_context(filled.acme):
        assert Agent.objects.get(pk=ID).name == CANARIES["acme"]


def test_who_was_an_operator_is_none_from_the_next_request(
    world: World, browser_of: ClientFactory
) -> None:
    sam = browser_of(world.people.sam)
    assert sam.get("/organizations/new/").status_code == 200
    with door():
        User.objects.filter(pk=world.people.sam.pk).update(is_super_admin=False)
    assert sam.get("/organizations/new/").status_code == 302
    assert browser_of(world.people.sam).get("/admin/").status_code == 302


# --- Acting inside -------------------------------------------------------------------------------

CREDENTIALS = (
    "accounts_user", "otp_totp_totpdevice", "accounts_recoverycode", "accounts_membership",
    "accounts_accesspolicy", "accounts_emailchange", "accounts_invitation",
    "django_otp_webauthn_webauthncredential",
)  # fmt: skip


def test_who_acts_inside_writes_nothing_at_any_url(
    filled: World, browser_of: ClientFactory
) -> None:
    """Least of all anybody's credentials; only the way out is open, and what is open to all."""
    invitation = invitations.invite(
        filled.acme, email="dora@example.com", role=Role.VIEWER, invited_by=""
    )
    inside = browser_of(filled.people.sam, filled.acme, acting_inside=filled.acme)
    way_out = ("/leave/", "/sign-", "/forgotten/")
    for path in paths(filled, ORGANIZATION_URLS, invitation, POST):
        with CaptureQueriesContext(connection) as queries:
            alone(inside, "post", path, TEMPTING)
        touched = [s for s in written(queries) if any(table in s for table in CREDENTIALS)]
        assert (path, touched) == (path, [])
        if not path.startswith(way_out):
            assert (path, written(queries)) == (path, [])


def test_the_link_in_works_once_and_not_for_a_thief(
    world: World, browser_of: ClientFactory
) -> None:
    sam = browser_of(world.people.sam)
    detail = f"/organizations/{world.acme.pk}/visit/"
    sam.post(detail, {"reason": "A caller asked why"})
    path = urlsplit(sam.get(f"{detail}enter/")["Location"]).path
    own = {"Sec-Fetch-Site": "same-site"}
    thief = CanaryClient(world.acme.host)
    assert (
        SESSION_KEY not in thief.get(path, headers={"Sec-Fetch-Site": "cross-site"}).client.session
    )
    assert CanaryClient(world.acme.host).get(path, headers=own).status_code == 302
    assert thief.get(path, headers=own).status_code == 404
    assert thief.post(path).status_code == 404


# --- A session that was planted ------------------------------------------------------------------


@pytest.fixture
def planted(world: World) -> CanaryClient:
    """The victim's browser with a session whose key the attacker knows."""
    client = CanaryClient(world.acme.host)
    session = SessionStore()
    session["next"] = "/calls/"
    session.save()
    client.cookies[live_settings.SESSION_COOKIE_NAME] = str(session.session_key)
    return client


def by_password(world: World, client: CanaryClient) -> None:
    client.post("/sign-in/", {"email": "alice@example.com", "password": PASSWORD})


def by_code(world: World, client: CanaryClient) -> None:
    with door():
        device = TOTPDevice.objects.create(user=world.people.alice, name="Phone", confirmed=True)
    by_password(world, client)
    client.post("/sign-in/code/", {"code": f"{totp(device.bin_key):06d}"})


def by_invitation(world: World, client: CanaryClient) -> None:
    link = invitations.invite(
        world.acme, email="dora@example.com", role=Role.VIEWER, invited_by=""
    ).link
    client.post(urlsplit(link).path, {"name": "Dora", "password": PASSWORD})


@pytest.mark.parametrize("come_in", [by_password, by_code, by_invitation])
def test_a_planted_session_is_not_the_one_that_is_signed_in(
    world: World, planted: CanaryClient, come_in: Callable[[World, CanaryClient], None]
) -> None:
    known = planted.cookies[live_settings.SESSION_COOKIE_NAME].value
    come_in(world, planted)
    assert SESSION_KEY in planted.session
    assert planted.session.session_key != known
    attacker = CanaryClient(world.acme.host)
    attacker.cookies[live_settings.SESSION_COOKIE_NAME] = known
    assert attacker.get("/").status_code == 302
    assert SessionStore(known).load() == {}


def test_the_session_between_password_and_code_is_another_one(
    world: World, planted: CanaryClient
) -> None:
    """Or the attacker would give the code they watched being typed."""
    known = planted.cookies[live_settings.SESSION_COOKIE_NAME].value
    with door():
        TOTPDevice.objects.create(user=world.people.alice, name="Phone", confirmed=True)
    by_password(world, planted)
    assert planted.session.session_key != known
    attacker = CanaryClient(world.acme.host)
    attacker.cookies[live_settings.SESSION_COOKIE_NAME] = known
    assert attacker.get("/sign-in/code/")["Location"] == "/sign-in/"


# --- Locked out ----------------------------------------------------------------------------------


def test_the_last_super_admin_is_not_shut_out(world: World) -> None:
    with pytest.raises(AccountError, match="the last super admin"):
        shut_out(world.people.sam, by=world.people.alice)


@pytest.fixture
def two_operators(committed: World) -> Iterator[list[User]]:
    """Sam and Uma; put back afterwards."""
    uma = super_admins.create_super_admin(email="uma@example.com", name="Uma").user
    yield [committed.people.sam, uma]
    with platform():
        User.objects.filter(pk=committed.people.sam.pk).update(is_active=True)
        uma.delete()


def test_two_super_admins_who_shut_each_other_out_leave_one(two_operators: list[User]) -> None:
    def attempt(number: int) -> bool:
        try:
            shut_out(two_operators[number], by=two_operators[1 - number])
        except AccountError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(attempt, range(2))) == 1


def test_who_is_shut_out_holds_no_way_back(world: World, browser_of: ClientFactory) -> None:
    """Neither a link to another host nor one that sets a password."""
    with door():
        Membership.objects.create(
            user=world.people.alice, organization=world.globex, role=Role.VIEWER
        )
    alice = browser_of(world.people.alice, world.acme)
    link = urlsplit(alice.get(f"/switch/{world.globex.pk}/")["Location"]).path
    activation.shut_out(world.people.alice, by=world.people.sam)
    there = CanaryClient(world.globex.host)
    assert there.get(link, headers={"Sec-Fetch-Site": "same-site"}).status_code == 404
    activation.let_in(world.people.alice)
    assert there.get(link, headers={"Sec-Fetch-Site": "same-site"}).status_code == 404
    assert alice.get("/").status_code == 302
