"""Who needs a second factor, and what viewers and the operator may do: decided by admins."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential

from accounts.actions import access_policy as actions
from accounts.actions import members
from accounts.http import VisitorRequest
from accounts.models import AccessPolicy, Membership, RecoveryCodes, User
from accounts.roles import TABLE, Right, Role
from accounts.views.access_policy import COLUMNS, role_table
from audit.models import Entry
from tenants.models import Organization
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World

PATH = "/settings/access/"
NEEDED = {"requires_second_factor": "on"}


@pytest.fixture
def admin(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


def policy(organization: Organization) -> AccessPolicy:
    with door():
        return AccessPolicy.objects.get(organization=organization)


def listed(page: Any) -> list[str]:
    """The addresses on the page that asks for confirmation."""
    return re.findall(r'<td class="m">([^<]+)</td>', page.content.decode())


def fingerprint(page: Any) -> str:
    found = re.search(r'name="listed" value="(\w+)"', page.content.decode())
    assert found
    return found[1]


def give_app(user: User, *, confirmed: bool = True) -> None:
    with door():
        TOTPDevice.objects.create(user=user, name="Phone", confirmed=confirmed)


def last_entry(organization: Organization) -> Entry:
    with platform():
        found: Entry = Entry.objects.filter(organization_id=organization.pk).latest("sequence")
    return found


# --- Who will be held ----------------------------------------------------------------------------


def test_saving_lists_who_has_no_factor_and_saves_nothing_yet(
    world: World, admin: CanaryClient
) -> None:
    page = admin.post(PATH, NEEDED)
    assert listed(page) == ["alice@example.com", "bob@example.com"]
    assert "Alice <span" in page.content.decode()  # the saver is marked
    with door():
        assert not AccessPolicy.objects.filter(organization=world.acme).exists()


def test_exactly_those_without_one_are_listed(world: World, admin: CanaryClient) -> None:
    people = world.people
    names = ("app", "passkey", "unconfirmed", "codes", "inactive")
    made = {
        name: members.add_member(
            world.acme, email=f"{name}@example.com", role=Role.VIEWER, password=PASSWORD
        )
        for name in names
    }
    give_app(made["app"])
    give_app(made["unconfirmed"], confirmed=False)
    with door():
        WebAuthnCredential.objects.create(user=made["passkey"], name="Key", credential_id=b"1")
        RecoveryCodes.objects.create(user=made["codes"], name="Codes", confirmed=True)
        User.objects.filter(pk=made["inactive"].pk).update(is_active=False)
        # A member of both is listed here as well; Charlie, of the other one only, is not.
        Membership.objects.create(user=people.bob, organization=world.globex, role=Role.VIEWER)
    shown = set(listed(admin.post(PATH, NEEDED)))
    assert shown == {f"{name}@example.com" for name in ("alice", "bob", "unconfirmed", "codes")}


def test_confirming_the_list_saves_and_holds_them(
    world: World, admin: CanaryClient, browser_of: ClientFactory
) -> None:
    bob = browser_of(world.people.bob, world.acme)
    confirmed = NEEDED | {"listed": fingerprint(admin.post(PATH, NEEDED))}
    assert admin.post(PATH, confirmed).status_code == 302
    assert policy(world.acme).requires_second_factor
    for client in (admin, bob):
        assert client.get("/calls/")["Location"] == "/account/security/"
    with door():
        assert Membership.objects.filter(organization=world.acme).count() == 2


def test_a_confirmation_holds_for_the_people_that_were_listed(
    world: World, admin: CanaryClient
) -> None:
    seen = fingerprint(admin.post(PATH, NEEDED))
    members.add_member(world.acme, email="d@example.com", role=Role.VIEWER, password=PASSWORD)
    page = admin.post(PATH, NEEDED | {"listed": seen})
    assert "d@example.com" in listed(page)
    assert b"changed meanwhile" in page.content
    with door():
        assert not AccessPolicy.objects.filter(requires_second_factor=True).exists()


def test_a_made_up_confirmation_confirms_nothing(world: World, admin: CanaryClient) -> None:
    assert listed(admin.post(PATH, NEEDED | {"listed": "0" * 64})) != []


def test_the_confirming_page_carries_every_switch(world: World, admin: CanaryClient) -> None:
    page = admin.post(PATH, NEEDED | {"viewers_see_personal_data": "on"}).content.decode()
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)"', page))
    sent.pop("csrfmiddlewaretoken", None)
    admin.post(PATH, sent)
    saved = policy(world.acme)
    assert (saved.viewers_see_personal_data, saved.viewers_export_personal_data) == (True, False)
    assert (saved.requires_second_factor, saved.act_as_needs_consent) == (True, False)


def test_with_factors_for_all_it_is_saved_at_once(world: World, browser_of: ClientFactory) -> None:
    for user in (world.people.alice, world.people.bob):
        give_app(user)
    admin = browser_of(world.people.alice, world.acme)
    assert admin.post(PATH, NEEDED).status_code == 302
    assert admin.get(PATH).status_code == 200


# --- Saving --------------------------------------------------------------------------------------


def test_a_change_is_audited_with_before_and_after(world: World, admin: CanaryClient) -> None:
    admin.post(PATH, {"act_as_needs_consent": "on"})
    entry = last_entry(world.acme)
    assert (entry.code, entry.actor_label) == ("accounts.access_policy_changed", "Alice")
    assert entry.changes == {"act_as_needs_consent": ["False", "True"]}


def test_saving_what_was_saved_changes_nothing(world: World, admin: CanaryClient) -> None:
    admin.post(PATH, {"act_as_needs_consent": "on"})
    before = last_entry(world.acme).sequence
    page = admin.post(PATH, {"act_as_needs_consent": "on"}, follow=True)
    assert b"Nothing was changed" in page.content
    assert last_entry(world.acme).sequence == before


def test_every_switch_can_be_off(world: World, admin: CanaryClient) -> None:
    admin.post(PATH, {"act_as_needs_consent": "on"})
    admin.post(PATH, {})
    assert not policy(world.acme).act_as_needs_consent


def test_it_holds_for_this_organization_only(world: World, admin: CanaryClient) -> None:
    admin.post(PATH, {"viewers_see_personal_data": "on"})
    with door():
        assert list(AccessPolicy.objects.values_list("organization", flat=True)) == [world.acme.pk]


def test_it_acts_from_the_next_request(
    world: World, admin: CanaryClient, browser_of: ClientFactory
) -> None:
    bob = browser_of(world.people.bob, world.acme)
    admin.post(PATH, {"viewers_see_personal_data": "on"})
    rights = cast(VisitorRequest, bob.get("/").wsgi_request).standing.rights
    assert Right.SEE_PERSONAL_DATA in rights
    assert Right.EXPORT_PERSONAL_DATA not in rights


def test_it_asks_who_it_is(world: World, browser_of: ClientFactory) -> None:
    late = browser_of(world.people.alice, world.acme, confirmed=False)
    assert late.post(PATH, NEEDED)["Location"].startswith("/confirm/")


def test_a_viewer_decides_nothing(world: World, browser_of: ClientFactory) -> None:
    assert browser_of(world.people.bob, world.acme).post(PATH, NEEDED).status_code == 403


def test_all_switches_of_the_model_are_saved() -> None:
    # The origins of the API are no switch: their own page saves them.
    named = {field.name for field in AccessPolicy._meta.fields}
    fields = named - {"organization", "api_origins"}
    assert set(actions.FIELDS) == fields


# --- The table of roles --------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [True, False])
def test_the_table_shows_every_right_as_it_is_in_force(acme: Organization, allowed: bool) -> None:
    shown = dict(role_table(AccessPolicy(organization=acme, viewers_see_personal_data=allowed)))
    assert list(shown) == [right.description for right in TABLE]
    cells = dict(zip(COLUMNS, shown[Right.SEE_PERSONAL_DATA.description], strict=True))
    assert (cells[Role.VIEWER].yes, cells[Role.VIEWER].by_policy) == (allowed, True)
    assert (cells[Role.ADMIN].yes, cells[Role.ADMIN].by_policy) == (True, False)


def test_the_page_shows_the_table(admin: CanaryClient) -> None:
    page = admin.get(PATH).content.decode()
    assert all(right.description.replace("'", "&#x27;") in page for right in Right)
    assert all(f'<th scope="col">{column}</th>' in page for column in COLUMNS.values())
