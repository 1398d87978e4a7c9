"""Invitations: one address, one organization, one time, seven days."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import SESSION_KEY
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import tasks
from accounts.actions import invitations as actions
from accounts.actions import members
from accounts.exceptions import AccountError
from accounts.models import Invitation, Membership, Role, User
from config.logs import JsonFormatter, LineFormatter
from tenants.models import Organization
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World

EMAIL = "dora@example.com"


def invite(organization: Organization, email: str = EMAIL, role: Role = Role.VIEWER) -> str:
    """The path of a new invitation."""
    invitation = actions.invite(
        organization, email=email, role=role, invited_by="alice@example.com"
    )
    assert urlsplit(invitation.link).netloc == organization.host
    return urlsplit(invitation.link).path


def accept(host: str, path: str, password: str = PASSWORD, name: str = "Dora") -> Any:
    return CanaryClient(host).post(path, {"name": name, "password": password})


def roles(email: str) -> list[tuple[str, str]]:
    with door():
        found = Membership.objects.filter(user__email=email)
        return list(found.values_list("organization__slug", "role"))


def test_accepting_makes_a_member_and_signs_in(world: World) -> None:
    response = accept(world.acme.host, invite(world.acme))
    assert response.status_code == 302
    assert SESSION_KEY in response.client.session
    assert roles(EMAIL) == [("acme", "org_viewer")]


def test_an_invitation_works_once(world: World) -> None:
    path = invite(world.acme)
    accept(world.acme.host, path)
    assert accept(world.acme.host, path).status_code == 404


def test_an_invitation_is_for_its_host_only(world: World) -> None:
    path = invite(world.acme)
    for host in (world.globex.host, "localhost:8000"):
        assert CanaryClient(host).get(path).status_code == 404
        assert accept(host, path).status_code == 404
    assert roles(EMAIL) == []


def test_an_expired_invitation_does_not_exist(world: World) -> None:
    path = invite(world.acme)
    with door():
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert CanaryClient(world.acme.host).get(path).status_code == 404
    assert accept(world.acme.host, path).status_code == 404


@pytest.mark.parametrize("token", ["x", "a" * 32, "%01", "..%2F", "é"])
def test_a_made_up_invitation_does_not_exist(world: World, token: str) -> None:
    assert CanaryClient(world.acme.host).get(f"/invitations/{token}/").status_code == 404


def test_the_link_is_not_stored(world: World) -> None:
    token = invite(world.acme).split("/")[-2]
    with door():
        stored = str(Invitation.objects.values().get())
    assert token not in stored


@pytest.mark.parametrize("password", ["", "short", "fourteen chars", "dora@example.com"])
def test_a_weak_password_is_refused(world: World, password: str) -> None:
    response = accept(world.acme.host, invite(world.acme), password)
    assert response.status_code == 200
    assert roles(EMAIL) == []


def test_someone_with_an_account_proves_it_by_its_password(world: World) -> None:
    path = invite(world.acme, "charlie@example.com")
    assert accept(world.acme.host, path, "a wrong password entirely").status_code == 200
    assert roles("charlie@example.com") == [("globex", "org_admin")]


def test_someone_with_an_account_joins_as_who_they_are(world: World) -> None:
    accept(world.acme.host, invite(world.acme, "CHARLIE@example.com"))
    assert sorted(roles("charlie@example.com")) == [("acme", "org_viewer"), ("globex", "org_admin")]


def test_an_invitation_changes_no_password(world: World) -> None:
    accept(world.acme.host, invite(world.acme, "charlie@example.com"))
    with door():
        assert User.objects.get(email="charlie@example.com").check_password(PASSWORD)


def test_an_invitation_lowers_nobodys_role(world: World) -> None:
    path = invite(world.acme, "charlie@example.com", Role.VIEWER)
    members.add_member(world.acme, email="charlie@example.com", role=Role.ADMIN, password=PASSWORD)
    accept(world.acme.host, path)
    assert ("acme", "org_admin") in roles("charlie@example.com")


def test_an_invited_operator_still_needs_the_code(world: World) -> None:
    with door():
        User.objects.filter(email="charlie@example.com").update(is_super_admin=True)
    response = accept(world.acme.host, invite(world.acme, "charlie@example.com"))
    assert response["Location"] == "/sign-in/code/"
    assert SESSION_KEY not in response.client.session


@pytest.mark.parametrize("email", ["", "nonsense", "a@b", "a@example.com\nBcc: x@example.com"])
def test_only_addresses_are_invited(world: World, email: str) -> None:
    with pytest.raises(AccountError, match="not an e-mail address"):
        actions.invite(world.acme, email=email, role=Role.VIEWER, invited_by="")


# --- By mail -------------------------------------------------------------------------------------


def open_invitation(email: str = EMAIL) -> Invitation:
    with door():
        return Invitation.objects.select_related("organization").get(email=email, accepted_at=None)


def send_mails() -> None:
    """What the worker does with the jobs that wait."""
    with platform():
        jobs = list(ProcrastinateJob.objects.filter(task_name="accounts.send_invitation"))
    for job in jobs:
        tasks.send_invitation(**job.args)


def test_the_link_that_is_mailed_lets_in(world: World) -> None:
    invite(world.acme)
    send_mails()
    (message,) = mail.outbox
    assert message.to == [EMAIL]
    assert "Alice invites you to Acme on Switchboard, as viewer." in message.body
    path = urlsplit(open_invitation().link).path
    assert path in message.body
    assert accept(world.acme.host, path).status_code == 302


def test_no_job_carries_the_link(world: World) -> None:
    invite(world.acme)
    with platform():
        jobs = str(list(ProcrastinateJob.objects.values()))
    assert open_invitation().token not in jobs
    assert EMAIL not in jobs


def test_sent_twice_it_is_the_same_link(world: World) -> None:
    """A mail server that took the mail and did not say so gets it again."""
    invite(world.acme)
    send_mails()
    send_mails()
    first, second = mail.outbox
    assert open_invitation().link in first.body
    assert first.body == second.body


def test_what_was_revoked_or_accepted_is_not_mailed(world: World) -> None:
    invite(world.acme)
    actions.revoke(open_invitation())
    accept(world.acme.host, invite(world.acme))
    send_mails()
    assert mail.outbox == []


def test_without_a_mail_server_no_job_waits(world: World, settings: Any) -> None:
    settings.MAIL_IS_CONFIGURED = False
    invite(world.acme)
    with platform():
        assert not ProcrastinateJob.objects.filter(task_name="accounts.send_invitation").exists()


# --- Again, and no more --------------------------------------------------------------------------


def test_a_second_invitation_replaces_the_first(world: World) -> None:
    first, second = invite(world.acme), invite(world.acme, EMAIL.upper(), Role.ADMIN)
    assert accept(world.acme.host, first).status_code == 404
    assert accept(world.acme.host, second).status_code == 302
    assert roles(EMAIL) == [("acme", "org_admin")]


def test_an_invitation_elsewhere_is_left_alone(world: World) -> None:
    first = invite(world.globex)
    invite(world.acme)
    assert accept(world.globex.host, first).status_code == 302


def test_a_member_is_not_invited_again(world: World) -> None:
    with pytest.raises(AccountError, match="is a member of Acme already"):
        invite(world.acme, "Bob@Example.com")


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


def act(client: CanaryClient, verb: str) -> Any:
    return client.post(f"/settings/users/invitations/{open_invitation().pk}/{verb}/", follow=True)


def test_an_admin_invites_on_the_page(world: World, alice: CanaryClient) -> None:
    form = {"email": EMAIL, "role": "org_viewer"}
    page = alice.post("/settings/users/invite/", form, follow=True).content.decode()
    assert f"{EMAIL} is invited." in page
    assert open_invitation().token not in page
    assert open_invitation().invited_by == "alice@example.com"


def test_the_page_says_who_is_a_member_already(alice: CanaryClient) -> None:
    form = {"email": "bob@example.com", "role": "org_viewer"}
    page = alice.post("/settings/users/invite/", form).content.decode()
    assert "is a member of Acme already" in page


def test_sending_again_kills_the_link_before(world: World, alice: CanaryClient) -> None:
    old = invite(world.acme)
    act(alice, "resend")
    assert accept(world.acme.host, old).status_code == 404
    send_mails()
    (message,) = mail.outbox
    assert open_invitation().link in message.body


def test_a_link_to_hand_over_is_shown_once_and_mailed_to_nobody(
    world: World, alice: CanaryClient
) -> None:
    old = invite(world.acme)
    page = act(alice, "link").content.decode()
    send_mails()
    assert open_invitation().link in page
    assert open_invitation().token not in alice.get("/settings/users/").content.decode()
    assert mail.outbox == []
    assert accept(world.acme.host, old).status_code == 404
    assert accept(world.acme.host, urlsplit(open_invitation().link).path).status_code == 302


def test_revoking_kills_the_link(world: World, alice: CanaryClient) -> None:
    path = invite(world.acme)
    act(alice, "revoke")
    assert accept(world.acme.host, path).status_code == 404


def test_what_was_accepted_meanwhile_is_neither_renewed_nor_revoked(world: World) -> None:
    path = invite(world.acme)
    invitation = open_invitation()
    accept(world.acme.host, path)
    with pytest.raises(AccountError, match="meanwhile"):
        actions.renew(invitation, invited_by="", by_mail=True)
    with pytest.raises(AccountError, match="meanwhile"):
        actions.revoke(invitation)
    assert roles(EMAIL) == [("acme", "org_viewer")]


# --- Who opens the link --------------------------------------------------------------------------


def test_every_dead_link_looks_the_same(world: World) -> None:
    used, revoked, elsewhere = (
        invite(world.acme),
        invite(world.acme, "a@b.co"),
        invite(world.globex),
    )
    accept(world.acme.host, used)
    actions.revoke(open_invitation("a@b.co"))
    pages = set()
    for path in (used, revoked, elsewhere, "/invitations/never/"):
        response = CanaryClient(world.acme.host).get(path)
        assert response.status_code == 404
        request_id = response.headers["X-Request-ID"]
        pages.add(response.content.decode().replace(request_id, ""))
    assert len(pages) == 1
    assert "Ask whoever invited you to send it again" in pages.pop()


def test_somebody_else_who_is_signed_in_gets_a_way_out(
    world: World, browser_of: ClientFactory
) -> None:
    path, bob = invite(world.acme), browser_of(world.people.bob, world.acme)
    page = bob.get(path).content.decode()
    assert "you are signed in as <b>bob@example.com</b>" in page
    assert bob.post(path).status_code == 200
    assert roles(EMAIL) == []
    page = bob.post(path, {"sign_out": "1"}, follow=True).content.decode()
    assert "Your name" in page
    assert bob.post(path, {"name": "Dora", "password": PASSWORD}).status_code == 302


def test_whoever_is_signed_in_as_themselves_has_one_button(
    world: World, browser_of: ClientFactory
) -> None:
    path = invite(world.acme, "dora@example.com")
    dora = members.add_member(
        world.acme, email="dora@example.com", role=Role.ADMIN, password=PASSWORD
    )
    client = browser_of(dora, world.acme)
    assert "password" not in client.get(path).content.decode()
    assert client.post(path)["Location"] == "/"
    assert roles("dora@example.com") == [("acme", "org_admin")]
    assert client.get(path).status_code == 404


def test_an_account_that_was_shut_out_does_not_join(world: World) -> None:
    with door():
        User.objects.filter(email="charlie@example.com").update(is_active=False)
    assert accept(world.acme.host, invite(world.acme, "charlie@example.com")).status_code == 200
    assert roles("charlie@example.com") == [("globex", "org_admin")]


def test_an_account_made_meanwhile_is_nobodys_to_take(world: World) -> None:
    """The form was for a new person; by now there is an account, whose password nobody gave."""
    invite(world.acme, "charlie@example.com")
    with pytest.raises(AccountError, match="Enter its password"):
        actions.accept_invitation(
            open_invitation("charlie@example.com"), name="Mallory", password=PASSWORD
        )
    assert roles("charlie@example.com") == [("globex", "org_admin")]
    assert open_invitation("charlie@example.com").is_open()


def test_guessing_links_is_limited(world: World, settings: Any) -> None:
    settings.SIGN_IN_LIMIT = "3/5m"
    client = CanaryClient(world.acme.host)
    statuses = [client.get(f"/invitations/{number}/").status_code for number in range(5)]
    assert statuses == [404, 404, 404, 429, 429]


def test_the_link_is_in_no_referer(world: World) -> None:
    path = invite(world.acme)
    for response in (CanaryClient(world.acme.host).get(path), accept(world.acme.host, path)):
        assert response.headers["Referrer-Policy"] == "strict-origin"
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("formatter", [LineFormatter(), JsonFormatter()])
def test_the_link_is_in_no_log(formatter: logging.Formatter) -> None:
    path = "/invitations/s3cret-t0ken/"
    record = logging.LogRecord("django.request", 40, "", 1, "%s: %s", ("Error", path), None)
    assert "s3cret" not in formatter.format(record)
    assert "/invitations/***/" in formatter.format(record)


# --- By command ----------------------------------------------------------------------------------


def command(**options: str) -> str:
    output = io.StringIO()
    values = {"organization": "acme", "email": EMAIL, "role": "viewer"} | options
    call_command("invite_member", stdout=output, **values)
    return output.getvalue().strip()


def test_a_script_gets_the_link_and_the_mail_holds_the_same(world: World) -> None:
    link = command()
    send_mails()
    assert link in mail.outbox[0].body
    assert accept(world.acme.host, urlsplit(link).path).status_code == 302


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"organization": "nowhere"}, "There is no organization"),
        ({"email": "nonsense"}, "not an e-mail address"),
        ({"email": "bob@example.com"}, "is a member of Acme already"),
    ],
)
def test_a_script_is_told_what_is_wrong(
    world: World, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        command(**options)


# --- At the same moment --------------------------------------------------------------------------


@pytest.fixture
def committed_invitation(committed: World) -> Iterator[Invitation]:
    invitation = actions.invite(committed.acme, email=EMAIL, role=Role.VIEWER, invited_by="")
    yield invitation
    with platform():
        invitation.delete()
        User.objects.filter(email=EMAIL).delete()


def test_of_eight_at_once_one_is_accepted(committed_invitation: Invitation) -> None:
    def attempt(number: int) -> bool:
        try:
            actions.accept_invitation(committed_invitation, name=str(number), password=PASSWORD)
        except AccountError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(8))) == 1
    assert roles(EMAIL) == [("acme", "org_viewer")]


def test_two_links_for_one_person_at_once_make_one_account(
    committed: World, committed_invitation: Invitation
) -> None:
    there = actions.invite(committed.globex, email=EMAIL, role=Role.VIEWER, invited_by="")

    def attempt(invitation: Invitation) -> bool:
        try:
            actions.accept_invitation(invitation, name="Dora", password=PASSWORD)
        except AccountError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(attempt, [committed_invitation, there])) == 1
    with platform():
        there.delete()


def test_of_eight_invitations_at_once_one_is_left(committed: World) -> None:
    def attempt(_: int) -> None:
        try:
            actions.invite(committed.acme, email=EMAIL, role=Role.VIEWER, invited_by="")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(attempt, range(8)))
    with platform():
        left = Invitation.objects.filter(email=EMAIL)
        assert left.count() == 1
        left.delete()
