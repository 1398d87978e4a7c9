"""Pages of exports: who sees which, what they say, and what is asked before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.access import policy_of
from agents.models import RetellConnection
from audit.models import Entry
from calls.models import SavedView
from completeness.models import Completeness
from exports import actions
from exports.models import Export, Format
from exports.tests.helpers import asked, content, made, make_calls, run, table
from jobs import actions as jobs
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import door, platform
from testing.fixtures import ClientFactory, World

CHOICE = {"format": "csv", "columns": ["call_id", "caller", "cost"], "numbers": "masked"}


@pytest.fixture
def calls(world: World) -> World:
    with organization_context(world.acme):
        make_calls(3)
    return world


def only_export(world: World) -> Export:
    with organization_context(world.acme):
        return Export.objects.select_related("job").get()


def let_viewers_export(organization: Organization) -> None:
    with door():
        policy = policy_of(organization)
        policy.viewers_export_personal_data = policy.viewers_see_personal_data = True
        policy.save()


def test_the_page_says_what_the_file_will_hold(calls: World, browser_of: ClientFactory) -> None:
    page = browser_of(calls.people.alice, calls.acme).get("/exports/new/?direction=inbound")
    text = page.content.decode()
    assert "<dt>Calls</dt><dd>3</dd>" in text
    assert "<dt>Minutes</dt><dd>3.1</dd>" in text
    assert "<dt>Cost</dt><dd>$0.37</dd>" in text
    assert "Direction is Inbound" in text
    assert "America/New_York" in text


def late(organization: Organization) -> None:
    """Nothing was compared with Retell for three hours."""
    with organization_context(organization):
        RetellConnection.objects.update(api_key_encrypted=b"sealed")
        Completeness.objects.create(pk=1, complete_until=timezone.now() - timedelta(hours=3))


def test_a_gap_is_an_alarm_before_and_after(calls: World, browser_of: ClientFactory) -> None:
    late(calls.acme)
    client = browser_of(calls.people.alice, calls.acme)
    assert 'class="completeness bad"' in client.get("/exports/new/").content.decode()
    client.post("/exports/new/", CHOICE)
    export = only_export(calls)
    with organization_context(calls.acme):
        jobs.run(calls.acme, export.job_id)
    page = client.get(f"/exports/{export.pk}/").content.decode()
    assert '<span class="badge bad"><span class="dot bad"></span>calls may be missing' in page


def test_asking_starts_a_job_with_what_was_chosen(calls: World, browser_of: ClientFactory) -> None:
    client = browser_of(calls.people.alice, calls.acme)
    answer = client.post("/exports/new/?direction=inbound", CHOICE)
    export = only_export(calls)
    assert answer.headers["Location"] == f"/exports/{export.pk}/"
    assert (export.query, export.column_codes) == ("direction=inbound", CHOICE["columns"])
    assert (export.whole_numbers, export.is_personal) == (False, False)
    assert (export.job.total, export.job.started_by) == (3, "Alice")


def test_an_export_is_seen_waiting_being_made_and_ready(
    calls: World, browser_of: ClientFactory
) -> None:
    client = browser_of(calls.people.alice, calls.acme)
    url = client.post("/exports/new/", CHOICE).headers["Location"]
    assert "Waiting" in client.get(url).content.decode()
    with organization_context(calls.acme):
        jobs.run(calls.acme, only_export(calls).job_id)
    page = client.get(url).content.decode()
    assert "The file is ready" in page
    assert f"{url}download/" in page
    assert only_export(calls).sha256 in page


def test_a_filter_that_is_not_understood_exports_nothing(
    calls: World, browser_of: ClientFactory
) -> None:
    client = browser_of(calls.people.alice, calls.acme)
    for answer in (client.get("/exports/new/?dirction=x"), client.post("/exports/new/?dirction=x", CHOICE)):  # fmt: skip # noqa: E501
        assert "“dirction” is not known" in answer.content.decode()
    with organization_context(calls.acme):
        assert not Export.objects.exists()


def test_without_calls_there_is_nothing_to_make(calls: World, browser_of: ClientFactory) -> None:
    page = browser_of(calls.people.alice, calls.acme).get("/exports/new/?direction=outbound")
    assert "No call matches" in page.content.decode()


def test_no_column_is_explained_beside_the_field(calls: World, browser_of: ClientFactory) -> None:
    client = browser_of(calls.people.alice, calls.acme)
    page = client.post("/exports/new/", CHOICE | {"columns": []}).content.decode()
    assert "Choose at least one column." in page


def test_a_viewer_gets_masked_numbers_and_nothing_that_was_said(
    calls: World, browser_of: ClientFactory
) -> None:
    client = browser_of(calls.people.bob, calls.acme)
    page = client.get("/exports/new/").content.decode()
    assert 'value="summary"' not in page
    assert 'name="numbers"' not in page
    client.post("/exports/new/", CHOICE | {"numbers": "whole"})
    with organization_context(calls.acme):
        export = run(calls.acme, Export.objects.get())
        _, rows, _ = table(export)
    assert {row[1] for row in rows} == {"•••• 0142"}


def test_what_was_said_cannot_be_slipped_in(calls: World, browser_of: ClientFactory) -> None:
    client = browser_of(calls.people.bob, calls.acme)
    client.post("/exports/new/", CHOICE | {"columns": ["call_id", "transcript"]})
    with organization_context(calls.acme):
        assert not Export.objects.exists()


def test_whole_numbers_ask_who_it_is_first(calls: World, browser_of: ClientFactory) -> None:
    client = browser_of(calls.people.alice, calls.acme, confirmed=False)
    answer = client.post("/exports/new/", CHOICE | {"numbers": "whole"})
    assert answer.headers["Location"].startswith("/confirm/")
    with organization_context(calls.acme):
        assert not Export.objects.exists()


def test_a_saved_view_is_exported_with_its_filter_and_its_columns(
    calls: World, browser_of: ClientFactory
) -> None:
    alice = browser_of(calls.people.alice, calls.acme)
    alice.post("/calls/columns/", {"columns": ["cost"]})
    alice.post("/calls/views/new/?direction=inbound", {"name": "Costs", "is_shared": "on"})
    with organization_context(calls.acme):
        view = SavedView.objects.get()
    bob = browser_of(calls.people.bob, calls.acme)
    link = f"/exports/new/?direction=inbound&view={view.pk}"
    assert link.replace("&", "&amp;") in bob.get(view.get_absolute_url()).content.decode()
    page = bob.get(link)
    assert "Direction is Inbound" in page.content.decode()
    assert page.context["form"].initial["columns"] == ["call_id", "caller", "cost"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 3),
        ("state=ready", 1),
        ("state=waiting", 1),
        ("state=cancelled", 1),
        ("state=failed", 0),
        ("state=expired", 0),
        ("format=xlsx", 1),
        ("subject=chats", 0),
        ("q=alice", 3),
        ("q=Calls+as+Excel", 1),
        ("asked_before=2020-01-01T00:00", 0),
        ("person=00000000-0000-0000-0000-000000000000", 3),
    ],
)
def test_the_list_is_filtered(
    calls: World, browser_of: ClientFactory, query: str, expected: int
) -> None:
    with organization_context(calls.acme):
        made(calls.acme, calls.people.alice)
        asked(calls.acme, calls.people.alice, format=Format.XLSX)
        actions.cancel(asked(calls.acme, calls.people.alice))
    page = browser_of(calls.people.alice, calls.acme).get(f"/exports/?{query}")
    assert len(page.context["rows"]) == expected


def test_nothing_that_matches_is_told_from_nothing_yet(
    calls: World, browser_of: ClientFactory
) -> None:
    client = browser_of(calls.people.alice, calls.acme)
    assert "No exports yet" in client.get("/exports/").content.decode()
    assert "No export matches" in client.get("/exports/?format=pdf").content.decode()


def test_people_see_their_own_exports_and_admins_all(
    calls: World, browser_of: ClientFactory
) -> None:
    with organization_context(calls.acme):
        hers = asked(calls.acme, calls.people.alice)
    bob = browser_of(calls.people.bob, calls.acme)
    bob.post("/exports/new/", CHOICE)
    assert bob.get(hers.get_absolute_url()).status_code == 404
    assert bob.get("/exports/").content.decode().count('class="k"') == 1
    alice = browser_of(calls.people.alice, calls.acme)
    assert alice.get("/exports/").content.decode().count('class="k"') == 2


@pytest.mark.parametrize("path", ["", "download/"])
def test_another_organizations_export_is_not_there(
    calls: World, browser_of: ClientFactory, path: str
) -> None:
    with organization_context(calls.acme):
        export = made(calls.acme, calls.people.alice)
    charlie = browser_of(calls.people.charlie, calls.globex)
    assert charlie.get(f"/exports/{export.pk}/{path}").status_code == 404


def test_the_list_says_when_there_are_none(world: World, browser_of: ClientFactory) -> None:
    page = browser_of(world.people.alice, world.acme).get("/exports/").content.decode()
    assert "No exports yet" in page


def test_the_list_shows_the_end_of_a_failed_one(calls: World, browser_of: ClientFactory) -> None:
    with organization_context(calls.acme):
        export = asked(calls.acme, calls.people.alice)
        Export.objects.update(query="agent=00000000-0000-0000-0000-000000000000")
        run(calls.acme, export)
    client = browser_of(calls.people.alice, calls.acme)
    assert "Failed" in client.get("/exports/").content.decode()
    assert "cannot be read any more" in client.get(export.get_absolute_url()).content.decode()


def test_cancelling_leaves_no_file(calls: World, browser_of: ClientFactory) -> None:
    with organization_context(calls.acme):
        export = asked(calls.acme, calls.people.alice)
    client = browser_of(calls.people.alice, calls.acme)
    client.post(f"/exports/{export.pk}/cancel/")
    page = client.get(export.get_absolute_url()).content.decode()
    assert "There is no file" in page
    assert client.get(f"/exports/{export.pk}/download/").status_code == 302


def test_deleting_removes_file_and_row_and_is_logged(
    calls: World, browser_of: ClientFactory
) -> None:
    with organization_context(calls.acme):
        export = made(calls.acme, calls.people.alice)
    browser_of(calls.people.alice, calls.acme).post(f"/exports/{export.pk}/delete/")
    with organization_context(calls.acme):
        assert not Export.objects.exists()
        assert content(export) == b""
        assert Entry.objects.filter(code="exports.deleted").count() == 1


def test_one_that_is_being_made_is_cancelled_before_it_is_deleted(
    calls: World, browser_of: ClientFactory
) -> None:
    with organization_context(calls.acme):
        export = asked(calls.acme, calls.people.alice)
    client = browser_of(calls.people.alice, calls.acme)
    page = client.post(f"/exports/{export.pk}/delete/", follow=True).content.decode()
    assert "cancel it first" in page
    assert only_export(calls).pk == export.pk


def test_asking_is_logged_with_the_filter(calls: World, browser_of: ClientFactory) -> None:
    browser_of(calls.people.alice, calls.acme).post("/exports/new/?direction=inbound", CHOICE)
    with organization_context(calls.acme):
        entry = Entry.objects.get(code="exports.asked")
    assert entry.details["filter"] == "Direction is Inbound"
    assert entry.details["numbers"] == "masked"


def test_mail_is_sent_only_to_who_wants_it(calls: World) -> None:
    with organization_context(calls.acme):
        made(calls.acme, calls.people.alice)
        export = made(calls.acme, calls.people.alice, wants_mail=True)
    with platform():
        mails: Any = ProcrastinateJob.objects.filter(task_name="exports.send_ready_mail")
        assert [job.args["export_id"] for job in mails] == [str(export.pk)]


def test_the_list_asks_as_much_of_the_database_for_two_as_for_fifty(
    calls: World, browser_of: ClientFactory
) -> None:
    counts = []
    client = browser_of(calls.people.alice, calls.acme)
    for number in (2, 48):
        with organization_context(calls.acme):
            for _ in range(number):
                asked(calls.acme, calls.people.alice, format=Format.CSV)
        client.get("/exports/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/exports/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_an_expired_file_is_said_to_be_gone(calls: World, browser_of: ClientFactory) -> None:
    with organization_context(calls.acme):
        export = made(calls.acme, calls.people.alice)
        Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    client = browser_of(calls.people.alice, calls.acme)
    assert "older than seven days" in client.get(export.get_absolute_url()).content.decode()
    assert client.get(f"/exports/{export.pk}/download/").status_code == 302
