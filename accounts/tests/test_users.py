"""The people of an organization: who sees them, roles, removal, the last admin."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import people, tasks
from accounts.actions import invitations, members
from accounts.effective_rights import effective_rights
from accounts.exceptions import AccountError
from accounts.models import AccessPolicy, Invitation, Membership, Role, Session, User
from accounts.roles import Right, rights_of
from audit.models import Entry
from tenants.models import Organization
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World

USERS = "/settings/users/"


def add(organization: Organization, name: str, role: Role = Role.VIEWER) -> User:
    return members.add_member(
        organization, email=f"{name}@example.com", role=role, password=PASSWORD, name=name
    )


def member(organization: Organization, user: User) -> Membership:
    return people.get_member(organization, user.pk)


def role_of(organization: Organization, user: User) -> str:
    with door():
        found = Membership.objects.filter(organization=organization, user=user).first()
    return found.role if found else ""


def newest_entry(code: str) -> Entry:
    with door():
        entry: Entry = Entry.objects.filter(code=code).latest("sequence")
    return entry


def jobs(task: str) -> list[dict[str, str]]:
    """What waits to be told, with the arguments of each job."""
    with platform():
        found = ProcrastinateJob.objects.filter(task_name=task)
        return [dict(job.args) for job in found]


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


# --- The list ------------------------------------------------------------------------------------


def test_the_list_shows_members_of_this_organization_only(alice: CanaryClient) -> None:
    page = alice.get(USERS).content.decode()
    assert "alice@example.com" in page
    assert "bob@example.com" in page
    assert "charlie@example.com" not in page


def test_the_list_says_who_has_a_second_factor(world: World) -> None:
    with door():
        TOTPDevice.objects.create(user=world.people.bob, confirmed=True)
        TOTPDevice.objects.create(user=world.people.alice, confirmed=False)
    shown = people.people_page(world.acme, text="", role="", number="1")
    assert {row.user.name: row.has_factor for row in shown.people} == {"Alice": False, "Bob": True}


def test_a_longer_list_takes_no_more_queries(world: World, alice: CanaryClient) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connections["default"]) as captured:
            assert alice.get(USERS).status_code == 200
        return len(captured)

    queries()
    before = queries()
    for number in range(15):
        add(world.acme, f"person{number}")
        invitations.invite(
            world.acme, email=f"invited{number}@example.com", role=Role.VIEWER, invited_by=""
        )
    assert queries() == before


def test_a_long_list_is_paged_and_says_how_many_there_are(
    world: World, alice: CanaryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "PEOPLE_A_PAGE", 2)
    add(world.acme, "zoe")
    assert "2 of 3 people" in alice.get(USERS).content.decode()
    assert "1 of 3 people" in alice.get(USERS, {"page": "2"}).content.decode()


def test_search_and_role_narrow_the_list(world: World, alice: CanaryClient) -> None:
    page = alice.get(USERS, {"q": "BOB@", "role": "org_viewer"}).content.decode()
    assert "1 of 1 person" in page
    assert "Nobody matches" in alice.get(USERS, {"q": "bob", "role": "org_admin"}).content.decode()


def test_a_short_list_has_nothing_to_search(world: World, alice: CanaryClient) -> None:
    assert "data-search>" not in alice.get(USERS).content.decode()
    for number in range(people.SEARCH_FROM):
        add(world.acme, f"person{number}")
    assert "data-search>" in alice.get(USERS).content.decode()


def test_nonsense_in_the_filter_is_no_error(alice: CanaryClient) -> None:
    for query in ({"role": "king"}, {"page": "x"}, {"page": "99999"}, {"q": "%_'"}):
        assert alice.get(USERS, query).status_code == 200


def test_an_expired_invitation_is_shown_as_such(world: World, alice: CanaryClient) -> None:
    invitations.invite(world.acme, email="dora@example.com", role=Role.ADMIN, invited_by="a@b.c")
    assert "Waiting" in alice.get(USERS).content.decode()
    with door():
        Invitation.objects.update(expires_at="2026-01-01T00:00Z")
    assert "Expired" in alice.get(USERS).content.decode()


@pytest.mark.parametrize(
    ("slug", "name"), [("acme", "bob"), ("globex", "charlie")], ids=["own", "another's"]
)
@pytest.mark.parametrize("path", ["", "role/", "remove/"])
def test_people_of_another_organization_are_not_found(
    world: World, alice: CanaryClient, slug: str, name: str, path: str
) -> None:
    url = f"{USERS}{getattr(world.people, name).pk}/{path}"
    status = (alice.post if path else alice.get)(url, {"role": "org_viewer"}).status_code
    assert (status == 404) == (slug == "globex")


@pytest.mark.parametrize("path", ["resend/", "link/", "revoke/"])
def test_invitations_of_another_organization_are_not_found(
    world: World, alice: CanaryClient, path: str
) -> None:
    theirs = invitations.invite(
        world.globex, email="dora@example.com", role=Role.VIEWER, invited_by=""
    )
    assert alice.post(f"{USERS}invitations/{theirs.pk}/{path}").status_code == 404
    assert alice.post(f"{USERS}invitations/{uuid4()}/{path}").status_code == 404
    with door():
        assert Invitation.objects.filter(pk=theirs.pk).exists()


def test_every_change_asks_who_it_is_first(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.alice, world.acme, confirmed=False)
    invitation = invitations.invite(
        world.acme, email="dora@example.com", role=Role.VIEWER, invited_by=""
    )
    bob = f"{USERS}{world.people.bob.pk}/"
    paths = [f"{USERS}invite/", f"{bob}role/", f"{bob}remove/", "/account/leave/"]
    paths += [
        f"{USERS}invitations/{invitation.pk}/{verb}/" for verb in ("resend", "link", "revoke")
    ]
    for path in paths:
        assert client.post(path, {"role": "org_admin"})["Location"].startswith("/confirm/")
    assert role_of(world.acme, world.people.bob) == Role.VIEWER


# --- A person's page -----------------------------------------------------------------------------


def test_a_persons_page_shows_what_was_done_to_them_and_by_them(
    world: World, alice: CanaryClient
) -> None:
    bob = world.people.bob
    members.change_role(member(world.acme, bob), role=Role.ADMIN)
    page = alice.get(f"{USERS}{bob.pk}/").content.decode()
    assert "changed the role of Bob from “Viewer” to “Admin”" in page
    assert "added Alice" not in page


def test_a_persons_page_counts_their_sessions_here(world: World, browser_of: ClientFactory) -> None:
    bob = world.people.bob
    browser_of(bob, world.acme)
    browser_of(bob, world.globex)
    assert people.active_session_count(member(world.acme, bob)) == 1


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("allows", [False, True])
def test_explained_rights_are_those_that_count(world: World, role: Role, allows: bool) -> None:
    policy = AccessPolicy(organization=world.acme, viewers_see_personal_data=allows)
    bob = Membership(user=world.people.bob, organization=world.acme, role=role)
    shown = effective_rights(bob, policy, has_factor=False)
    by_policy = policy.viewers_rights if role == Role.VIEWER else frozenset()
    assert {one.right for one in shown if one.is_allowed} == rights_of(role, by_policy)


def test_a_right_is_explained_by_what_decides_it(world: World) -> None:
    policy = AccessPolicy(organization=world.acme)
    bob = member(world.acme, world.people.bob)
    shown = {one.right: one.because for one in effective_rights(bob, policy, has_factor=False)}
    assert shown[Right.READ] == "every viewer may"
    assert shown[Right.MANAGE_USERS] == "only admins may"
    assert shown[Right.SEE_PERSONAL_DATA] == "your organization does not allow it for viewers"


def test_whoever_misses_a_required_factor_may_do_nothing(world: World) -> None:
    policy = AccessPolicy(organization=world.acme, requires_second_factor=True)
    alice = member(world.acme, world.people.alice)
    assert not any(one.is_allowed for one in effective_rights(alice, policy, has_factor=False))
    assert any(one.is_allowed for one in effective_rights(alice, policy, has_factor=True))


# --- Roles ---------------------------------------------------------------------------------------


def test_a_new_role_acts_from_the_next_request(
    world: World, alice: CanaryClient, browser_of: ClientFactory
) -> None:
    bob = browser_of(world.people.bob, world.acme)
    assert bob.get(USERS).status_code == 403
    alice.post(f"{USERS}{world.people.bob.pk}/role/", {"role": "org_admin"})
    assert bob.get(USERS).status_code == 200
    alice.post(f"{USERS}{world.people.bob.pk}/role/", {"role": "org_viewer"})
    assert bob.get(USERS).status_code == 403


def test_a_change_of_role_is_audited_and_told(world: World, alice: CanaryClient) -> None:
    bob = world.people.bob
    alice.post(f"{USERS}{bob.pk}/role/", {"role": "org_admin"})
    entry = newest_entry("accounts.role_changed")
    assert (entry.actor_id, entry.object_pk) == (world.people.alice.pk, str(bob.pk))
    assert entry.changes == {"role": ["Viewer", "Admin"]}
    tasks.tell_member(**jobs("accounts.tell_member")[0])
    assert mail.outbox[0].to == ["bob@example.com"]
    assert mail.outbox[0].subject == "You are Admin of Acme now"


def test_the_same_role_again_changes_nothing(world: World, alice: CanaryClient) -> None:
    alice.post(f"{USERS}{world.people.bob.pk}/role/", {"role": "org_viewer"})
    assert jobs("accounts.tell_member") == []


@pytest.mark.parametrize("role", ["", "king", "super_admin"])
def test_a_made_up_role_changes_nothing(world: World, alice: CanaryClient, role: str) -> None:
    response = alice.post(f"{USERS}{world.people.bob.pk}/role/", {"role": role}, follow=True)
    assert "There is no such role" in response.content.decode()
    assert role_of(world.acme, world.people.bob) == Role.VIEWER


def test_the_last_admin_keeps_their_role(world: World, alice: CanaryClient) -> None:
    url = f"{USERS}{world.people.alice.pk}/role/"
    response = alice.post(url, {"role": "org_viewer"}, follow=True)
    assert "is the only admin of Acme" in response.content.decode()
    assert role_of(world.acme, world.people.alice) == Role.ADMIN


def test_an_admin_who_may_not_sign_in_is_none(world: World) -> None:
    shut_out = add(world.acme, "eve", Role.ADMIN)
    with door():
        User.objects.filter(pk=shut_out.pk).update(is_active=False)
    with pytest.raises(AccountError, match="only admin"):
        members.change_role(member(world.acme, world.people.alice), role=Role.VIEWER)


# --- Going ---------------------------------------------------------------------------------------


def test_removing_ends_their_sessions_here_and_nowhere_else(
    world: World, alice: CanaryClient, browser_of: ClientFactory
) -> None:
    bob = add(world.globex, "bob")
    here, there = browser_of(bob, world.acme), browser_of(bob, world.globex)
    alice.post(f"{USERS}{bob.pk}/remove/")
    with door():
        assert not Session.objects.filter(user=bob, organization=world.acme).exists()
    assert here.get("/").status_code == 302
    assert there.get("/").status_code == 200


def test_a_removal_is_audited_and_told(world: World, alice: CanaryClient) -> None:
    bob = world.people.bob
    alice.post(f"{USERS}{bob.pk}/remove/")
    assert newest_entry("accounts.member_removed").sentence == "Alice removed Bob, who was Viewer"
    tasks.tell_member(**jobs("accounts.tell_member")[0])
    assert mail.outbox[0].subject == "You are no longer a member of Acme"


def test_the_account_of_somebody_removed_stays(world: World) -> None:
    members.remove_member(member(world.acme, world.people.bob))
    with door():
        assert User.objects.get(pk=world.people.bob.pk).is_active


def test_removing_revokes_what_they_sent_and_what_would_bring_them_back(world: World) -> None:
    eve = add(world.acme, "eve", Role.ADMIN)
    with door():
        back = Invitation.objects.create(
            organization=world.acme, email=eve.email, role=Role.ADMIN, token_sha256=bytes(32),
            expires_at="2030-01-01T00:00Z",
        )  # fmt: skip
    sent = invitations.invite(
        world.acme, email="dora@example.com", role=Role.ADMIN, invited_by=eve.email
    )
    others = invitations.invite(
        world.acme, email="fred@example.com", role=Role.VIEWER, invited_by="alice@example.com"
    )
    members.remove_member(member(world.acme, eve))
    with door():
        left = set(Invitation.objects.values_list("pk", flat=True))
    assert others.pk in left
    assert not left & {back.pk, sent.pk}


def test_removing_twice_says_so(world: World) -> None:
    bob = member(world.acme, world.people.bob)
    members.remove_member(bob)
    with pytest.raises(AccountError, match="no member any more"):
        members.remove_member(bob)


def test_removing_oneself_leads_to_leaving(world: World, alice: CanaryClient) -> None:
    response = alice.post(f"{USERS}{world.people.alice.pk}/remove/")
    assert response["Location"] == "/account/leave/"
    assert role_of(world.acme, world.people.alice) == Role.ADMIN


def test_a_viewer_can_leave(world: World, browser_of: ClientFactory) -> None:
    bob = browser_of(world.people.bob, world.acme)
    response = bob.post("/account/leave/", follow=True)
    assert "You left Acme." in response.content.decode()
    assert bob.get("/").status_code == 302
    assert role_of(world.acme, world.people.bob) == ""
    assert newest_entry("accounts.member_left").actor_label == "Bob"


def test_the_last_admin_cannot_leave(world: World, alice: CanaryClient) -> None:
    response = alice.post("/account/leave/", follow=True)
    assert "make somebody else an admin first" in response.content.decode()
    assert alice.get("/").status_code == 200


# --- At the same moment --------------------------------------------------------------------------


@pytest.fixture
def two_admins(committed: World) -> Iterator[list[Membership]]:
    """Alice and Eve administer Acme; put back as it was afterwards."""
    alice = committed.people.alice
    eve = add(committed.acme, "eve", Role.ADMIN)
    yield [member(committed.acme, alice), member(committed.acme, eve)]
    with platform():
        Membership.objects.filter(user=eve).delete()
        Membership.objects.update_or_create(
            user=alice, organization=committed.acme, defaults={"role": Role.ADMIN}
        )
        User.objects.filter(pk=eve.pk).delete()


def attempt(change: Callable[[Membership], Any], admin: Membership) -> bool:
    """Whether the change was made; in a thread, on a connection of its own."""
    try:
        change(admin)
    except AccountError:
        return False
    finally:
        connections.close_all()
    return True


def demote(admin: Membership) -> None:
    members.change_role(admin, role=Role.VIEWER)


@pytest.mark.parametrize("change", [demote, members.remove_member, members.leave])
def test_of_two_admins_who_go_at_once_one_stays(
    two_admins: list[Membership], committed: World, change: Callable[[Membership], Any]
) -> None:
    """The second begins while the first is not committed yet."""
    first, second = two_admins
    with ThreadPoolExecutor(1) as threads:
        with door(), transaction.atomic():
            change(first)
            waiting = threads.submit(attempt, change, second)
            time.sleep(0.5)
        assert waiting.result(timeout=10) is False
    assert role_of(committed.acme, second.user) == Role.ADMIN


@pytest.mark.parametrize("change", [demote, members.remove_member])
def test_two_admins_who_turn_on_each_other_leave_one(
    two_admins: list[Membership], committed: World, change: Callable[[Membership], Any]
) -> None:
    with ThreadPoolExecutor(2) as threads:
        made = list(threads.map(lambda admin: attempt(change, admin), two_admins))
    assert sum(made) == 1
    with door():
        admins = Membership.objects.filter(organization=committed.acme, role=Role.ADMIN)
        assert admins.count() == 1
