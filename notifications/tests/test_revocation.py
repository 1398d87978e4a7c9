"""What is over closes the sockets it stands for, at once: over real servers, with real commits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import websocket
from django.db import transaction
from django.utils import timezone

from accounts.actions import access_policy, acting, activation, members
from accounts.actions import sessions as session_actions
from accounts.models import (
    AccessPolicy,
    ActingInside,
    Handover,
    Membership,
    Role,
    Session,
    User,
)
from accounts.sessions import session_id
from notifications import signals
from notifications.consumers import CLOSE_REVOKED
from notifications.tickets import Holder, issue
from operations import organizations
from tenants.models import OrganizationStatus
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, World
from testing.live import LiveSocket, open_page, ticket_of
from testing.servers import Servers

NEW_PASSWORD = "kettle moon river saddle"


@dataclass
class Erin:
    """A viewer of Acme with a page open in one browser, and another browser beside it."""

    world: World
    servers: Servers
    membership: Membership
    here: CanaryClient
    there: CanaryClient

    @property
    def user(self) -> User:
        return self.membership.user


def browser(world: World, user: User) -> CanaryClient:
    client = CanaryClient(world.acme.host)
    client.post("/sign-in/", {"email": user.email, "password": PASSWORD})
    return client


@pytest.fixture
def erin(committed: World, servers: Servers) -> Iterator[Erin]:
    acme = committed.acme
    user = members.add_member(
        acme, email="erin@example.com", role=Role.VIEWER, password=PASSWORD, name="Erin"
    )
    with door():
        membership = Membership.objects.select_related("user", "organization").get(user=user)
    browsers = [browser(committed, user) for _ in range(2)]
    yield Erin(committed, servers, membership, *browsers)
    with platform():
        type(acme).objects.filter(pk=acme.pk).update(status=OrganizationStatus.ACTIVE)
    acme.refresh_from_db()
    with platform():
        AccessPolicy.objects.filter(organization=acme).delete()
        Handover.objects.filter(user=user).delete()
        User.objects.filter(pk=user.pk).delete()
        Session.objects.all().delete()


def change_role(erin: Erin) -> None:
    members.change_role(erin.membership, role=Role.ADMIN)


def sign_out(erin: Erin) -> None:
    erin.here.post("/sign-out/")


def end_this_session(erin: Erin) -> None:
    key = session_id(erin.here.session.session_key or "")
    session_actions.end_session(erin.user, key)


def end_other_sessions(erin: Erin) -> None:
    erin.there.post("/account/sessions/end/")


def change_password(erin: Erin) -> None:
    erin.there.post("/account/password/", {"password": NEW_PASSWORD, "again": NEW_PASSWORD})


def remove(erin: Erin) -> None:
    members.remove_member(erin.membership)


def leave(erin: Erin) -> None:
    members.leave(erin.membership)


def shut_out(erin: Erin) -> None:
    activation.shut_out(erin.user, by=erin.world.people.sam)


def require_second_factor(erin: Erin) -> None:
    wanted = AccessPolicy(organization=erin.world.acme, requires_second_factor=True)
    try:
        access_policy.save_policy(erin.world.acme, wanted)
    except access_policy.WouldBeHeld as held:
        access_policy.save_policy(erin.world.acme, wanted, listed=held.listed)


def suspend(erin: Erin) -> None:
    organizations.suspend(erin.world.acme, reason="A test")


ENDINGS = [
    change_role,
    sign_out,
    end_this_session,
    end_other_sessions,
    change_password,
    remove,
    leave,
    shut_out,
    require_second_factor,
    suspend,
]


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_open_socket_is_closed_within_a_second(
    erin: Erin, ending: Callable[[Erin], None]
) -> None:
    socket = open_page(erin.here, erin.servers)
    ending(erin)
    assert socket.hear(1) == CLOSE_REVOKED


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_ticket_from_before_opens_nothing_afterwards(
    erin: Erin, ending: Callable[[Erin], None]
) -> None:
    page = erin.here.get("/account/profile/").content.decode()
    ticket = page.partition('name="live-ticket" content="')[2].partition('"')[0]
    ending(erin)
    with pytest.raises(websocket.WebSocketBadStatusException):
        LiveSocket(erin.servers, ticket)


@pytest.mark.parametrize("ending", [e for e in ENDINGS if e is not change_role])
def test_no_new_ticket_is_issued_afterwards(erin: Erin, ending: Callable[[Erin], None]) -> None:
    ending(erin)
    assert erin.here.get("/live-ticket/").status_code in (302, 404)


def test_after_a_change_of_role_the_page_comes_back(erin: Erin) -> None:
    change_role(erin)
    socket = LiveSocket(erin.servers, erin.here.get("/live-ticket/")["Live-Ticket"])
    socket.settle()
    signals.changed(erin.world.acme.pk, "calls")
    assert socket.hear() == {"topics": ["calls"]}
    socket.close()


@pytest.mark.parametrize("ending", [change_role, sign_out, remove])
def test_the_sockets_of_others_stay_open(erin: Erin, ending: Callable[[Erin], None]) -> None:
    others = LiveSocket(erin.servers, ticket_of(erin.world.acme.pk))
    others.settle()
    ending(erin)
    assert others.hear(1) is None
    others.close()


def test_the_browser_that_ends_the_others_stays(erin: Erin) -> None:
    socket = open_page(erin.there, erin.servers)
    end_other_sessions(erin)
    assert socket.hear(1) is None
    socket.close()


def test_an_operators_socket_is_closed_when_the_visit_ends(erin: Erin) -> None:
    sam, now = erin.world.people.sam, timezone.now()
    with door():
        visit = ActingInside.objects.create(
            organization=erin.world.acme, user=sam, user_label="Sam", reason="A caller asked",
            consented_at=now, started_at=now, ends_at=now + timedelta(minutes=30),
        )  # fmt: skip
    socket = LiveSocket(erin.servers, _ticket_of_visit(erin, sam))
    socket.settle()
    acting.end(visit)
    assert socket.hear(1) == CLOSE_REVOKED


def _ticket_of_visit(erin: Erin, sam: User) -> str:
    return issue(Holder(str(erin.world.acme.pk), str(sam.pk), "visit", "acme.localhost"))


def test_a_change_that_is_rolled_back_closes_nothing(erin: Erin) -> None:
    socket = open_page(erin.here, erin.servers)
    with door(), transaction.atomic():
        session_actions.end_sessions(erin.user)
        transaction.set_rollback(True)
    assert socket.hear(1) is None
    socket.close()


def test_without_the_cache_nothing_waits_long(erin: Erin, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise ConnectionError("the cache is away")

    monkeypatch.setattr("notifications.memory.note_revocation", refuse)
    started = time.monotonic()
    change_role(erin)
    assert time.monotonic() - started < 2
