"""Calls through the API."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.scopes import Scope
from audit.models import Entry
from calls.models import Call, CallNote
from calls.tests.records import make_call, make_calls
from tenants.models import Organization
from tenants.pin import organization_context
from testing.api import ProgramFactory
from testing.fixtures import CanaryClient, World

URL = "/api/v1/calls"


def change(client: CanaryClient, call: Call, body: dict[str, Any], **headers: str) -> Any:
    url, text = f"{URL}/{call.pk}", json.dumps(body)
    return client.patch(url, text, content_type="application/json", headers=headers)


@pytest.fixture
def call(acme: Organization) -> Call:
    with organization_context(acme):
        return make_call("call_1", from_number="+12125550142", cost_cents="18.73", duration_ms=5000)


def test_a_key_reads_calls_newest_first(acme: Organization, program: ProgramFactory) -> None:
    with organization_context(acme):
        make_calls(3)
    answer = program(acme, Scope.CALLS_READ).get(URL)
    assert answer.status_code == 200
    assert [row["retell_call_id"] for row in answer.json()["data"]] == [
        "call_0",
        "call_1",
        "call_2",
    ]


def test_links_lead_through_all_pages(acme: Organization, program: ProgramFactory) -> None:
    with organization_context(acme):
        make_calls(5)
    client, url, found = program(acme), f"{URL}?limit=2", []
    while url:
        page = client.get(url).json()
        found += [row["retell_call_id"] for row in page["data"]]
        url = page["next"] or ""
    assert found == [f"call_{at}" for at in range(5)]


def test_a_cursor_counts_with_its_own_filters_only(
    acme: Organization, program: ProgramFactory
) -> None:
    with organization_context(acme):
        make_calls(3)
    client = program(acme)
    link = client.get(f"{URL}?limit=1").json()["next"]
    answer = client.get(f"{link}&direction=inbound")
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:switchboard:problem:invalid-cursor"


def test_a_cursor_of_another_organization_is_refused(
    acme: Organization, globex: Organization, program: ProgramFactory
) -> None:
    with organization_context(acme):
        make_calls(2)
    link = program(acme).get(f"{URL}?limit=1").json()["next"]
    assert program(globex).get(URL + "?" + link.partition("?")[2]).status_code == 400


@pytest.mark.parametrize("limit", ["0", "201", "1000000000", "-1", "x", "", "٣"])
def test_a_page_has_at_most_two_hundred(
    acme: Organization, program: ProgramFactory, limit: str
) -> None:
    answer = program(acme).get(URL, {"limit": limit})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "limit"


@pytest.mark.parametrize(
    "name",
    ["page_size", "from_number", "agent__retell_agent_id", "id__gt", "provenance", "details__x"],
)
def test_what_is_no_filter_is_refused(
    acme: Organization, program: ProgramFactory, name: str
) -> None:
    answer = program(acme).get(URL, {name: "1000000000"})
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"field": name, "detail": "There is no such parameter.", "code": "unknown"}
    ]


def test_a_filter_that_is_not_understood_is_refused(
    acme: Organization, program: ProgramFactory
) -> None:
    answer = program(acme).get(f"{URL}?min_cost=much")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "min_cost")


def test_filters_of_the_page_mean_the_same(acme: Organization, program: ProgramFactory) -> None:
    with organization_context(acme):
        make_call("short", duration_ms=1000)
        make_call("long", duration_ms=60_000)
    found = program(acme).get(f"{URL}?min_duration_s=30").json()["data"]
    assert [row["retell_call_id"] for row in found] == ["long"]


def test_numbers_are_masked_without_the_scope(
    acme: Organization, program: ProgramFactory, call: Call
) -> None:
    masked = program(acme, Scope.CALLS_READ).get(f"{URL}/{call.pk}").json()
    whole = program(acme, Scope.CALLS_READ, Scope.PERSONAL_READ).get(f"{URL}/{call.pk}").json()
    assert (masked["from_number"], whole["from_number"]) == ("•••• 0142", "+12125550142")


def test_a_masked_number_cannot_be_guessed_by_a_filter(
    acme: Organization, program: ProgramFactory, call: Call
) -> None:
    client = program(acme, Scope.CALLS_READ)
    assert client.get(f"{URL}?q=2125").json()["data"] == []
    assert len(client.get(f"{URL}?q=0142").json()["data"]) == 1


def test_money_is_exact_and_times_have_a_zone(
    acme: Organization, program: ProgramFactory, call: Call
) -> None:
    shown = program(acme).get(f"{URL}/{call.pk}").json()
    assert shown["cost"] == {"amount": "0.1873", "currency": "USD"}
    assert shown["started_at"] == "2026-03-10T12:00:00-04:00"
    assert shown["duration_ms"] == 5000


def test_values_that_retell_adds_are_passed_through(
    acme: Organization, program: ProgramFactory
) -> None:
    with organization_context(acme):
        call = make_call("call_1", disconnection_reason="taken_by_aliens", status="dreaming")
    shown = program(acme).get(f"{URL}/{call.pk}").json()
    assert (shown["disconnection_reason"], shown["status"]) == ("taken_by_aliens", "dreaming")


def test_only_the_fields_that_were_asked_for(
    acme: Organization, program: ProgramFactory, call: Call
) -> None:
    client = program(acme)
    assert client.get(f"{URL}/{call.pk}?fields=id,status").json().keys() == {"id", "status"}
    refused = client.get(f"{URL}/{call.pk}?fields=provenance")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "fields")


def test_a_transcript_is_included_when_asked_for_and_that_stands_in_the_log(
    acme: Organization, program: ProgramFactory
) -> None:
    with organization_context(acme):
        make_call(
            "call_1", transcript="User: it is 212 555 0142", transcript_entries=[
                {"role": "user", "content": "it is 212 555 0142", "words": [
                    {"word": "it", "start": 0.5, "end": 1.25}]}],
        )  # fmt: skip
    (row,) = program(acme, Scope.CALLS_READ).get(f"{URL}?include=transcript").json()["data"]
    (entry,) = row["transcript"]["entries"]
    assert (entry["content"], entry["start_ms"], entry["end_ms"]) == ("it is •••• 0142", 500, 1250)
    with organization_context(acme):
        said = str(Entry.objects.latest("sequence"))
    assert said == "API key Warehouse read the transcripts of 1 calls, call_1 to call_1"


@pytest.mark.parametrize(
    "include", ["", "cost_lines,deliveries", "transcript,cost_lines,deliveries,notes"]
)
def test_two_hundred_calls_take_as_many_queries_as_two(
    acme: Organization, program: ProgramFactory, include: str
) -> None:
    """With transcripts, these include what writes in the audit log that they were read."""
    with organization_context(acme):
        make_calls(200)
    client = program(acme)
    counts = []
    for limit in (2, 2, 200):  # the first notes that the key is used
        with CaptureQueriesContext(connection) as queries:
            url = f"{URL}?limit={limit}" + (f"&include={include}" if include else "")
            assert len(client.get(url).json()["data"]) == limit
        counts.append(len(queries))
    assert counts[1] == counts[2] <= 6


def test_a_call_is_classed_tagged_and_noted_at_once(
    acme: Organization, program: ProgramFactory, call: Call
) -> None:
    body = {"is_billable": False, "reason": "A test", "tags": ["Test", "moved"], "note": "Ours."}
    answer = change(program(acme, Scope.CALLS_WRITE), call, body)
    assert answer.status_code == 200
    assert (answer.json()["is_billable"], answer.json()["tags"]) == (False, ["moved", "Test"])
    with organization_context(acme):
        assert CallNote.objects.get().author == "API key Warehouse"


def test_notes_are_read_one_by_one_and_in_lists(
    acme: Organization, program: ProgramFactory, call: Call
) -> None:
    client = program(acme)
    for text in ("First.", "Ask 212-555-0111."):
        change(client, call, {"note": text})
    one = client.get(f"{URL}/{call.pk}?include=notes").json()["notes"]
    (row,) = client.get(f"{URL}?include=notes").json()["data"]
    assert row["notes"] == one
    assert [note["text"] for note in one] == ["First.", "Ask 212-555-0111."]
    assert one[0]["author"] == "API key Warehouse"
    assert one[0]["edited_at"] is None
    (masked,) = program(acme, Scope.CALLS_READ).get(f"{URL}?include=notes").json()["data"]
    assert masked["notes"][1]["text"] == "Ask •••• 0111."


def test_a_change_that_is_refused_in_part_changes_nothing(
    acme: Organization, program: ProgramFactory, call: Call
) -> None:
    answer = change(program(acme), call, {"tags": ["fine"], "is_billable": False})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "reason")
    with organization_context(acme):
        assert list(Call.objects.get().tags.all()) == []


def test_a_change_takes_its_scope(acme: Organization, program: ProgramFactory, call: Call) -> None:
    answer = change(program(acme, Scope.CALLS_READ), call, {"tags": ["a"]})
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:switchboard:problem:scope-missing"


def test_a_change_of_what_somebody_else_changed_meanwhile_is_refused(
    acme: Organization, program: ProgramFactory, call: Call
) -> None:
    client = program(acme)
    tag = client.get(f"{URL}/{call.pk}").headers["ETag"]
    assert change(client, call, {"tags": ["first"]}, if_match=tag).status_code == 200
    refused = change(client, call, {"tags": ["second"]}, if_match=tag)
    assert refused.status_code == 412
    assert client.get(f"{URL}/{call.pk}").json()["tags"] == ["first"]


def test_what_is_known_is_not_sent_again(
    acme: Organization, program: ProgramFactory, call: Call
) -> None:
    client = program(acme)
    tag = client.get(URL).headers["ETag"]
    again = client.get(URL, headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


FIELDS = sorted({field.name for field in Call._meta.get_fields()} - {"is_billable", "tags"})


@pytest.mark.parametrize("name", FIELDS)
def test_no_field_of_the_model_can_be_written_by_its_name(
    acme: Organization, program: ProgramFactory, call: Call, name: str
) -> None:
    with organization_context(acme):
        before = Call.objects.filter(pk=call.pk).values().get()
    change(program(acme), call, {name: "planted"})
    with organization_context(acme):
        assert Call.objects.filter(pk=call.pk).values().get() == before


def test_what_another_organization_owns_looks_like_what_never_was(
    world: World, program: ProgramFactory, call: Call
) -> None:
    client = program(world.globex)
    answers = []
    for key in (call.pk, uuid4()):
        answer = client.get(f"{URL}/{key}")
        request_id = answer.headers["X-Request-ID"].encode()
        answers.append((answer.status_code, answer.content.replace(request_id, b"")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
