"""Operators looking inside: with a reason, read only, for half an hour, on record."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import tasks
from accounts.actions import acting as actions
from accounts.models import AccessPolicy, ActingInside, User
from audit.models import Entry
from calls.models import Call
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import door, platform
from testing.fixtures import CanaryClient, ClientFactory, World

REASON = "The client asked about a call"


def detail(organization: Organization) -> str:
    return f"/organizations/{organization.pk}/"


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def log_of(organization: Organization) -> list[str]:
    with platform():
        return [entry.sentence for entry in Entry.objects.of_chain(organization.pk).in_order()]


def ask(client: CanaryClient, organization: Organization, reason: str = REASON) -> Any:
    return client.post(f"{detail(organization)}visit/", {"reason": reason})


def go_inside(operator: CanaryClient, organization: Organization) -> CanaryClient:
    """Follow the link in, in the same browser."""
    link = operator.get(f"{detail(organization)}visit/enter/")["Location"]
    inside = CanaryClient(organization.host)
    response = inside.get(path_of(link), headers={"Sec-Fetch-Site": "same-site"})
    assert response["Location"] == "/"
    return inside


@pytest.fixture
def operator(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.sam)


@pytest.fixture
def inside(operator: CanaryClient, acme: Organization) -> CanaryClient:
    ask(operator, acme)
    return go_inside(operator, acme)


def require_consent(organization: Organization) -> None:
    with door():
        AccessPolicy.objects.create(organization=organization, act_as_needs_consent=True)


def newest_visit() -> ActingInside:
    with door():
        return ActingInside.objects.select_related("organization").latest("requested_at")


def test_an_operator_reads_pages_inside_with_a_banner(inside: CanaryClient) -> None:
    page = inside.get("/calls/").content.decode()
    assert "You look inside Acme as an operator" in page
    assert REASON in page


def test_without_a_reason_nobody_comes_in(operator: CanaryClient, acme: Organization) -> None:
    ask(operator, acme, reason="because")
    assert operator.get(f"{detail(acme)}visit/enter/").status_code == 404


def test_an_operator_inside_changes_nothing(inside: CanaryClient, acme: Organization) -> None:
    with organization_context(acme):
        call = Call.objects.create(retell_call_id="call_1")
    response = inside.post(f"/calls/{call.pk}/classify/", {"is_billable": "no", "reason": "x"})
    assert response.status_code == 403


def test_an_operator_inside_sees_numbers_masked(inside: CanaryClient, acme: Organization) -> None:
    with organization_context(acme):
        Call.objects.create(retell_call_id="call_1", from_number="+14155550142")
    page = inside.get("/calls/").content.decode()
    assert "0142" in page
    assert "4155550" not in re.sub(r"[^\w]", "", page)


@pytest.mark.parametrize("path", ["/confirm/", "/switch/"])
def test_an_operator_inside_reaches_no_account_page(inside: CanaryClient, path: str) -> None:
    assert inside.get(path).status_code == 403


def test_every_page_read_stands_in_the_organizations_log(
    inside: CanaryClient, acme: Organization
) -> None:
    inside.get("/agents/?from=%2B14155550142")
    assert log_of(acme)[-3:] == [
        "Sam began to look inside as an operator",
        "Sam came in to look around",
        "Sam (operator, read-only) read the page /agents/",
    ]


def test_no_header_keeps_a_page_out_of_the_log(inside: CanaryClient, acme: Organization) -> None:
    inside.get("/agents/", headers={"X-Live-Refresh": "1"})
    assert log_of(acme)[-1] == "Sam (operator, read-only) read the page /agents/"


def test_a_page_that_refreshes_itself_is_noted_once(
    inside: CanaryClient, acme: Organization
) -> None:
    inside.get("/agents/")
    before = log_of(acme)
    inside.get("/agents/", headers={"X-Live-Refresh": "1"})
    assert log_of(acme) == before


def test_each_entry_holds_the_reason(inside: CanaryClient, acme: Organization) -> None:
    inside.get("/agents/")
    with platform():
        newest = Entry.objects.of_chain(acme.pk).latest("sequence")
    assert newest.reason == REASON


def test_after_half_an_hour_it_is_over(inside: CanaryClient) -> None:
    with door():
        ActingInside.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert inside.get("/").status_code == 302


def test_the_session_inside_ends_with_the_operators_rights(
    inside: CanaryClient, world: World
) -> None:
    with door():
        User.objects.filter(pk=world.people.sam.pk).update(is_super_admin=False)
    assert inside.get("/").status_code == 302


def test_leaving_ends_the_visit(inside: CanaryClient) -> None:
    assert "You left Acme" in inside.post("/leave/").content.decode()
    assert inside.get("/").status_code == 302
    assert newest_visit().ended_at is not None


def test_where_consent_is_required_nobody_enters_before_it(
    operator: CanaryClient, acme: Organization
) -> None:
    require_consent(acme)
    ask(operator, acme)
    response = operator.get(f"{detail(acme)}visit/enter/")
    assert response["Location"] == detail(acme)
    assert newest_visit().started_at is None


def test_the_admins_are_asked_by_mail(
    operator: CanaryClient, acme: Organization, mailoutbox: list[Any]
) -> None:
    require_consent(acme)
    ask(operator, acme)
    tasks.tell_admins_of_visit(str(newest_visit().pk))
    assert [mail.to for mail in mailoutbox] == [["alice@example.com"]]
    assert REASON in mailoutbox[0].body


def test_with_consent_the_operator_enters(
    operator: CanaryClient, world: World, browser_of: ClientFactory
) -> None:
    require_consent(world.acme)
    ask(operator, world.acme)
    alice = browser_of(world.people.alice, world.acme)
    alice.post(f"/settings/visits/{newest_visit().pk}/allow/")
    assert go_inside(operator, world.acme).get("/").status_code == 200
    assert "Alice allowed Sam to look inside" in log_of(world.acme)


def test_a_refused_operator_stays_outside(
    operator: CanaryClient, world: World, browser_of: ClientFactory
) -> None:
    require_consent(world.acme)
    ask(operator, world.acme)
    alice = browser_of(world.people.alice, world.acme)
    alice.post(f"/settings/visits/{newest_visit().pk}/refuse/")
    assert operator.get(f"{detail(world.acme)}visit/enter/").status_code == 404


def test_an_admin_ends_a_visit_that_is_under_way(
    inside: CanaryClient, world: World, browser_of: ClientFactory
) -> None:
    alice = browser_of(world.people.alice, world.acme)
    alice.post(f"/settings/visits/{newest_visit().pk}/refuse/")
    assert inside.get("/").status_code == 302


def test_consent_does_not_last_for_ever(
    operator: CanaryClient, acme: Organization, world: World
) -> None:
    require_consent(acme)
    ask(operator, acme)
    actions.consent(newest_visit(), by=world.people.alice)
    with door():
        ActingInside.objects.update(consented_at=timezone.now() - timedelta(hours=25))
    operator.get(f"{detail(acme)}visit/enter/")
    assert newest_visit().started_at is None


def test_a_viewer_decides_nothing(
    operator: CanaryClient, world: World, browser_of: ClientFactory
) -> None:
    require_consent(world.acme)
    ask(operator, world.acme)
    bob = browser_of(world.people.bob, world.acme)
    assert bob.post(f"/settings/visits/{newest_visit().pk}/allow/").status_code == 403


def test_another_organizations_admin_finds_no_visit(
    operator: CanaryClient, world: World, browser_of: ClientFactory
) -> None:
    require_consent(world.acme)
    ask(operator, world.acme)
    charlie = browser_of(world.people.charlie, world.globex)
    assert charlie.post(f"/settings/visits/{newest_visit().pk}/allow/").status_code == 404
