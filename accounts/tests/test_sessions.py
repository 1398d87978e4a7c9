"""Sessions: listed, ended, idle, too old; and browsers that were here before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as project_settings
from django.utils import timezone

from accounts import tasks
from accounts.models import Handover, KnownDevice, Membership, Session, User
from accounts.sessions import SessionStore, session_id
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)


def sign_in(world: World, client: CanaryClient | None = None, agent: str = CHROME) -> CanaryClient:
    client = client or CanaryClient(world.acme.host)
    client.post(
        "/sign-in/",
        {"email": "alice@example.com", "password": PASSWORD},
        headers={"User-Agent": agent},
    )
    return client


def row_of(client: CanaryClient) -> Session:
    with door():
        return Session.objects.get(session_key=client.session.session_key)


def jobs(name: str) -> list[dict[str, Any]]:
    from procrastinate.contrib.django.models import ProcrastinateJob

    with platform():
        return list(ProcrastinateJob.objects.filter(task_name=name).values_list("args", flat=True))


def age(client: CanaryClient, **fields: timedelta) -> None:
    now = timezone.now()
    with door():
        Session.objects.filter(pk=row_of(client).pk).update(
            **{name: now - back for name, back in fields.items()}
        )


def test_a_session_says_whose_it_is_and_where(world: World) -> None:
    row = row_of(sign_in(world))
    assert (row.user, row.organization) == (world.people.alice, world.acme)
    assert (row.device, row.address, row.limits) == ("Chrome on Windows", "127.0.0.1", "member")


def test_the_page_lists_sessions_and_marks_this_one(world: World) -> None:
    first, _ = sign_in(world), sign_in(world)
    page = first.get("/account/sessions/").content.decode()
    assert page.count("Chrome on Windows") == 2
    assert page.count("This one") == 1


def test_the_page_gives_no_session_key_away(world: World) -> None:
    client = sign_in(world)
    assert str(client.session.session_key) not in client.get("/account/sessions/").content.decode()


def test_ending_one_session_leaves_the_others(world: World) -> None:
    mine, stolen = sign_in(world), sign_in(world)
    mine.post(f"/account/sessions/{row_of(stolen).id}/end/")
    assert stolen.get("/").status_code == 302
    assert mine.get("/").status_code == 200


def test_ending_all_others_leaves_this_one(world: World) -> None:
    mine, one, two = sign_in(world), sign_in(world), sign_in(world)
    mine.post("/account/sessions/end/")
    assert [client.get("/").status_code for client in (mine, one, two)] == [200, 302, 302]


def test_nobody_ends_somebody_elses_session(world: World, browser_of: ClientFactory) -> None:
    alices = sign_in(world)
    bob = browser_of(world.people.bob, world.acme)
    theirs = bob.post(f"/account/sessions/{row_of(alices).id}/end/")
    nobodys = bob.post(f"/account/sessions/{uuid4()}/end/")
    assert theirs.status_code == nobodys.status_code == 404
    assert alices.get("/").status_code == 200


@pytest.mark.parametrize(("hours", "status"), [(11.9, 200), (12.1, 302)])
def test_a_member_may_be_idle_for_twelve_hours(world: World, hours: float, status: int) -> None:
    client = sign_in(world)
    age(client, last_seen_at=timedelta(hours=hours))
    assert client.get("/").status_code == status


@pytest.mark.parametrize(("days", "status"), [(13.9, 200), (14.1, 302)])
def test_a_members_session_lasts_two_weeks(world: World, days: float, status: int) -> None:
    """Also when somebody was here all the time. Its data keeps the time of signing in."""
    client = sign_in(world)
    age(client, signed_in_at=timedelta(days=days))
    assert client.get("/").status_code == status


@pytest.mark.parametrize(("minutes", "status"), [(29, 200), (31, 302)])
def test_an_operator_may_be_idle_for_half_an_hour(
    world: World, browser_of: ClientFactory, minutes: int, status: int
) -> None:
    client = browser_of(world.people.sam)
    age(client, last_seen_at=timedelta(minutes=minutes))
    assert client.get("/").status_code == status


@pytest.mark.parametrize(("hours", "status"), [(11.9, 200), (12.1, 302)])
def test_an_operators_session_lasts_twelve_hours(
    world: World, browser_of: ClientFactory, hours: float, status: int
) -> None:
    client = browser_of(world.people.sam)
    age(client, signed_in_at=timedelta(hours=hours))
    assert client.get("/").status_code == status


def test_a_request_keeps_a_session_alive(world: World) -> None:
    client = sign_in(world)
    age(client, last_seen_at=timedelta(hours=11))
    client.get("/")
    assert timezone.now() - row_of(client).last_seen_at < timedelta(minutes=1)  # type: ignore[operator]


def test_what_an_open_page_fetches_keeps_no_session_alive(world: World) -> None:
    client = sign_in(world)
    age(client, last_seen_at=timedelta(hours=11))
    client.get("/", headers={"X-Live-Refresh": "1"})
    assert timezone.now() - row_of(client).last_seen_at > timedelta(hours=10)  # type: ignore[operator]


def test_who_is_here_is_noted_once_a_minute(world: World) -> None:
    client = sign_in(world)
    client.get("/")
    before = row_of(client).last_seen_at
    client.get("/")
    assert row_of(client).last_seen_at == before


def test_a_membership_knows_when_somebody_was_here(world: World) -> None:
    client = sign_in(world)
    age(client, last_seen_at=timedelta(hours=1))
    client.get("/")
    with door():
        membership = Membership.objects.get(user=world.people.alice, organization=world.acme)
    assert membership.last_seen_at is not None


def test_signing_in_counts_as_being_here(world: World) -> None:
    sign_in(world)
    with door():
        membership = Membership.objects.get(user=world.people.alice, organization=world.acme)
    assert membership.last_seen_at is not None


def test_sessions_that_ended_are_cleared_away(world: World) -> None:
    client = sign_in(world)
    age(client, last_seen_at=timedelta(hours=13))
    SessionStore.clear_expired()
    with door():
        assert not Session.objects.filter(user=world.people.alice).exists()


def test_the_key_changes_when_somebody_signs_in(world: World) -> None:
    """Session fixation: a key planted before signing in opens nothing after it."""
    client = CanaryClient(world.acme.host)
    client.post("/sign-in/", {"email": "alice@example.com", "password": "wrong"})
    with door():
        planted = SessionStore()
        planted.create()
    client.cookies[project_settings.SESSION_COOKIE_NAME] = str(planted.session_key)
    sign_in(world, client)
    assert client.session.session_key != planted.session_key
    thief = CanaryClient(world.acme.host)
    thief.cookies[project_settings.SESSION_COOKIE_NAME] = planted.session_key or ""
    assert thief.get("/").status_code == 302


def test_the_first_browser_of_all_is_no_news(world: World) -> None:
    sign_in(world)
    assert jobs("accounts.send_security_notice") == []


def test_a_second_browser_is_told_by_mail(world: World, mailoutbox: list[Any]) -> None:
    sign_in(world)
    sign_in(world)
    (arguments,) = jobs("accounts.send_security_notice")
    tasks.send_security_notice(**arguments)
    assert mailoutbox[0].to == ["alice@example.com"]
    assert "Chrome on Windows" in mailoutbox[0].body


def test_a_browser_that_was_here_before_is_no_news(world: World) -> None:
    client = sign_in(world)
    sign_in(world)
    client.post("/sign-out/")
    sign_in(world, client)
    assert len(jobs("accounts.send_security_notice")) == 1


def test_the_cookie_of_a_browser_is_kept_as_a_hash(world: World) -> None:
    token = sign_in(world).cookies[project_settings.DEVICE_COOKIE_NAME].value
    with door():
        kept = bytes(KnownDevice.objects.get(user=world.people.alice).token_sha256)
    assert token.encode() not in kept


@pytest.mark.parametrize("agent", ["", "\x00", "x" * 9000, "Mozilla/5.0 (" * 500])
def test_any_browser_has_a_name(world: World, agent: str) -> None:
    assert row_of(sign_in(world, None, agent)).device


def test_the_id_in_links_comes_from_the_key_and_hides_it() -> None:
    key = "a" * 32
    assert session_id(key) == session_id(key) != session_id("b" * 32)
    assert key not in str(session_id(key))


def test_a_deactivated_person_is_out_at_once(world: World) -> None:
    client = sign_in(world)
    with door():
        User.objects.filter(pk=world.people.alice.pk).update(is_active=False)
    assert client.get("/").status_code == 302


def test_links_and_browsers_of_long_ago_are_cleared_away(world: World) -> None:
    user, now = world.people.alice, timezone.now()
    with door():
        for days in (0, 2):
            Handover.objects.create(
                user=user, token_sha256=bytes([days]), expires_at=now - timedelta(days=days)
            )
        for days in (399, 401):
            KnownDevice.objects.create(
                user=user, token_sha256=b"%d" % days, last_used_at=now - timedelta(days=days)
            )
    tasks.clear_expired_sessions(0)
    with door():
        assert Handover.objects.count() == 1
        assert KnownDevice.objects.count() == 1
