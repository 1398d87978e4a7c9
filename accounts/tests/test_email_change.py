"""Another address for one's account: both confirm, until then nothing changes."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.core.signing import TimestampSigner
from django.db import connection
from django.utils import timezone

from accounts import links, tasks
from accounts.links import Side
from accounts.models import EmailChange, Session, User
from audit.models import Entry
from tenants.models import Organization
from tenants.scope import door, platform
from testing.fixtures import CanaryClient, ClientFactory, World

PAGE = "/account/email/"
NEW = "alice.new@example.com"
JOBS = {
    task.name: task
    for task in (tasks.send_email_change, tasks.tell_former_address, tasks.send_password_reset)
}


def run_jobs() -> list[mail.EmailMessage]:
    """What the waiting jobs mail; they are done then."""
    with platform(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs RETURNING id, task_name, args")
        rows = sorted(cursor.fetchall())
    for _, name, arguments in rows:
        JOBS[name](**json.loads(arguments))
    found, mail.outbox[:] = list(mail.outbox), []
    return found


def ask(client: CanaryClient, email: str = NEW) -> Any:
    return client.post(PAGE, {"email": email})


def change() -> EmailChange:
    with door():
        return EmailChange.objects.get()


def path_for(side: Side, organization: Organization | None) -> str:
    return urlsplit(links.email_change_link(change().pk, side, organization)).path


def click(host: str, path: str, button: str = "confirm") -> str:
    """Open a link, press the button, and read the answer."""
    client = CanaryClient(host)
    opened = client.get(path, follow=True)
    if opened.status_code != 200:
        return str(opened.status_code)
    return str(client.post(opened.redirect_chain[-1][0], {button: "1"}).content.decode())


def address(world: World) -> str:
    with door():
        return User.objects.get(pk=world.people.alice.pk).email


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


@pytest.fixture
def asked(world: World, alice: CanaryClient) -> CanaryClient:
    ask(alice)
    return alice


# --- Both addresses ------------------------------------------------------------------------------


def test_each_address_gets_a_link_of_its_own(world: World, asked: CanaryClient) -> None:
    messages = run_jobs()
    assert [message.to for message in messages] == [["alice@example.com"], [NEW]]
    found = [re.findall(r"/email-change/(\S+)/", str(message.body))[0] for message in messages]
    assert found[0] != found[1]
    assert all(f"{world.acme.base_url}/email-change/" in str(m.body) for m in messages)


@pytest.mark.parametrize("order", [(Side.OLD, Side.NEW), (Side.NEW, Side.OLD)])
def test_it_changes_when_both_have_confirmed(
    world: World, asked: CanaryClient, order: tuple[Side, Side]
) -> None:
    paths = [path_for(side, world.acme) for side in order]
    assert "other address has to confirm" in click(world.acme.host, paths[0])
    assert address(world) == "alice@example.com"
    assert "was changed" in click(world.acme.host, paths[1])
    assert address(world) == NEW


def test_one_address_twice_is_not_both(world: World, asked: CanaryClient) -> None:
    path = path_for(Side.NEW, world.acme)
    for _ in range(2):
        assert "other address has to confirm" in click(world.acme.host, path)
    assert address(world) == "alice@example.com"


def test_opening_a_link_confirms_nothing(world: World, asked: CanaryClient) -> None:
    for side in Side:
        for method in ("head", "get"):
            getattr(CanaryClient(world.acme.host), method)(path_for(side, world.acme), follow=True)
    assert (change().old_confirmed_at, change().new_confirmed_at) == (None, None)


def test_the_token_does_not_stay_in_the_address(world: World, asked: CanaryClient) -> None:
    response = CanaryClient(world.acme.host).get(path_for(Side.OLD, world.acme))
    assert response["Location"] == "/email-change/confirm/"


def test_other_sessions_end_and_the_old_address_is_told(
    world: World, asked: CanaryClient, browser_of: ClientFactory
) -> None:
    elsewhere = browser_of(world.people.alice, world.acme)
    run_jobs()
    for side in Side:
        last = click(world.acme.host, path_for(side, world.acme))
    assert "was changed" in last
    assert elsewhere.get("/").status_code == 302
    (message,) = run_jobs()
    assert message.to == ["alice@example.com"]
    assert NEW in str(message.body)


def test_who_confirms_while_signed_in_stays_so(world: World, asked: CanaryClient) -> None:
    click(world.acme.host, path_for(Side.NEW, world.acme))
    asked.get(path_for(Side.OLD, world.acme))
    asked.post("/email-change/confirm/", {"confirm": "1"})
    assert address(world) == NEW
    assert asked.get("/").status_code == 200
    with door():
        assert Session.objects.filter(user=world.people.alice).count() == 1


def test_it_is_written_down(world: World, asked: CanaryClient) -> None:
    for side in Side:
        click(world.acme.host, path_for(side, world.acme))
    with door():
        entries = list(Entry.objects.filter(code__startswith="accounts.email").order_by("sequence"))
    assert [entry.code for entry in entries] == [
        "accounts.email_change_asked",
        "accounts.email_changed",
    ]
    assert {entry.actor_id for entry in entries} == {world.people.alice.pk}
    assert entries[1].changes == {"email": ["alice@example.com", NEW]}


def test_a_link_to_set_a_password_ends_with_the_change(world: World, asked: CanaryClient) -> None:
    with door():
        user = User.objects.get(pk=world.people.alice.pk)
    path = urlsplit(links.reset_link(user, world.acme)).path
    for side in Side:
        click(world.acme.host, path_for(side, world.acme))
    assert CanaryClient(world.acme.host).get(path).status_code == 404


def test_an_operator_changes_theirs_on_the_operator_host(
    world: World, browser_of: ClientFactory
) -> None:
    ask(browser_of(world.people.sam), "sam.new@example.com")
    for side in Side:
        last = click("localhost:8000", path_for(side, None))
    assert "was changed" in last
    with door():
        assert User.objects.get(pk=world.people.sam.pk).email == "sam.new@example.com"


# --- An address somebody has ---------------------------------------------------------------------


def test_a_taken_address_gets_the_same_page(
    world: World, browser_of: ClientFactory, alice: CanaryClient
) -> None:
    pages = set()
    for email in ("charlie@example.com", "nobody.at@example.com"):
        assert ask(alice, email)["Location"] == PAGE
        page = alice.get(PAGE).content.decode().replace(email, "-")
        assert "has not confirmed" in page
        # What no two pages share: times, and the tokens of the form and of live updates.
        pages.add(
            re.sub(
                r'<time.*?</time>|<input type="hidden"[^>]*>|<meta[^>]*>|\b[0-9a-f]{32}\b', "", page
            )
        )
    assert len(pages) == 1


def test_its_owner_is_told_and_gets_no_link(world: World, alice: CanaryClient) -> None:
    ask(alice, "charlie@example.com")
    to_alice, to_charlie = run_jobs()
    assert (to_alice.to, to_charlie.to) == (["alice@example.com"], ["charlie@example.com"])
    body = str(to_charlie.message())
    assert "/email-change/" not in body
    assert "alice" not in body


def test_an_address_that_was_taken_meanwhile_is_not_given_twice(
    world: World, asked: CanaryClient
) -> None:
    click(world.acme.host, path_for(Side.OLD, world.acme))
    path = path_for(Side.NEW, world.acme)
    with door():
        User.objects.create_user(NEW)
    assert "another account" in click(world.acme.host, path)
    assert address(world) == "alice@example.com"


# --- Stopping ------------------------------------------------------------------------------------


def test_it_is_stopped_on_the_page(world: World, asked: CanaryClient) -> None:
    path = path_for(Side.NEW, world.acme)
    assert "Stop this change" in asked.get(PAGE).content.decode()
    asked.post("/account/email/stop/")
    assert click(world.acme.host, path) == "404"
    with door():
        assert Entry.objects.filter(code="accounts.email_change_stopped").count() == 1


def test_it_is_stopped_by_the_mail_to_the_old_address(world: World, asked: CanaryClient) -> None:
    paths = [path_for(side, world.acme) for side in Side]
    assert "Stopped" in click(world.acme.host, paths[0], "stop")
    assert [click(world.acme.host, path) for path in paths] == ["404", "404"]


def test_a_new_password_stops_it(world: World, asked: CanaryClient) -> None:
    password = "kettle moon river saddle"
    asked.post("/account/password/", {"password": password, "again": password})
    with door():
        assert not EmailChange.objects.exists()


def test_a_second_change_ends_the_first(world: World, asked: CanaryClient) -> None:
    path = path_for(Side.NEW, world.acme)
    ask(asked, "alice.other@example.com")
    assert click(world.acme.host, path) == "404"
    assert change().new_email == "alice.other@example.com"


# --- Links ---------------------------------------------------------------------------------------


def test_a_link_works_for_a_day(world: World, asked: CanaryClient) -> None:
    path = path_for(Side.NEW, world.acme)
    with door():
        EmailChange.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert click(world.acme.host, path) == "404"


def test_a_links_own_age_counts_too(
    world: World, asked: CanaryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "timestamp", lambda self: "1rZZZZ")
        path = path_for(Side.NEW, world.acme)
    assert click(world.acme.host, path) == "404"


@pytest.mark.parametrize("host", ["globex.localhost:8000", "localhost:8000"])
def test_a_link_works_on_its_own_host_only(world: World, asked: CanaryClient, host: str) -> None:
    assert click(host, path_for(Side.NEW, world.acme)) == "404"


@pytest.mark.parametrize("token", ["x", "%00", "é", "%ED%A0%80", "a:b:c", "a" * 3000, "confirm"])
def test_a_made_up_link_does_not_exist(world: World, token: str) -> None:
    client = CanaryClient(world.acme.host)
    path = f"/email-change/{token}/"
    assert client.get(path, follow=True).status_code in (400, 404)
    assert client.post(path, {"confirm": "1"}, follow=True).status_code in (400, 404)


def test_one_side_is_not_turned_into_the_other(world: World, asked: CanaryClient) -> None:
    path = path_for(Side.OLD, world.acme)
    content, rest = path.split("/")[2].split(":", 1)
    other = path_for(Side.NEW, world.acme).split("/")[2].split(":", 1)[0]
    assert content != other
    assert click(world.acme.host, f"/email-change/{other}:{rest}/") == "404"


# --- Asking --------------------------------------------------------------------------------------


def test_it_asks_who_it_is_first(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.alice, world.acme, confirmed=False)
    assert ask(client)["Location"].startswith("/confirm/")
    with door():
        assert not EmailChange.objects.exists()


@pytest.mark.parametrize("email", ["", "nonsense", "ALICE@example.com", "a\x00@b.example", "é@é"])
def test_what_is_no_other_address_is_refused(alice: CanaryClient, email: str) -> None:
    assert ask(alice, email).status_code == 200
    with door():
        assert not EmailChange.objects.exists()


def test_nobody_has_mail_sent_all_day(alice: CanaryClient) -> None:
    found = [ask(alice, f"alice{number}@example.com").status_code for number in range(6)]
    assert found == [302] * 5 + [429]


def test_no_address_stands_in_the_queue(world: World, asked: CanaryClient) -> None:
    for side in Side:
        click(world.acme.host, path_for(side, world.acme))
    with platform(), connection.cursor() as cursor:
        cursor.execute("SELECT args::text FROM procrastinate_jobs")
        found = [arguments for (arguments,) in cursor.fetchall()]
    assert len(found) == 3
    assert not [arguments for arguments in found if "@" in arguments]


def test_a_made_up_host_is_in_no_mail(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.alice, world.acme)
    client.defaults |= {"HTTP_HOST": "acme.localhost:666", "HTTP_X_FORWARDED_HOST": "evil.example"}
    ask(client)
    for message in run_jobs():
        assert not re.search(r"evil|:666", str(message.message()))
