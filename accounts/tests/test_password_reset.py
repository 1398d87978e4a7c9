"""A forgotten password: the same answer for everybody, a link that counts once, on one host."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.core import mail
from django.db import connection, connections
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import links, tasks
from accounts.actions import passwords as actions
from accounts.exceptions import AccountError
from accounts.models import EmailChange, Membership, Session, User
from accounts.sessions import SessionStore
from audit.models import Entry
from tenants.models import Organization
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World

NEW = "kettle moon river saddle"
OPERATOR_HOST = "localhost:8000"


def jobs() -> list[tuple[str, dict[str, Any]]]:
    with platform(), connection.cursor() as cursor:
        cursor.execute("SELECT task_name, args FROM procrastinate_jobs ORDER BY id")
        return [(name, json.loads(arguments)) for name, arguments in cursor.fetchall()]


def ask(host: str, email: str, **headers: str) -> Any:
    return CanaryClient(host, **headers).post("/forgotten/", {"email": email})


def sent() -> list[mail.EmailMessage]:
    """The mails of the jobs that wait now, which are done."""
    for name, arguments in jobs():
        if name == "accounts.send_password_reset":
            tasks.send_password_reset(**arguments)
    with platform(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    found, mail.outbox[:] = list(mail.outbox), []
    return found


def link_for(user: User, organization: Organization | None) -> str:
    """The path of a link as it is mailed."""
    with door():
        user = User.objects.get(pk=user.pk)
    host = organization.base_url if organization else f"http://{OPERATOR_HOST}"
    return links.reset_link(user, organization).removeprefix(host)


def reset(host: str, path: str, password: str = NEW) -> Any:
    """Open a link and send the form behind it."""
    client = CanaryClient(host)
    opened = client.get(path)
    if opened.status_code != 302:
        return opened
    return client.post(opened["Location"], {"password": password, "again": password})


def password_of(user: User) -> str:
    with door():
        return User.objects.get(pk=user.pk).password


# --- Asking --------------------------------------------------------------------------------------


def test_a_member_gets_a_link_that_sets_a_password(world: World) -> None:
    ask(world.acme.host, " Alice@Example.com ")
    (message,) = sent()
    assert message.to == ["alice@example.com"]
    url = re.search(rf"{world.acme.base_url}(/reset/\S+)", str(message.body))
    assert url
    assert reset(world.acme.host, url[1])["Location"] == "/sign-in/"
    with door():
        assert User.objects.get(pk=world.people.alice.pk).check_password(NEW)


@pytest.mark.parametrize(
    ("host", "email"),
    [
        ("acme.localhost:8000", "nobody@example.com"),
        ("acme.localhost:8000", "charlie@example.com"),
        ("acme.localhost:8000", "sam@example.com"),
        (OPERATOR_HOST, "alice@example.com"),
    ],
)
def test_who_may_not_sign_in_there_gets_no_mail(world: World, host: str, email: str) -> None:
    ask(host, email)
    assert sent() == []


def test_who_was_deactivated_gets_no_mail(world: World) -> None:
    with door():
        User.objects.filter(pk=world.people.alice.pk).update(is_active=False)
    ask(world.acme.host, "alice@example.com")
    assert sent() == []


def test_a_suspended_organization_sends_no_link_of_another_host(world: World) -> None:
    ask(world.acme.host, "sam@example.com")
    with platform():
        Organization.objects.filter(pk=world.acme.pk).update(status="suspended")
    assert sent() == []


def test_the_answer_is_the_same_for_known_and_unknown(world: World) -> None:
    pages = set()
    for email in ("alice@example.com", "nobody@example.com", "charlie@example.com"):
        response = ask(world.acme.host, email)
        request_id = response.headers["X-Request-ID"]
        page = response.content.decode().replace(email, "-").replace(request_id, "-")
        pages.add((response.status_code, page))
    assert len(pages) == 1


def test_the_work_is_the_same_for_known_and_unknown(world: World) -> None:
    done = []
    for email in ("alice@example.com", "nobody@example.com", "charlie@example.com"):
        before = len(jobs())
        with CaptureQueriesContext(connection) as queries:
            ask(world.acme.host, email)
        kinds = [re.sub(r"'[^']*'|\d+", "?", query["sql"])[:60] for query in queries]
        done.append((len(jobs()) - before, kinds))
    assert done[0][0] == 1
    assert done[0] == done[1] == done[2]


def test_neither_address_nor_link_stands_in_the_queue(world: World) -> None:
    for email in ("alice@example.com", "nobody@example.com"):
        ask(world.acme.host, email)
    for _, arguments in jobs():
        assert set(arguments) == {"user_id", "organization_id"}
        assert "@" not in str(arguments)


@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_SERVER"])
def test_a_made_up_host_is_in_no_mail(world: World, header: str) -> None:
    ask(world.acme.host, "alice@example.com", **{header: "evil.example"})
    assert "evil.example" not in str(sent()[0].message())


def test_a_host_with_another_port_is_in_no_mail(world: World) -> None:
    ask("acme.localhost:666", "alice@example.com")
    (message,) = sent()
    assert ":666" not in str(message.message())
    assert f"{world.acme.base_url}/reset/" in str(message.body)


def test_an_unknown_host_asks_for_nothing(world: World) -> None:
    assert ask("evil.example", "alice@example.com").status_code == 404
    assert jobs() == []


def test_one_account_gets_five_mails_an_hour_and_the_page_says_nothing_of_it(world: World) -> None:
    for number in range(7):
        address = f"192.0.2.{number}"
        response = CanaryClient(world.acme.host, REMOTE_ADDR=address).post(
            "/forgotten/", {"email": "alice@example.com"}
        )
        assert response.status_code == 200
    assert len(jobs()) == 5


def test_the_eleventh_request_of_one_address_must_wait(world: World) -> None:
    found = [ask(world.acme.host, f"{number}@example.com").status_code for number in range(11)]
    assert found == [200] * 10 + [429]


@pytest.mark.parametrize("email", ["", "nonsense", "%00", "%ED%A0%80", "a" * 300 + "@b.example"])
def test_odd_addresses_are_refused_without_a_fuss(world: World, email: str) -> None:
    response = CanaryClient(world.acme.host).post(
        "/forgotten/", f"email={email}", content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 200
    assert jobs() == []


def test_a_body_of_ten_megabytes_is_no_error_of_ours(world: World) -> None:
    response = CanaryClient(world.acme.host).post("/forgotten/", {"email": "a" * 10_000_000})
    assert 400 <= response.status_code < 500


# --- The link ------------------------------------------------------------------------------------


def test_opening_it_uses_nothing_up_and_hides_the_token(world: World) -> None:
    path = link_for(world.people.alice, world.acme)
    for method in ("head", "get", "get"):
        response = getattr(CanaryClient(world.acme.host), method)(path)
        assert response.status_code == 302
        assert path.split("/")[-2] not in response["Location"]
        assert "no-store" in response["Cache-Control"]
    assert reset(world.acme.host, path).status_code == 302


def test_it_works_once(world: World) -> None:
    path = link_for(world.people.alice, world.acme)
    reset(world.acme.host, path)
    assert reset(world.acme.host, path, "another fine saddle river").status_code == 404
    assert CanaryClient(world.acme.host).get(path).status_code == 404


def test_it_works_for_an_hour(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    past = datetime.now() - timedelta(hours=1, seconds=5)  # noqa: DTZ005 - as Django counts
    with monkeypatch.context() as patch:
        patch.setattr(links.ResetTokens, "_now", lambda self: past)
        path = link_for(world.people.alice, world.acme)
    assert CanaryClient(world.acme.host).get(path).status_code == 404


@pytest.mark.parametrize("host", ["globex.localhost:8000", OPERATOR_HOST])
def test_it_works_on_its_own_host_only(world: World, host: str) -> None:
    with door():
        Membership.objects.create(
            user=world.people.alice, organization=world.globex, role="org_admin"
        )
        User.objects.filter(pk=world.people.alice.pk).update(is_super_admin=True)
    path = link_for(world.people.alice, world.acme)
    assert reset(host, path).status_code == 404
    assert CanaryClient(world.acme.host).get(path).status_code == 302


def test_it_works_for_its_own_person_only(world: World) -> None:
    token = link_for(world.people.alice, world.acme).split("/")[-2]
    uid = link_for(world.people.bob, world.acme).split("/")[-3]
    assert reset(world.acme.host, f"/reset/{uid}/{token}/").status_code == 404


def test_the_form_behind_one_link_is_for_no_other_person(world: World) -> None:
    client = CanaryClient(world.acme.host)
    kept = client.get(link_for(world.people.alice, world.acme))["Location"]
    bobs = link_for(world.people.bob, world.acme).split("/")[-3]
    other = kept.replace(kept.split("/")[-3], bobs)
    response = client.post(other, {"password": NEW, "again": NEW})
    assert response.status_code == 404
    assert password_of(world.people.bob) == world.people.bob.password


@pytest.mark.parametrize(
    ("uid", "token"),
    [
        ("x", "x-x"),
        ("%00", "a-b"),
        ("é", "é-é"),
        ("AAAA", "-"),
        ("_" * 300, "c" * 300),
        ("%ED%A0%80", "%ED%A0%80"),
        ("AZPwAAAAcACAAAAAAAAAAQ", "new-password"),
    ],
)
def test_a_made_up_link_does_not_exist(world: World, uid: str, token: str) -> None:
    client = CanaryClient(world.acme.host)
    path = f"/reset/{uid}/{token}/"
    assert client.get(path).status_code in (400, 404)
    assert client.post(path, {"password": NEW, "again": NEW}).status_code in (400, 404)


def test_one_letter_more_or_less_is_another_link(world: World) -> None:
    path = link_for(world.people.alice, world.acme)
    for changed in (path[:-2] + "/", path[:-1] + "a/", path[:-2] + "é/"):
        assert CanaryClient(world.acme.host).get(changed).status_code == 404


@pytest.mark.parametrize(
    "change", [{"password": "!"}, {"email": "a2@example.com"}, {"last_login": timezone.now()},
               {"is_active": False}],
    ids=["password", "e-mail", "sign-in", "deactivated"],
)  # fmt: skip
def test_it_ends_with_a_change_of_the_account(world: World, change: dict[str, Any]) -> None:
    path = link_for(world.people.alice, world.acme)
    with door():
        User.objects.filter(pk=world.people.alice.pk).update(**change)
    assert CanaryClient(world.acme.host).get(path).status_code == 404


def test_it_ends_with_the_membership(world: World) -> None:
    client = CanaryClient(world.acme.host)
    kept = client.get(link_for(world.people.bob, world.acme))["Location"]
    with door():
        Membership.objects.filter(user=world.people.bob).delete()
    assert client.post(kept, {"password": NEW, "again": NEW}).status_code == 404


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("passwordpassword", "passwordpassword", "Choose a few words"),
        (NEW, "something else", "not the same"),
        ("short", "short", "shorter than 15"),
        ("a" * 2000, "a" * 2000, "longer than 128"),
    ],
)
def test_a_password_that_is_refused_leaves_the_link(
    world: World, password: str, again: str, said: str
) -> None:
    path = link_for(world.people.alice, world.acme)
    client = CanaryClient(world.acme.host)
    kept = client.get(path)["Location"]
    assert said in client.post(kept, {"password": password, "again": again}).content.decode()
    assert reset(world.acme.host, path).status_code == 302


# --- Afterwards ----------------------------------------------------------------------------------


def test_all_sessions_end_and_nobody_is_signed_in(world: World, browser_of: ClientFactory) -> None:
    elsewhere = browser_of(world.people.alice, world.acme)
    response = reset(world.acme.host, link_for(world.people.alice, world.acme))
    assert SESSION_KEY not in response.client.session
    assert elsewhere.get("/").status_code == 302
    with door():
        assert not Session.objects.filter(user=world.people.alice).exists()


def test_who_is_signed_in_resets_their_own_password(
    world: World, browser_of: ClientFactory
) -> None:
    client = browser_of(world.people.alice, world.acme)
    kept = client.get(link_for(world.people.alice, world.acme))["Location"]
    response = client.post(kept, {"password": NEW, "again": NEW})
    assert response["Location"] == "/sign-in/"
    assert SESSION_KEY not in client.session


@pytest.mark.parametrize("host", ["acme.localhost:8000", OPERATOR_HOST])
def test_the_second_factor_is_still_asked_for(world: World, host: str) -> None:
    organization = world.acme if host == world.acme.host else None
    user = world.people.alice if organization else world.people.sam
    with door():
        TOTPDevice.objects.get_or_create(user=user, confirmed=True)
    client = reset(host, link_for(user, organization)).client
    response = client.post("/sign-in/", {"email": user.email, "password": NEW})
    assert response["Location"] == "/sign-in/code/"
    assert SESSION_KEY not in client.session


def test_it_is_written_down_and_told_by_mail(world: World) -> None:
    reset(world.acme.host, link_for(world.people.alice, world.acme))
    with door():
        entry = Entry.objects.get(code="accounts.password_reset")
        changed_at = User.objects.get(pk=world.people.alice.pk).password_changed_at
    assert (entry.actor_id, entry.organization_id) == (world.people.alice.pk, world.acme.pk)
    assert changed_at is not None
    ((name, arguments),) = jobs()
    assert (name, arguments["what"]) == ("accounts.send_security_notice", "password_reset")
    tasks.send_security_notice(**arguments)
    assert f"{world.acme.base_url}/forgotten/" in str(mail.outbox[0].body)


def test_a_change_of_address_that_waited_is_stopped(world: World) -> None:
    with door():
        EmailChange.objects.create(
            user=world.people.alice, new_email="x@example.com",
            expires_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip
    reset(world.acme.host, link_for(world.people.alice, world.acme))
    with door():
        assert not EmailChange.objects.exists()


@pytest.fixture
def committed_dora(committed: World) -> Iterator[User]:
    with door():
        dora = User.objects.create_user("dora@example.com", PASSWORD)
        Membership.objects.create(user=dora, organization=committed.acme, role="org_viewer")
    yield dora
    with platform():
        dora.delete()


def visit(organization: Organization) -> Any:
    """What the action needs of a request."""
    request: Any = HttpRequest()
    request.organization = organization
    request.session = SessionStore()
    request.user = AnonymousUser()
    return request


def test_of_eight_at_once_one_sets_the_password(committed: World, committed_dora: User) -> None:
    *_, uid, token, _ = link_for(committed_dora, committed.acme).split("/")

    def attempt(number: int) -> bool:
        try:
            actions.reset_password(
                visit(committed.acme), uid=uid, token=token, password=f"{NEW} {number}"
            )
        except AccountError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(8))) == 1
