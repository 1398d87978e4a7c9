"""Second factors of one's own: set up, used, replaced, removed, reset; and held without one."""

from __future__ import annotations

import io
import re
from base64 import b32decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.contrib.auth import SESSION_KEY
from django.core import mail
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.db import connections
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import tasks
from accounts.actions.sign_in import verify_code
from accounts.models import AccessPolicy, Membership, RecoveryCode, RecoveryCodes, Session, User
from accounts.qr import qr_code
from audit.models import Entry
from config.tests.test_url_sweep import ID, urls
from tenants.models import Organization, hash_token
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World

T = TypeVar("T")


def code_of(device: TOTPDevice, drift: int = 0) -> str:
    return f"{totp(device.bin_key, step=device.step, drift=drift):06d}"


def app_of(user: User, *, confirmed: bool = True) -> TOTPDevice:
    with door():
        return TOTPDevice.objects.filter(user=user, confirmed=confirmed).latest("pk")


def give_app(user: User, name: str = "Phone") -> TOTPDevice:
    with door():
        return TOTPDevice.objects.create(user=user, name=name, confirmed=True)


def begin(client: CanaryClient) -> None:
    assert client.post("/account/security/apps/")["Location"] == "/account/security/apps/new/"


def set_up(client: CanaryClient, user: User, name: str = "Phone") -> Any:
    """The answer to the right code."""
    begin(client)
    code = code_of(app_of(user, confirmed=False))
    return client.post("/account/security/apps/new/", {"code": code, "name": name})


def require_factor(organization: Organization) -> None:
    with door():
        AccessPolicy.objects.update_or_create(
            organization=organization, defaults={"requires_second_factor": True}
        )


def entries(organization: Organization | None = None) -> list[str]:
    with platform():
        rows = Entry.objects.filter(organization_id=organization.pk if organization else None)
        return list(rows.order_by("sequence").values_list("code", flat=True))


def notices(user: User) -> list[str]:
    """What the jobs waiting for this person tell."""
    with platform():
        jobs = ProcrastinateJob.objects.filter(task_name="accounts.send_security_notice")
        args = [job.args for job in jobs.order_by("id")]
    return [told["what"] for told in args if told["user_id"] == str(user.pk)]


def after_password(host: str, email: str) -> CanaryClient:
    client = CanaryClient(host)
    response = client.post("/sign-in/", {"email": email, "password": PASSWORD})
    assert response["Location"] == "/sign-in/code/"
    return client


def is_in(client: CanaryClient) -> bool:
    return bool(client.get("/").status_code == 200)


@pytest.fixture
def alice(world: World) -> User:
    return world.people.alice


@pytest.fixture
def client(world: World, browser_of: ClientFactory) -> CanaryClient:
    """Alice, signed in to Acme, without a second factor."""
    return browser_of(world.people.alice, world.acme)


# --- Setting up an authenticator app -------------------------------------------------------------


def test_the_right_code_makes_an_app_count(client: CanaryClient, alice: User) -> None:
    set_up(client, alice, "Work phone")
    assert app_of(alice).name == "Work phone"
    assert b"Work phone" in client.get("/account/security/").content


def test_the_key_stands_beside_its_qr_code(client: CanaryClient, alice: User) -> None:
    begin(client)
    page = client.get("/account/security/apps/new/").content.decode()
    app = app_of(alice, confirmed=False)
    key = re.search(r'id="copy-key" value="([A-Z2-7]+)"', page)
    assert key
    assert b32decode(key[1]) == app.bin_key
    assert f'd="{qr_code(app.config_url).path}"' in page
    assert 'role="img" aria-label="QR code' in page


def test_a_qr_code_keeps_its_quiet_zone() -> None:
    drawn = qr_code("otpauth://totp/Switchboard:a@example.com?secret=ABC")
    corners = [int(x) for x in re.findall(r"M(\d+) ", drawn.path)]
    assert min(corners) == 4
    assert drawn.path.startswith("M4 4h7v1h-7z")  # the first finder pattern


@pytest.mark.parametrize("code", ["000000", "abcdef", "٠٠٠٠٠٠", "1e5", ""])
def test_a_wrong_code_adds_nothing(client: CanaryClient, alice: User, code: str) -> None:
    begin(client)
    response = client.post("/account/security/apps/new/", {"code": code})
    assert response.status_code == 200
    assert not app_of(alice, confirmed=False).confirmed
    assert DEVICE_ID_SESSION_KEY not in client.session


def test_the_code_of_an_unconfirmed_app_opens_nothing(
    client: CanaryClient, alice: User, world: World
) -> None:
    give_app(alice)
    with door():
        waiting = TOTPDevice.objects.create(user=alice, name="New", confirmed=False)
    door_client = after_password(world.acme.host, alice.email)
    door_client.post("/sign-in/code/", {"code": code_of(waiting)})
    assert not is_in(door_client)


def test_somebody_elses_waiting_app_is_not_confirmed(
    client: CanaryClient, world: World, alice: User
) -> None:
    with door():
        bobs = TOTPDevice.objects.create(user=world.people.bob, name="B", confirmed=False)
    assert client.post("/account/security/apps/new/", {"code": code_of(bobs)}).status_code == 302
    with door():
        bobs.refresh_from_db()
    assert not bobs.confirmed


def test_the_code_that_added_an_app_does_not_sign_in_too(
    client: CanaryClient, alice: User, world: World
) -> None:
    set_up(client, alice)
    again = after_password(world.acme.host, alice.email)
    again.post("/sign-in/code/", {"code": code_of(app_of(alice))})
    assert not is_in(again)


def test_a_second_start_forgets_the_first_key(client: CanaryClient, alice: User) -> None:
    begin(client)
    first = app_of(alice, confirmed=False)
    begin(client)
    with door():
        assert not TOTPDevice.objects.filter(pk=first.pk).exists()


def test_codes_of_an_app_being_added_are_limited(client: CanaryClient) -> None:
    begin(client)
    path, wrong = "/account/security/apps/new/", {"code": "000000"}
    assert [client.post(path, wrong).status_code for _ in range(6)] == [200] * 5 + [429]


@pytest.mark.parametrize("path", ["apps/", "apps/new/", "apps/1/delete/", "recovery-codes/"])
def test_every_change_asks_who_it_is(world: World, browser_of: ClientFactory, path: str) -> None:
    late = browser_of(world.people.alice, world.acme, confirmed=False)
    response = late.post(f"/account/security/{path}")
    assert response["Location"].startswith("/confirm/")


# --- What follows a change -----------------------------------------------------------------------


def test_the_first_factor_verifies_this_very_session(client: CanaryClient, alice: User) -> None:
    set_up(client, alice)
    assert client.session[DEVICE_ID_SESSION_KEY] == app_of(alice).persistent_id
    assert is_in(client)


def _add(client: CanaryClient, alice: User) -> None:
    set_up(client, alice)


def _remove(client: CanaryClient, alice: User) -> None:
    client.post(f"/account/security/apps/{app_of(alice).pk}/delete/")


def _replace_codes(client: CanaryClient, alice: User) -> None:
    client.post("/account/security/recovery-codes/")


CHANGES = [
    pytest.param(_add, "factor_added", id="adding"),
    pytest.param(_remove, "factor_removed", id="removing"),
    pytest.param(_replace_codes, "recovery_codes_made", id="new codes"),
]


@pytest.mark.parametrize(("change", "what"), CHANGES)
def test_a_change_rotates_the_key_ends_other_sessions_and_is_told(
    world: World, browser_of: ClientFactory, alice: User, change: Any, what: str
) -> None:
    if change is not _add:
        give_app(alice)
    client, other = browser_of(alice, world.acme), browser_of(alice, world.acme)
    bob = browser_of(world.people.bob, world.acme)
    before = client.session.session_key
    change(client, alice)
    assert client.session.session_key != before
    with door():
        assert not Session.objects.filter(pk=before).exists()
    assert [is_in(client), is_in(other), is_in(bob)] == [True, False, True]
    assert notices(alice) == [what]
    assert f"accounts.{what}" in entries(world.acme)


def test_the_notice_says_what_and_leads_to_the_factors(alice: User, world: World) -> None:
    tasks.send_security_notice(
        user_id=str(alice.pk), what="factor_removed", organization_id=str(world.acme.pk)
    )
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (
        [alice.email], "A second factor was removed from your account",
    )  # fmt: skip
    assert f"{world.acme.base_url}/account/security/" in sent.body


# --- Removing ------------------------------------------------------------------------------------


def test_the_last_factor_takes_its_recovery_codes_along(client: CanaryClient, alice: User) -> None:
    set_up(client, alice)
    _remove(client, alice)
    with door():
        assert not RecoveryCodes.objects.filter(user=alice).exists()
        assert not TOTPDevice.objects.filter(user=alice).exists()
    assert is_in(client)


def test_who_removes_the_app_they_came_with_stays_verified_by_the_other(
    world: World, browser_of: ClientFactory, alice: User
) -> None:
    first, second = give_app(alice, "Old"), give_app(alice, "New")
    client = browser_of(alice, world.acme)
    client.post(f"/account/security/apps/{first.pk}/delete/")
    assert client.session[DEVICE_ID_SESSION_KEY] == second.persistent_id


def test_the_last_factor_stays_where_one_is_required(
    world: World, browser_of: ClientFactory, alice: User
) -> None:
    app = give_app(alice)
    require_factor(world.acme)
    client = browser_of(alice, world.acme)
    page = client.post(f"/account/security/apps/{app.pk}/delete/", follow=True).content
    assert b"Acme requires a second factor. Add another one" in page
    assert app_of(alice) == app


def test_an_organization_elsewhere_that_requires_one_counts_too(
    world: World, browser_of: ClientFactory, alice: User
) -> None:
    app = give_app(alice)
    with door():
        Membership.objects.create(user=alice, organization=world.globex, role="org_viewer")
    require_factor(world.globex)
    browser_of(alice, world.acme).post(f"/account/security/apps/{app.pk}/delete/")
    assert app_of(alice) == app


def test_a_super_admin_keeps_the_last_one(world: World, browser_of: ClientFactory) -> None:
    sam = browser_of(world.people.sam)
    app = app_of(world.people.sam)
    page = sam.post(f"/account/security/apps/{app.pk}/delete/", follow=True).content
    assert b"A super admin needs a second factor" in page
    assert app_of(world.people.sam) == app


def test_somebody_elses_app_is_not_found(client: CanaryClient, world: World) -> None:
    bobs = give_app(world.people.bob)
    assert client.post(f"/account/security/apps/{bobs.pk}/delete/").status_code == 404


def test_a_session_without_the_code_changes_no_factor(
    world: World, browser_of: ClientFactory, alice: User
) -> None:
    app = give_app(alice)
    unverified = browser_of(alice, world.acme, verified=False)
    for path in (f"apps/{app.pk}/delete/", "apps/", "recovery-codes/"):
        assert unverified.post(f"/account/security/{path}").status_code == 403
    assert app_of(alice) == app


# --- Recovery codes ------------------------------------------------------------------------------


def codes_in(response: Any) -> list[str]:
    found = re.findall(r"<li>((?:[A-Z2-7]{4}-){3}[A-Z2-7]{4})</li>", response.content.decode())
    return list(found)


def test_ten_codes_come_with_the_first_factor_and_none_with_the_second(
    client: CanaryClient, alice: User
) -> None:
    codes = codes_in(set_up(client, alice))
    assert len(set(codes)) == 10
    assert codes_in(set_up(client, alice, "Tablet")) == []


def test_codes_are_shown_once_and_stored_as_hashes(client: CanaryClient, alice: User) -> None:
    codes = codes_in(set_up(client, alice))
    page = client.get("/account/security/").content.decode()
    assert not any(code in page for code in codes)
    with door():
        stored = set(RecoveryCode.objects.values_list("code_sha256", flat=True))
        kept = "".join(Session.objects.values_list("session_data", flat=True))
    assert {bytes(code) for code in stored} == {hash_token(c.replace("-", "")) for c in codes}
    assert not any(code in kept for code in codes)


def test_a_file_of_the_codes_needs_no_second_request(client: CanaryClient, alice: User) -> None:
    response = set_up(client, alice)
    file = re.search(r'href="(data:text/plain[^"]+)" download', response.content.decode())
    assert file
    assert all(code in file[1] for code in codes_in(response))


def test_the_page_says_how_many_are_left(client: CanaryClient, alice: User) -> None:
    set_up(client, alice)
    assert b"10 of 10 left" in client.get("/account/security/").content
    with door():
        RecoveryCode.objects.filter(pk__in=RecoveryCode.objects.all()[:7]).delete()
    assert b"Only 3 of your 10 recovery codes are left" in client.get("/account/security/").content


def test_somebody_without_codes_is_asked_to_make_some(
    world: World, browser_of: ClientFactory
) -> None:
    page = browser_of(world.people.sam).get("/account/security/").content
    assert b"You have no recovery codes" in page


def test_new_codes_replace_the_old(client: CanaryClient, alice: User) -> None:
    old = codes_in(set_up(client, alice))
    new = codes_in(client.post("/account/security/recovery-codes/"))
    assert verify_code(alice, old[0]) is None
    with door():
        RecoveryCodes.objects.get(user=alice).throttle_reset()
    assert verify_code(alice, new[0]) is not None


def test_codes_need_a_factor_they_stand_in_for(client: CanaryClient, alice: User) -> None:
    page = client.post("/account/security/recovery-codes/", follow=True).content
    assert b"Set one up first" in page
    with door():
        assert not RecoveryCodes.objects.filter(user=alice).exists()


@pytest.mark.parametrize("typed", [str, str.lower, lambda code: code.replace("-", " ")])
def test_a_recovery_code_signs_in_once(
    client: CanaryClient, alice: User, world: World, typed: Callable[[str], str]
) -> None:
    code = codes_in(set_up(client, alice))[0]
    first, second = (after_password(world.acme.host, alice.email) for _ in range(2))
    first.post("/sign-in/code/", {"code": typed(code)})
    second.post("/sign-in/code/", {"code": typed(code)})
    assert [is_in(first), is_in(second)] == [True, False]


def test_using_one_is_told_audited_and_says_what_is_left(
    client: CanaryClient, alice: User, world: World
) -> None:
    code = codes_in(set_up(client, alice))[0]
    page = after_password(world.acme.host, alice.email).post(
        "/sign-in/code/", {"code": code}, follow=True
    )
    assert b"codes left: 9" in page.content
    assert "recovery_code_used" in notices(alice)
    assert "accounts.recovery_code_used" in entries(world.acme)


def test_the_code_page_takes_recovery_codes_and_says_so(world: World, alice: User) -> None:
    give_app(alice)
    page = after_password(world.acme.host, alice.email).get("/sign-in/code/").content.decode()
    assert "or a recovery code" in page
    assert 'inputmode="numeric"' not in page  # such a keyboard has no letters


# --- Many at once --------------------------------------------------------------------------------


@pytest.fixture
def member(committed: World) -> Iterator[User]:
    """Alice with an app and a recovery code ABCD…; committed, and cleared away."""
    caches["limits"].clear()
    alice = committed.people.alice
    give_app(alice)
    with door():
        sheet = RecoveryCodes.objects.create(user=alice, name="Codes", confirmed=True)
        sheet.codes.create(code_sha256=hash_token("ABCD2345EFGH6723"))
    yield alice
    with platform():
        TOTPDevice.objects.filter(user=alice).delete()
        RecoveryCodes.objects.filter(user=alice).delete()
        Session.objects.filter(user=alice).delete()


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    def closing(number: int) -> T:
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(closing, range(count)))


def test_of_eight_at_once_one_recovery_code_is_accepted_once(member: User) -> None:
    accepted = at_once(8, lambda _: verify_code(member, "abcd-2345-efgh-6723") is not None)
    assert sum(accepted) == 1


def test_of_four_sign_ins_at_once_one_gets_in_by_one_recovery_code(
    member: User, committed: World
) -> None:
    waiting = [after_password(committed.acme.host, member.email) for _ in range(4)]

    def enter(number: int) -> bool:
        waiting[number].post("/sign-in/code/", {"code": "ABCD-2345-EFGH-6723"})
        return SESSION_KEY in waiting[number].session

    assert sum(at_once(4, enter)) == 1


def test_guesses_at_once_from_new_addresses_are_counted_for_the_person(
    member: User, committed: World
) -> None:
    waiting = [after_password(committed.acme.host, member.email) for _ in range(8)]

    def guess(number: int) -> int:
        address = f"192.0.2.{number}"
        response = waiting[number].post(
            "/sign-in/code/", {"code": f"{number:06d}"}, REMOTE_ADDR=address
        )
        return int(response.status_code)

    statuses = at_once(8, guess)
    assert (statuses.count(200), statuses.count(429)) == (5, 3)


def test_one_persons_guesses_are_counted_over_all_hosts(
    world: World, alice: User, browser_of: ClientFactory
) -> None:
    with door():
        Membership.objects.create(user=alice, organization=world.globex, role="org_viewer")
    give_app(alice)
    hosts = [world.acme.host, world.globex.host] * 3
    statuses = [
        after_password(host, alice.email).post("/sign-in/code/", {"code": "000000"}).status_code
        for host in hosts
    ]
    assert statuses == [200] * 5 + [429]


def test_two_last_factors_are_not_both_removed_at_once(member: User, committed: World) -> None:
    require_factor(committed.acme)
    second = give_app(member, "Tablet")
    with door():
        first = TOTPDevice.objects.filter(user=member).earliest("pk")
    clients = [_verified(committed, member, device) for device in (first, second)]
    # Crosswise: each session removes the app the other one came with.
    at_once(2, lambda n: clients[n].post(f"/account/security/apps/{(second, first)[n].pk}/delete/"))
    with platform():
        left = TOTPDevice.objects.filter(user=member).count()
        AccessPolicy.objects.filter(organization=committed.acme).delete()
    assert left == 1


def _verified(world: World, user: User, device: TOTPDevice) -> CanaryClient:
    caches["limits"].clear()
    client = after_password(world.acme.host, user.email)
    client.post("/sign-in/code/", {"code": code_of(device)})
    assert DEVICE_ID_SESSION_KEY in client.session
    return client


def test_a_failure_stays_counted_when_the_rest_is_rolled_back(
    member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("accounts.actions.sign_in.record", broken)
    with pytest.raises(RuntimeError):
        verify_code(member, "000000")
    assert app_of(member).throttling_failure_count == 1


def test_without_the_cache_no_app_is_confirmed(
    client: CanaryClient, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError

    begin(client)
    monkeypatch.setattr("config.limits.get_usage", away)
    code = code_of(app_of(alice, confirmed=False))
    assert client.post("/account/security/apps/new/", {"code": code}).status_code == 429
    assert not app_of(alice, confirmed=False).confirmed


# --- Held at the door ----------------------------------------------------------------------------


def test_who_has_no_factor_is_led_to_one_and_then_on(
    client: CanaryClient, alice: User, world: World
) -> None:
    require_factor(world.acme)
    assert client.get("/calls/?q=refund")["Location"] == "/account/security/"
    assert b"Acme requires a second factor" in client.get("/account/security/").content
    page = set_up(client, alice)
    assert b'href="/calls/?q=refund"' in page.content
    assert client.get("/calls/?q=refund").status_code == 200


def test_after_signing_in_they_come_to_the_door(world: World, alice: User) -> None:
    require_factor(world.acme)
    client = CanaryClient(world.acme.host)
    page = client.post(
        "/sign-in/", {"email": alice.email, "password": PASSWORD, "next": "/agents/"}, follow=True
    )
    assert page.redirect_chain == [("/agents/", 302), ("/account/security/", 302)]


def test_the_held_page_shows_no_way_into_the_organization(
    client: CanaryClient, world: World
) -> None:
    require_factor(world.acme)
    page = client.get("/account/security/").content.decode()
    assert set(re.findall(r'(?:href|action)="(/(?!static)[^"]*)"', page)) == {
        "/account/security/apps/", "/account/passkeys/new/", "/sign-out/",
    }  # fmt: skip


# What belongs to oneself, the way in and out, and what everybody at the door sees.
OPEN_TO_HELD = (
    "/account/", "/confirm/", "/sign-", "/invitations/", "/forgotten/", "/reset/",
    "/email-change/", "/enter/", "/switch/", "/leave/", "/branding/",
)  # fmt: skip


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "part"])
def test_who_is_held_reaches_nothing_of_the_organization(
    client: CanaryClient, world: World, headers: dict[str, str]
) -> None:
    require_factor(world.acme)
    client.raise_request_exception = False
    inside = sorted(
        url for url in urls("config.urls_organization") if not url.startswith(OPEN_TO_HELD)
    )
    assert len(inside) > 10
    for url in inside:
        for method in (client.get, client.post):
            answer = method(re.sub(r"<\w+:\w+>", str(ID), url), headers=headers)
            refusals = (401, 404, 405, 415) if url.startswith("/api/") else (405,)
            refused = answer.status_code in refusals
            sent_away = answer.headers.get("Location") == "/account/security/"
            assert refused or sent_away or answer.headers.get("HX-Refresh") == "true", url


def test_a_part_of_an_open_page_has_the_whole_page_loaded_anew(
    client: CanaryClient, world: World
) -> None:
    require_factor(world.acme)
    response = client.get("/calls/", headers={"HX-Request": "true"})
    assert (response.headers["HX-Refresh"], response.content) == ("true", b"")


def test_who_has_one_and_did_not_give_it_gets_the_code_page(
    world: World, browser_of: ClientFactory, alice: User
) -> None:
    app = give_app(alice)
    require_factor(world.acme)
    client = browser_of(alice, world.acme, verified=False)
    assert client.get("/calls/")["Location"] == "/sign-in/code/"
    assert client.get("/account/security/")["Location"] == "/sign-in/code/"
    response = client.post("/sign-in/code/", {"code": code_of(app)})
    assert response["Location"] == "/calls/"
    assert is_in(client)


def test_who_is_held_can_confirm_who_they_are(world: World, browser_of: ClientFactory) -> None:
    require_factor(world.acme)
    late = browser_of(world.people.bob, world.acme, confirmed=False)
    late.post("/confirm/", {"answer": PASSWORD})
    begin(late)


# --- manage.py reset_second_factor ----------------------------------------------------------------


def run_reset(email: str) -> str:
    output = io.StringIO()
    call_command("reset_second_factor", email, stdout=output)
    return output.getvalue()


def test_a_reset_removes_every_factor_and_ends_every_session(
    client: CanaryClient, alice: User, world: World
) -> None:
    set_up(client, alice)
    assert "password alone" in run_reset("ALICE@example.com")
    with door():
        assert not TOTPDevice.objects.filter(user=alice).exists()
        assert not RecoveryCodes.objects.filter(user=alice).exists()
    assert not is_in(client)
    assert "factors_reset" in notices(alice)
    assert entries(world.acme)[-1] == entries()[-1] == "accounts.factors_reset"


def test_a_reset_super_admin_comes_in_with_the_printed_secret_only(world: World) -> None:
    with door():
        sam = User.objects.get(pk=world.people.sam.pk)
        sam.set_password(PASSWORD)
        sam.save(update_fields=["password"])
    old = app_of(sam)
    secret = re.search(r"otpauth://totp/\S+secret=([A-Z2-7]+)", run_reset(sam.email))
    assert secret
    client = after_password("localhost:8000", sam.email)
    assert verify_code(sam, code_of(old)) is None
    with door():
        TOTPDevice.objects.get(user=sam).throttle_reset()
    assert b32decode(secret[1]) == app_of(sam).bin_key
    client.post("/sign-in/code/", {"code": code_of(app_of(sam))})
    assert is_in(client)


def test_a_reset_of_nobody_is_refused_in_one_sentence(world: World) -> None:
    with pytest.raises(CommandError, match="nobody with the address"):
        run_reset("nobody@example.com")
