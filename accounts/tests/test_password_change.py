"""A new password for who is signed in."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.db import connection
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import Session, User
from audit.models import Entry
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World

NEW = "kettle moon river saddle"
PAGE = "/account/password/"


def change(client: CanaryClient, password: str = NEW) -> Any:
    return client.post(PAGE, {"password": password, "again": password})


def test_it_is_changed_and_one_stays_signed_in(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.alice, world.acme)
    assert change(client)["Location"] == PAGE
    assert client.get("/").status_code == 200
    with door():
        alice = User.objects.get(pk=world.people.alice.pk)
    assert alice.check_password(NEW)
    assert alice.password_changed_at is not None


def test_an_operator_changes_theirs(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.sam)
    assert change(client)["Location"] == PAGE
    assert client.get("/").status_code == 200


def test_other_sessions_end_and_this_one_gets_another_key(
    world: World, browser_of: ClientFactory
) -> None:
    here, there = (browser_of(world.people.alice, world.acme) for _ in range(2))
    before = here.session.session_key
    change(here)
    assert here.session.session_key != before
    assert there.get("/").status_code == 302
    with door():
        keys = set(Session.objects.values_list("session_key", flat=True))
    assert keys == {here.session.session_key}


def test_it_asks_who_it_is_first(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.alice, world.acme, confirmed=False)
    assert client.get(PAGE)["Location"] == f"/confirm/?next={PAGE}"
    change(client)
    with door():
        assert User.objects.get(pk=world.people.alice.pk).check_password(PASSWORD)


def test_a_guessable_one_is_refused(world: World, browser_of: ClientFactory) -> None:
    response = change(browser_of(world.people.alice, world.acme), "passwordpassword")
    assert "Choose a few words" in response.content.decode()


def test_the_page_tells_the_length_that_holds_for_this_person(
    world: World, browser_of: ClientFactory
) -> None:
    client = browser_of(world.people.bob, world.acme)
    assert "At least 15 characters" in client.get(PAGE).content.decode()
    with door():
        TOTPDevice.objects.create(user=world.people.bob, confirmed=True)
    assert "At least 8 characters" in client.get(PAGE).content.decode()


def test_it_is_written_down_and_told_by_mail(world: World, browser_of: ClientFactory) -> None:
    change(browser_of(world.people.alice, world.acme))
    with door():
        entry = Entry.objects.get(code="accounts.password_changed")
    assert (entry.actor_id, entry.organization_id) == (world.people.alice.pk, world.acme.pk)
    assert NEW not in str(vars(entry))
    with platform(), connection.cursor() as cursor:
        cursor.execute("SELECT task_name, args ->> 'what' FROM procrastinate_jobs")
        assert cursor.fetchall() == [("accounts.send_security_notice", "password_changed")]


def test_who_acts_inside_changes_no_password(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.sam, world.acme, acting_inside=world.acme)
    assert change(client).status_code == 403


@pytest.mark.parametrize("password", ["%00" * 20, "%ED%A0%80" * 20, "a" * 3_000_000])
def test_odd_passwords_are_refused_without_a_fuss(
    world: World, browser_of: ClientFactory, password: str
) -> None:
    client = browser_of(world.people.alice, world.acme)
    form = "application/x-www-form-urlencoded"
    response = client.post(PAGE, f"password={password}&again={password}", content_type=form)
    assert response.status_code in (200, 400, 413)
    assert SESSION_KEY in client.session


def test_the_records_of_the_operator_have_no_page_of_their_own_for_it(
    world: World, browser_of: ClientFactory
) -> None:
    response = browser_of(world.people.sam).get("/admin/password_change/")
    assert (response.status_code, response["Location"]) == (302, PAGE)
