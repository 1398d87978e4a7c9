"""The table of roles, and pages that answer as it says: the matrix is made from the table."""

from __future__ import annotations

from uuid import uuid4

import pytest

from accounts.models import AccessPolicy
from accounts.roles import SUPER_ADMIN, TABLE, Allowed, Right, Role, rights_of
from agents.models import Agent
from tenants.pin import organization_context
from tenants.scope import door
from testing.fixtures import CanaryClient, ClientFactory, World

# One page for each right; `{agent}` and `{id}` are filled in. What changes is asked for by POST.
PAGES = {
    Right.READ: "GET /calls/",
    Right.EXPORT_PERSONAL_DATA: "GET /audit/export/",
    Right.READ_AUDIT: "GET /audit/",
    Right.CLASSIFY_CALLS: "POST /calls/{id}/classify/",
    Right.ANNOTATE_CALLS: "POST /calls/{id}/notes/new/",
    Right.RENAME_AGENTS: "POST /agents/{agent}/edit/",
    Right.REPLAY_DELIVERIES: "POST /deliveries/{id}/replay/",
    Right.MANAGE_USERS: "GET /settings/users/",
    Right.MANAGE_ACCESS: "GET /settings/access/",
    Right.MANAGE_SETTINGS: "GET /settings/",
    Right.MANAGE_RETELL: "GET /settings/retell/",
    Right.MANAGE_API: "GET /settings/api/",
    Right.MANAGE_NOTICES: "GET /settings/notices/",
}
# Shown within pages, and tested where they are: masked numbers, bodies, files without numbers,
# buttons beside what others wrote.
WITHIN_PAGES = {
    Right.SEE_PERSONAL_DATA, Right.READ_BODIES, Right.EXPORT, Right.DELETE_NOTES,
    Right.SHARE_VIEWS,
}  # fmt: skip
ROLES = (SUPER_ADMIN, Role.ADMIN, Role.VIEWER)


def test_every_right_says_who_has_it() -> None:
    assert set(TABLE) == set(Right)
    assert all(set(columns) == set(ROLES) for columns in TABLE.values())
    assert all(right.description for right in Right)


def test_every_right_has_a_page_or_is_tested_within_one() -> None:
    assert set(PAGES) | WITHIN_PAGES == set(Right)


def test_an_operator_inside_may_only_read() -> None:
    assert rights_of(SUPER_ADMIN) == {Right.READ, Right.READ_AUDIT}


def test_a_policy_gives_nobody_what_the_table_denies() -> None:
    everything = frozenset(Right)
    denied = {right for right in Right if TABLE[right][Role.VIEWER] == Allowed.NO}
    assert not rights_of(Role.VIEWER, everything) & denied


def who(role: str, world: World, browser_of: ClientFactory) -> CanaryClient:
    people = world.people
    if role == SUPER_ADMIN:
        return browser_of(people.sam, world.acme, acting_inside=world.acme)
    return browser_of(people.alice if role == Role.ADMIN else people.bob, world.acme)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("right", PAGES)
def test_pages_answer_as_the_table_says(
    world: World, browser_of: ClientFactory, right: Right, role: str
) -> None:
    with organization_context(world.acme):
        agent = Agent.objects.create(retell_agent_id="agent_1")
    method, path = PAGES[right].format(agent=agent.pk, id=uuid4()).split()
    client = who(role, world, browser_of)
    status = getattr(client, method.lower())(path).status_code
    assert (status == 403) is (right not in rights_of(role))


@pytest.mark.parametrize("allowed", [False, True])
def test_a_policy_changes_what_viewers_may(
    world: World, browser_of: ClientFactory, allowed: bool
) -> None:
    with door():
        AccessPolicy.objects.create(organization=world.acme, viewers_see_personal_data=allowed)
    page = browser_of(world.people.bob, world.acme).get("/settings/access/")
    assert page.status_code == 403
    policy = AccessPolicy(viewers_see_personal_data=allowed)
    rights = rights_of(Role.VIEWER, policy.viewers_rights)
    assert (Right.SEE_PERSONAL_DATA in rights) is allowed
