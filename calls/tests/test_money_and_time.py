"""Costs are exact, zeros replace nothing they should not, and durations are what is billed."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls import actions as calls_actions
from calls.actions import ClassificationError
from calls.models import CENTS_PLACES, Call
from tenants.pin import organization_context
from testing.fixtures import World
from testing.retell import (
    against_database,
    body_of,
    call_of,
    only_delivery,
    receive,
    received,
    undone,
)

START = 1_790_000_000_000


def with_cost(text: str, event: str = "call_ended") -> bytes:
    """An event with this number, digit by digit, as the combined cost."""
    cost = f'{{"combined_cost": {text}, "product_costs": []}}'
    return body_of(event, call_cost="COST").replace(b'"COST"', cost.encode())


def cents_after(world: World, *bodies: bytes) -> Any:
    row = received(world, bodies)
    return row and row["cost_cents"]


def duration_after(world: World, *bodies: bytes) -> Any:
    row = received(world, bodies)
    return row and row["duration_ms"]


# --- Cost ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["70.1", "0.1", "12.3456789", "0.0000000001", "1e-7", "3", "999999999.9999999999", "-4.25",
     "1.80000000000000004", "0.30000000000000004"],
)  # fmt: skip
def test_cents_are_kept_digit_by_digit(world: World, text: str) -> None:
    expected = Decimal(text).quantize(Decimal(1).scaleb(-CENTS_PLACES))
    assert cents_after(world, with_cost(text)) == expected


@settings(against_database, max_examples=60)
@given(cents=st.decimals(min_value=0, max_value=10**8, places=CENTS_PLACES))
def test_any_cost_comes_back_to_the_last_digit(world: World, cents: Decimal) -> None:
    assert cents_after(world, with_cost(f"{cents:f}")) == cents


def test_lines_of_the_bill_add_up_where_the_sum_is_missing(world: World) -> None:
    lines = [{"product": "tts", "cost": 0.1}, {"product": "llm", "cost": 0.2}, {"product": "x"}]
    body = body_of(call_cost={"product_costs": lines})
    assert cents_after(world, body) == Decimal("0.3")


def test_a_cost_beyond_belief_is_quarantined(world: World) -> None:
    receive(world, with_cost("1000000001"))
    assert only_delivery(world).reason == "number_out_of_range"


@pytest.mark.parametrize("event", ["call_started", "transcript_updated", "transfer_started"])
def test_a_zero_cost_before_the_end_says_nothing(world: World, event: str) -> None:
    assert cents_after(world, with_cost("0", event)) is None


def test_a_call_that_ended_may_have_cost_nothing(world: World) -> None:
    assert cents_after(world, with_cost("0")) == 0


def test_a_zero_cost_of_the_same_kind_of_event_replaces_nothing(world: World) -> None:
    for bodies in itertools.permutations([with_cost("0"), with_cost("7.5"), with_cost("0.0")]):
        assert cents_after(world, *bodies) == Decimal("7.5")


def test_a_zero_cost_of_an_earlier_event_replaces_nothing(world: World) -> None:
    events = [with_cost("0", "call_started"), with_cost("7.5"), with_cost("0", "call_ended")]
    for bodies in itertools.permutations(events):
        assert cents_after(world, *bodies) == Decimal("7.5")


def test_the_cost_after_the_transfer_outranks_the_one_before(world: World) -> None:
    events = [
        with_cost("7.5"),
        with_cost("7.5", "call_analyzed"),
        with_cost("19", "transfer_ended"),
    ]
    for bodies in itertools.permutations(events):
        assert cents_after(world, *bodies) == 19


@pytest.mark.parametrize("cost", [None, {}, {"combined_cost": None}, {"product_costs": []}])
def test_a_cost_that_is_absent_replaces_nothing(world: World, cost: Any) -> None:
    later = body_of("call_analyzed", call_cost=cost)
    assert cents_after(world, with_cost("7.5"), later) == Decimal("7.5")


# --- Time ----------------------------------------------------------------------------------------


def test_a_missing_duration_is_the_end_minus_the_start(world: World) -> None:
    body = body_of(start_timestamp=START, end_timestamp=START + 61_234)
    assert duration_after(world, body) == 61_234


def test_a_given_duration_counts_more_than_the_timestamps(world: World) -> None:
    given_one = body_of(start_timestamp=START, end_timestamp=START + 9, duration_ms=61_000)
    derived = body_of(start_timestamp=START, end_timestamp=START + 9)
    assert duration_after(world, given_one, derived) == 61_000
    assert duration_after(world, derived, given_one) == 61_000


def test_an_end_before_the_start_gives_no_duration(world: World) -> None:
    assert duration_after(world, body_of(start_timestamp=START, end_timestamp=START - 1)) is None


def test_a_zero_duration_before_the_end_says_nothing(world: World) -> None:
    assert duration_after(world, body_of("call_started", duration_ms=0)) is None


def test_a_zero_duration_counts_less_than_any_other_of_its_rank(world: World) -> None:
    bodies = [
        body_of(duration_ms=0),
        body_of(start_timestamp=START, end_timestamp=START + 5),
        body_of(duration_ms=0, end_timestamp=START + 6),
    ]
    assert {duration_after(world, *order) for order in itertools.permutations(bodies)} == {5}


def test_times_are_kept_to_the_millisecond(world: World) -> None:
    receive(world, body_of(start_timestamp=1_700_000_000_123, end_timestamp=0))
    call = call_of(world)
    assert call.started_at == datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)
    assert (call.ended_at, call.sort_at) == (None, call.started_at)


def test_a_call_without_a_start_is_placed_where_it_was_first_seen(world: World) -> None:
    receive(world, body_of())
    assert call_of(world).sort_at == call_of(world).first_seen_at


# --- Revenue or test -----------------------------------------------------------------------------

TESTS: list[dict[str, Any]] = [
    {"agent_tag": "staging"},
    {"agent_tag": "TEST"},
    {"metadata": {"test": True}},
    {"metadata": {"is_test": "TRUE"}},
    {"metadata": {"test_call": 1}},
]
REVENUE: list[dict[str, Any]] = [
    {},
    {"agent_tag": "prod"},
    {"agent_tag": "testimonials"},
    {"metadata": {"test": False}},
    {"metadata": {"test": "no"}},
    {"metadata": ["test"]},
]


@pytest.mark.parametrize("call", TESTS, ids=repr)
def test_a_call_that_shows_a_test_signal_is_not_billable(
    world: World, call: dict[str, Any]
) -> None:
    receive(world, body_of(**call))
    assert not call_of(world).is_billable
    assert call_of(world).test_signal


@pytest.mark.parametrize("call", REVENUE, ids=repr)
def test_any_other_call_is_billable(world: World, call: dict[str, Any]) -> None:
    receive(world, body_of(**call))
    assert call_of(world).is_billable


def test_a_test_signal_of_one_event_holds_in_any_order(world: World) -> None:
    bodies = [body_of("call_started", agent_tag="test"), body_of(), body_of("call_analyzed")]
    rows = [received(world, order) for order in itertools.permutations(bodies)]
    assert {row["is_billable"] for row in rows} == {False}


def test_a_restricted_call_still_shows_its_test_signal(world: World) -> None:
    receive(world, body_of(metadata={"test": True}, data_storage_setting="basic_attributes_only"))
    assert not call_of(world).is_billable


def classify(world: World, *, is_billable: bool, reason: str = "Agreed by phone.") -> None:
    call = call_of(world)
    with organization_context(world.acme):
        calls_actions.classify(
            call, is_billable=is_billable, reason=reason, changed_by="alice@example.com"
        )


def test_an_admins_decision_outranks_the_signal_and_later_events(world: World) -> None:
    receive(world, body_of("call_started", agent_tag="test"))
    classify(world, is_billable=True)
    receive(world, body_of("call_analyzed", agent_tag="test", metadata={"test": True}))
    assert call_of(world).is_billable
    assert call_of(world).billable_reason == "Agreed by phone."


def test_an_admin_can_make_a_revenue_call_free(world: World) -> None:
    receive(world, body_of("call_started"))
    classify(world, is_billable=False)
    receive(world, body_of("call_ended"))
    assert not call_of(world).is_billable
    assert call_of(world).billable_changed_by == "alice@example.com"


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_decision_needs_a_reason(world: World, reason: str) -> None:
    receive(world, body_of())
    with pytest.raises(ClassificationError):
        classify(world, is_billable=False, reason=reason)
    with organization_context(world.acme):
        assert Call.objects.get().billable_override is None


def test_a_decision_changes_one_call_only(world: World) -> None:
    receive(world, body_of())
    receive(world, body_of(call_id="call_2"))
    classify(world, is_billable=False)
    assert call_of(world, "call_2").is_billable


def test_a_decision_is_undone_by_another(world: World) -> None:
    with undone():
        receive(world, body_of())
        classify(world, is_billable=False)
        classify(world, is_billable=True, reason="It was a real caller.")
        assert call_of(world).is_billable
