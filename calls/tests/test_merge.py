"""Any events of a call, in any order, any repetition, any subset: one row, and the right one."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from calls import actions as calls_actions
from calls import sql as calls_sql
from calls.models import Call
from calls.reader import Reading
from calls.tests.model import RANKS, Event, expected
from tenants.pin import organization_context
from testing.fixtures import World
from testing.retell import against_database, row_of

START = 1_700_000_000_000
LINES = [[{"role": "agent", "content": "Hello"}], [{"role": "agent"}, {"role": "user"}], [], None]


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


analyses = st.fixed_dictionaries(
    {},
    optional={
        "call_summary": one_of(None, "", "Asked for a refund.", "Booked a table."),
        "call_successful": one_of(None, True, False),
        "in_voicemail": one_of(None, True, False),
        "user_sentiment": one_of(None, "Positive", "Unknown"),
        "custom_analysis_data": one_of(None, {}, {"score": 3}),
    },
)
costs = one_of(
    None,
    {},
    {"combined_cost": 0, "product_costs": []},
    {"combined_cost": None, "product_costs": []},
    {"combined_cost": Decimal("12.3456789")},
    {"combined_cost": Decimal("70.1")},
    {"product_costs": [{"product": "tts", "cost": Decimal("1.8")}, {"cost": None}]},
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "call_type": one_of(None, "web_call", "phone_call"),
    "call_status": one_of(
        None, "registered", "ongoing", "ended", "not_connected", "error", "paused"
    ),
    "direction": one_of(None, "inbound"),
    "disconnection_reason": one_of(
        None, "", "user_hangup", "error_retell", "dial_busy", "scam_detected", "new_one"
    ),
    "agent_id": one_of(None, "", "agent_a", "agent_b"),
    "agent_name": one_of(None, "Front desk"),
    "agent_version": one_of(None, 0, 7),
    "agent_tag": one_of(None, "prod", "test"),
    "from_number": one_of(None, "", "+12025550101", "+12025550102"),
    "to_number": one_of(None, "+12025550103"),
    "start_timestamp": one_of(None, 0, START, START + 5),
    "end_timestamp": one_of(None, 0, START + 4, START + 65_000),
    "duration_ms": one_of(None, 0, 1, 65_000),
    "call_cost": costs,
    "call_analysis": one_of(None, {}) | analyses,
    "transcript": one_of(None, "", "Agent: Hello", "Agent: Hello\nUser: Hi"),
    "transcript_object": one_of(*LINES),
    "transcript_with_tool_calls": one_of(*LINES),
    "metadata": one_of(None, {}, {"test": True}, {"customer": 4}),
    "recording_url": one_of(None, "", "https://example.com/1.wav"),
    "scrubbed_recording_url": one_of(None, "https://example.com/2.wav"),
    "opt_out_sensitive_data_storage": one_of(None, False, True),
    "data_storage_setting": one_of(
        None, "everything", "everything_except_pii", "basic_attributes_only", "a_new_one"
    ),
}
besides = st.fixed_dictionaries(
    {},
    optional={
        "transcript_with_tool_calls": one_of(*LINES),
        "transfer_destination": one_of(None, {"number": "+12025550104"}),
    },
)
EVENTS = sorted(RANKS)


@st.composite
def events_of_a_call(draw: st.DrawFn, *, min_size: int = 1, max_size: int = 6) -> list[Event]:
    """Some kinds of events that speak of some fields: few of both, so that they collide."""
    names = draw(st.sets(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=4) | st.just(FIELDS))
    kinds = draw(st.sets(st.sampled_from(EVENTS), min_size=1, max_size=3) | st.just(RANKS))
    calls = st.fixed_dictionaries({}, optional={name: FIELDS[name] for name in sorted(names)})
    events = st.builds(Event, st.sampled_from(sorted(kinds)), calls, besides)
    return draw(st.lists(events, min_size=min_size, max_size=max_size))


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """Events of one call, cut somewhere: first some with repetitions, then all in another order."""
    happened = draw(events_of_a_call())
    first = draw(st.lists(one_of(*happened), min_size=1, max_size=8))
    return first, draw(st.permutations(happened))


def merge(world: World, call_id: str, arrived: list[Event]) -> None:
    for event in arrived:
        calls_actions.merge(world.acme.schema_name, calls_sql.CALLS, event.read(call_id))


def said(row: dict[str, Any]) -> dict[str, Any]:
    """A row in the words of the model: no empty columns, details by their names."""
    details = {f"details.{name}": value for name, value in row["details"].items()}
    left_out = {"details", "provenance", "retell_call_id", "source", "sort_at", "agent_id"}
    derived = {name for name in row if name.startswith(("billable_", "is_", "outcome"))}
    values = {name: row[name] for name in row.keys() - left_out - derived}
    return (
        {name: value for name, value in values.items() if value is not None}
        | details
        | ({"agent_id": row["agent_id"]} if row["agent_id"] else {})
    )


def in_json(value: dict[str, Any]) -> dict[str, Any]:
    """Costs as the database gives them back."""
    if "cost" in value:
        value = value | {"cost": json.loads(calls_sql.dumps(value["cost"]))}
    return value


@settings(against_database, max_examples=120)
@given(arrived=arrivals())
def test_what_has_arrived_decides_the_row(
    world: World, arrived: tuple[list[Event], list[Event]]
) -> None:
    first, rest = arrived
    call_id = f"call_{uuid4().hex}"
    with organization_context(world.acme):
        merge(world, call_id, first)
        assert said(row_of(Call, call_id) or {}) == in_json(expected(first))
        merge(world, call_id, rest)
        assert said(row_of(Call, call_id) or {}) == in_json(expected(rest))


@settings(against_database, max_examples=50)
@given(data=st.data(), happened=events_of_a_call(min_size=2, max_size=5))
def test_two_orders_leave_the_same_keys_behind(
    world: World, data: st.DataObject, happened: list[Event]
) -> None:
    rows = []
    with organization_context(world.acme):
        for arrived in (happened, data.draw(st.permutations(happened))):
            call_id = f"call_{uuid4().hex}"
            merge(world, call_id, arrived)
            row = row_of(Call, call_id) or {}
            rows.append({name: row[name] for name in row.keys() - {"retell_call_id"}})
    assert rows[0] == rows[1]


@given(happened=events_of_a_call())
def test_reading_an_event_twice_reads_the_same(happened: list[Event]) -> None:
    readings: list[Reading] = [happened[0].read("call_1") for _ in range(2)]
    assert readings[0].keys == readings[1].keys
    assert readings[0].values == readings[1].values


def entries_after(world: World, *happened: Event) -> Any:
    call_id = f"call_{uuid4().hex}"
    with organization_context(world.acme):
        merge(world, call_id, list(happened))
        return Call.objects.get(retell_call_id=call_id).transcript_entries


def test_a_transcript_with_tool_calls_outranks_a_later_one_without(world: World) -> None:
    short, long = LINES[0], LINES[1]
    with_tools = Event("transcript_updated", {"transcript_with_tool_calls": short}, {})
    without = Event("call_analyzed", {"transcript_object": long}, {})
    assert entries_after(world, with_tools, without) == short
    assert entries_after(world, without, with_tools) == short


def test_of_two_transcript_updates_the_longer_is_the_newer(world: World) -> None:
    for first in ("a", "b", "c", "d"):  # whatever the hashes of their bodies say
        short = Event("transcript_updated", {"transcript_object": [first]}, {})
        long = Event("transcript_updated", {"transcript_object": [first, "more"]}, {})
        assert entries_after(world, short, long) == [first, "more"]
        assert entries_after(world, long, short) == [first, "more"]


def test_of_two_ends_the_later_counts(world: World) -> None:
    for text in ("a", "b", "c", "d"):
        early = Event("call_ended", {"end_timestamp": START, "transcript_object": [text]}, {})
        late = Event("call_ended", {"end_timestamp": START + 1, "transcript_object": ["late"]}, {})
        assert entries_after(world, early, late) == ["late"]
        assert entries_after(world, late, early) == ["late"]
