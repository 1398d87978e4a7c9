"""The log's pages: who sees what, filters, the four states, the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from accounts.models import User
from agents.models import Agent
from audit.actions import record
from audit.circumstances import Actor, circumstances
from audit.models import Entry
from audit.presentation import KEYS
from audit.querysets import EntryQuerySet
from audit.tests.chains import DONE, append, entries, texts
from audit.vocabulary import Action, Kind
from config.paging import keyset_batches
from tenants.models import Organization
from tenants.pin import organization_context, pinned_schema
from tenants.scope import platform, scoped_connection
from testing.fixtures import CanaryClient, ClientFactory, World

READ = Action("tests.read", "looked at {object}", Kind.ACCESS)


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


@pytest.fixture
def sam(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.sam)


def rows(client: CanaryClient, query: str = "") -> list[str]:
    """The sentences that a list shows."""
    response = client.get(f"/audit/{query}")
    assert response.status_code == 200
    return [row.entry.sentence for row in response.context["rows"]]


def at(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    when = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    monkeypatch.setattr("audit.actions.timezone.now", lambda: when)


def by(name: str, world: World, organization: Organization | None, what: str) -> None:
    person = getattr(world.people, name)
    with platform(), circumstances(actor=Actor(person.audit_label, person.pk)):
        record(DONE, what, organization=organization)


def test_entries_are_shown_newest_first(world: World, alice: CanaryClient) -> None:
    append(world.acme, 2)
    assert rows(alice)[:2] == ["Switchboard did something 2", "Switchboard did something 1"]


def test_an_entry_opens_to_all_it_says(world: World, alice: CanaryClient) -> None:
    now = {"address": "203.0.113.9", "request_id": "request-17", "details": {"device": "Fox 9"}}
    with platform(), circumstances(**now):
        changes = {"role": ["Viewer", "Admin"], "name": ["", "Eve"]}
        record(DONE, "it", changes=changes, reason="They asked", organization=world.acme)
    page = alice.get("/audit/").content.decode()
    for text in ("203.0.113.9", "request-17", "Fox 9", "They asked", "Viewer", "Admin", "Eve"):
        assert text in page


def test_text_of_an_entry_is_no_markup(world: World, alice: CanaryClient) -> None:
    append(world.acme, 1, "<script>alert(1)</script>")
    assert "<script>alert" not in alice.get("/audit/").content.decode()


def test_an_organization_sees_no_other_log(world: World, alice: CanaryClient) -> None:
    append(world.globex, 1, "in Globex")
    with platform():
        record(DONE, "the operator's own")
    assert not [row for row in rows(alice) if "Globex" in row or "operator's" in row]


def test_an_operator_sees_all_logs_and_their_own(world: World, sam: CanaryClient) -> None:
    for owner in (world.acme, world.globex):
        append(owner, 1, f"in {owner.name}")
    with platform():
        record(DONE, "their own")
    assert rows(sam)[:3] == [
        "Switchboard did their own",
        "Switchboard did in Globex 1",
        "Switchboard did in Acme 1",
    ]
    assert [row.organization for row in sam.get("/audit/").context["rows"]][:3] == [
        "Operator",
        "Globex",
        "Acme",
    ]


def test_an_operators_links_stay_in_the_log_of_the_entry(world: World, sam: CanaryClient) -> None:
    by("bob", world, world.acme, "a")
    by("bob", world, world.globex, "b")
    link = dict(sam.get("/audit/?organization=acme").context["rows"][0].links)["All of Bob"]
    assert rows(sam, link.removeprefix("/audit/")) == ["Bob did a"]


@pytest.mark.parametrize(("chosen", "shown"), [("globex", "in Globex"), ("operator", "their own")])
def test_an_operator_filters_by_organization(
    world: World, sam: CanaryClient, chosen: str, shown: str
) -> None:
    append(world.globex, 1, "in Globex")
    append(world.acme)
    with platform():
        record(DONE, "their own")
    found = rows(sam, f"?organization={chosen}")
    assert shown in found[0]
    assert not [row for row in found if "something" in row]


def test_a_log_is_filtered_by_person(world: World, alice: CanaryClient) -> None:
    by("alice", world, world.acme, "a")
    by("bob", world, world.acme, "b")
    assert rows(alice, f"?person={world.people.bob.pk}") == ["Bob did b"]
    assert "Bob did b" not in rows(alice, "?person=none")


def test_everybody_who_did_something_can_be_chosen(world: World, alice: CanaryClient) -> None:
    for name in ("bob", "alice", "bob", "sam"):
        by(name, world, world.acme, "a")
    by("charlie", world, world.globex, "a")
    form = alice.get("/audit/").context["filter_form"]
    labels = [label for _, label in form.fields["person"].choices]
    assert labels == ["Any", "Alice", "Bob", "Sam", "Jobs and commands"]


def test_a_log_is_filtered_by_object(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        mine, other = [Agent.objects.create(retell_agent_id=name) for name in ("one", "two")]
        record(DONE, mine)
        record(DONE, other)
    response = alice.get(f"/audit/?object=agents.agent:{mine.pk}")
    assert [row.entry.object_repr for row in response.context["rows"]] == ["one"]
    assert response.context["filters"][0]["value"] == "one"
    links = dict(response.context["rows"][0].links)
    assert links["Open"] == mine.get_absolute_url()


def test_a_log_is_filtered_by_action_and_kind(world: World, alice: CanaryClient) -> None:
    with platform():
        record(READ, "it", organization=world.acme)
        record(DONE, "it", organization=world.acme)
    assert rows(alice, "?action=tests.read") == ["Switchboard looked at it"]
    assert rows(alice, "?kind=3&q=it")[0] == "Switchboard looked at it"
    assert rows(alice, "?kind=1&q=it")[0] == "Switchboard did it"


def test_a_log_is_filtered_by_who_acted_as_an_operator(world: World, alice: CanaryClient) -> None:
    append(world.acme)
    with circumstances(acting_as="operator, read-only"):
        append(world.acme)
    assert rows(alice, "?acting=operator") == ["Switchboard (operator, read-only) did something 1"]


def test_times_are_read_in_the_organizations_zone(
    world: World, alice: CanaryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for moment in ("2026-03-01T04:59", "2026-03-01T05:00", "2026-03-01T06:00"):
        at(monkeypatch, moment)
        append(world.acme, 1, moment)
    monkeypatch.undo()
    # New York is five hours behind.
    found = rows(alice, "?since=2026-03-01T00:00&until=2026-03-01T01:00")
    assert found == ["Switchboard did 2026-03-01T05:00 1"]
    assert "2026-03-01T00:00:00-05:00" in alice.get("/audit/").content.decode()


def test_everybody_reads_one_clock(
    world: World, alice: CanaryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever zone they chose for themselves: people speak about the same entry."""
    with platform():
        User.objects.filter(pk=world.people.alice.pk).update(time_zone="Asia/Tokyo")
    at(monkeypatch, "2026-03-01T05:00")
    append(world.acme)
    monkeypatch.undo()
    query = "?since=2026-03-01T00:00&until=2026-03-01T00:01"
    assert rows(alice, query) == ["Switchboard did something 1"]
    assert "2026-03-01T00:00:00-05:00" in alice.get(f"/audit/{query}").content.decode()
    assert file(alice, query)[5][0].startswith("2026-03-01 00:00:00.000-05:00")


def test_a_filter_that_nobody_chose_is_none(world: World, alice: CanaryClient) -> None:
    """The form as a browser sends it when nothing was touched."""
    form = alice.get("/audit/").context["filter_form"]
    first = {name: form.fields[name].choices[0][0] for name in SELECTS}
    assert first == dict.fromkeys(SELECTS, "")


def test_active_filters_are_chips_that_can_be_removed(world: World, alice: CanaryClient) -> None:
    append(world.acme)
    query = f"?action=tests.done&person={NOBODY}&since=2026-01-01T00:00&q=some"
    filters = alice.get(f"/audit/{query}").context["filters"]
    assert [(chip["label"], chip["operator"], chip["value"]) for chip in filters] == [
        ("Person", "is", "Jobs and commands"),
        ("Action", "is", "Did …"),
        ("Time", "from", "Jan 1, 2026, 12:00 AM EST"),
    ]
    assert "person" not in filters[0]["remove_url"]
    assert "action=tests.done" in filters[0]["remove_url"]


NOBODY = "none"
SELECTS = ("person", "action", "kind", "acting")
ODD = ["person=x", "kind=9", "since=x", "since=0001-01-01T00:00", "until=9999-12-31T23:59",
       "object=x", "object=:", "action=x", "organization=nowhere", "acting=x", "after=x",
       f"q={quote('é' * 200)}", "q=%ED%A0%80", "unknown=1"]  # fmt: skip


@pytest.mark.parametrize("query", ODD)
def test_nothing_in_the_url_breaks_the_page(
    world: World, alice: CanaryClient, sam: CanaryClient, query: str
) -> None:
    for client in (alice, sam):
        assert client.get(f"/audit/?{query}").status_code == 200
        assert client.get(f"/audit/export/?{query}").status_code == 200


def test_what_was_not_understood_is_said(world: World, alice: CanaryClient) -> None:
    page = alice.get("/audit/?since=yesterday&colour=red").content.decode()
    assert "“From” was not understood and was ignored." in page
    assert "The filter “colour” is not known and was ignored." in page


def test_a_log_without_entries_says_so(
    world: World, alice: CanaryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Entry.objects, "of_chain", lambda _: Entry.objects.none())
    assert "No entries yet" in alice.get("/audit/").content.decode()


def test_a_filter_that_matches_nothing_says_so(world: World, alice: CanaryClient) -> None:
    page = alice.get("/audit/?q=nothing-is-called-that").content.decode()
    assert "No entry matches" in page
    assert "Clear filters" in page


def test_a_list_is_paged_both_ways(world: World, alice: CanaryClient) -> None:
    append(world.acme, 60)
    first = alice.get("/audit/?q=something")
    second = alice.get(first.context["page"].older_url)
    assert len(first.context["rows"]) == 50
    assert len(second.context["rows"]) == 10
    assert rows(alice, second.context["page"].newer_url.removeprefix("/audit/")) == [
        row.entry.sentence for row in first.context["rows"]
    ]


def test_htmx_gets_the_list_alone(world: World, alice: CanaryClient) -> None:
    page = alice.get("/audit/", headers={"HX-Request": "true"}).content.decode()
    assert page.lstrip().startswith('<div class="card flush" id="entries"')


@pytest.mark.parametrize("number", [2, 40])
def test_a_page_asks_the_same_queries_however_long(
    world: World, alice: CanaryClient, sam: CanaryClient, number: int,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    append(world.acme, number)
    with django_assert_max_num_queries(14):
        alice.get("/audit/")
    with django_assert_max_num_queries(14):
        sam.get("/audit/")


def test_a_super_admin_inside_reads_the_log_and_takes_no_file(
    world: World, browser_of: ClientFactory
) -> None:
    inside = browser_of(world.people.sam, world.acme, acting_inside=world.acme)
    assert inside.get("/audit/").status_code == 200
    assert "/audit/export/" not in inside.get("/audit/").content.decode()
    assert inside.get("/audit/export/").status_code == 403


def test_a_viewer_sees_neither_log_nor_link_to_it(world: World, browser_of: ClientFactory) -> None:
    bob = browser_of(world.people.bob, world.acme)
    assert bob.get("/audit/").status_code == 403
    assert "/audit/" not in bob.get("/").content.decode()


@pytest.mark.parametrize("person", ["alice", "sam"])
def test_the_file_asks_who_it_is_for_first(
    world: World, browser_of: ClientFactory, person: str
) -> None:
    owner = world.acme if person == "alice" else None
    client = browser_of(getattr(world.people, person), owner, confirmed=False)
    before = len(entries(owner))
    response = client.get("/audit/export/?q=x")
    assert response.status_code == 302
    assert response["Location"] == "/confirm/?next=/audit/export/%3Fq%3Dx"
    assert len(entries(owner)) == before


def file(client: CanaryClient, query: str = "") -> list[list[str]]:
    response: Any = client.get(f"/audit/export/{query}")
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_the_file_begins_with_zone_and_filter_and_ends_with_its_end(
    world: World, alice: CanaryClient
) -> None:
    append(world.acme, 3)
    lines = file(alice, "?q=something&since=2026-01-01T00:00")
    assert lines[0] == ["Audit log of Acme"]
    assert lines[1] == ["Times in America/New_York"]
    assert lines[2] == [
        "Filter: Person or object contains something; Time from Jan 1, 2026, 12:00 AM EST"
    ]
    assert lines[3][0].startswith("Exported 20")
    assert lines[4][:3] == ["Time", "Log", "Number"]
    assert lines[-1] == ["End of the file: 3 entries"]
    assert [line[5] for line in lines[5:-1]] == [
        f"Switchboard did something {number}" for number in (3, 2, 1)
    ]


def test_the_file_holds_all_entries_up_to_itself(world: World, alice: CanaryClient) -> None:
    append(world.acme, 60)
    numbers = [int(line[2]) for line in file(alice)[5:-1]]
    assert numbers == list(range(entries(world.acme)[-1].sequence - 1, 0, -1))


def test_batches_leave_nothing_out_and_repeat_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, "2026-03-01T04:59")  # all at one moment: the id decides
    append(world.acme, 9)
    found = Entry.objects.of_chain(world.acme.pk).newest_first()
    batches = list(keyset_batches(found, keys=KEYS, scope=platform, size=4))
    with platform():
        assert [entry for batch in batches for entry in batch] == list(found)
    assert {len(batch) for batch in batches[:-1]} == {4}


def test_the_file_runs_nothing(world: World, alice: CanaryClient) -> None:
    with platform(), circumstances(actor=Actor("@Eve"), details={"device": "=1+1"}):
        record(DONE, "=cmd()", reason="-1+1", organization=world.acme)
    line = file(alice, "?q=cmd")[5]
    assert {"'@Eve", "'=cmd()", "'-1+1", "'=1+1"} <= set(line)


def test_the_file_of_an_organization_holds_no_other(
    world: World, alice: CanaryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the query forgets to ask: it is read as the organization's role."""
    append(world.globex, 1, "in Globex")
    append(world.acme, 1, "in Acme")
    monkeypatch.setattr(EntryQuerySet, "of_chain", lambda self, _: self)
    found = str(file(alice))
    assert "in Acme" in found
    assert "in Globex" not in found


def test_the_operators_file_says_whose_each_entry_is(world: World, sam: CanaryClient) -> None:
    append(world.acme, 1, "canary")
    append(world.globex, 1, "canary")
    lines = file(sam, "?q=canary")
    assert lines[1] == ["Times in UTC"]
    assert [line[1] for line in lines[5:-1]] == ["Globex", "Acme"]
    assert [line[1] for line in file(sam, "?q=canary&organization=acme")[5:-1]] == ["Acme"]


def test_taking_the_file_is_an_entry_with_its_filter(world: World, alice: CanaryClient) -> None:
    file(alice, "?q=something")
    entry = entries(world.acme)[-1]
    assert entry.sentence == (
        "Alice exported the audit log, filter: Person or object contains something"
    )
    assert texts(world.acme) == []


def test_while_a_file_is_sent_no_organization_is_entered(world: World, alice: CanaryClient) -> None:
    """It may be left half-read, and its thread serves another organization next."""
    response: Any = alice.get("/audit/export/")
    lines = iter(response.streaming_content)
    before = scoped_connection().tenant
    next(lines), next(lines), next(lines)
    assert pinned_schema() is None
    assert scoped_connection().tenant is before


@pytest.fixture
def agent(world: World) -> Iterator[Agent]:
    with organization_context(world.acme):
        yield Agent.objects.create(retell_agent_id="agent_1")


def test_a_page_links_to_its_history_for_those_who_may_read_it(
    world: World, alice: CanaryClient, browser_of: ClientFactory, agent: Agent
) -> None:
    link = f"/audit/?object=agents.agent:{agent.pk}"
    assert link in alice.get(agent.get_absolute_url()).content.decode()
    bob = browser_of(world.people.bob, world.acme)
    assert link not in bob.get(agent.get_absolute_url()).content.decode()
