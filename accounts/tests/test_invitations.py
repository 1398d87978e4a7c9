"""Invitations: one address, one organization, one time, seven days."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import SESSION_KEY
from django.db import connections
from django.utils import timezone

from accounts.actions import invitations as actions
from accounts.actions import members
from accounts.exceptions import AccountError
from accounts.models import Invitation, Membership, Role, User
from tenants.models import Organization
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, World

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
