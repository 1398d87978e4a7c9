"""The oracle itself: what it must find is made up here, without engines."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from calls.tests.model import expected
from testing.chaos.book import NO_ANSWER, Attempt, Event, Kind
from testing.chaos.oracle import Findings, billed_seconds, judge, seconds_until_well
from testing.chaos.stored import Delivery, Stored, StoredCall

STARTED = {"call_status": "ongoing", "start_timestamp": 1_000_000}
ENDED = {
    **STARTED,
    "call_status": "ended",
    "end_timestamp": 1_061_500,
    "duration_ms": 61_500,
    "call_cost": {"combined_cost": 12.5},
}


def event(name: str, call: dict[str, Any], *, to: str = "maple", call_id: str = "call_1") -> Event:
    call = {"call_id": call_id, "metadata": {"organization": to}, **call}
    return Event(to, json.dumps({"event": name, "call": call}).encode())


EVENTS = (event("call_started", STARTED), event("call_ended", ENDED))


def tried(*events: Event, status: int = 204, times: int = 1) -> list[Attempt]:
    return [Attempt(it.organization, it.sha256, 1, 2, status, True) for it in events] * times


def call_of(*events: Event) -> StoredCall:
    said = expected(it.said() for it in events)
    return StoredCall(events[0].call_id, "webhook", "test_signal" not in said, said)


def stored(*events: Event, receipts: int = 1) -> Stored:
    """As a product without a fault leaves it."""
    rows = [Delivery(it.sha256, "applied", receipts) for it in events]
    return Stored(rows, [call_of(*events)] if events else [])


def wrong(found: Findings) -> dict[str, int]:
    names = ("lost", "duplicated", "foreign", "misfiled", "misbilled", "unmerged")
    return {name: len(getattr(found, name)) for name in names if getattr(found, name)}


def test_what_was_kept_as_sent_passes() -> None:
    found = judge(EVENTS, tried(*EVENTS), {"maple": stored(*EVENTS), "rowan": stored()})
    assert wrong(found) == {}
    assert (found.sent, found.acknowledged, found.given_up) == (2, 2, 0)


def test_an_acknowledged_event_that_is_gone_is_lost() -> None:
    assert wrong(judge(EVENTS, tried(*EVENTS), {"maple": stored(EVENTS[0])})) == {"lost": 1}


def test_an_event_that_was_never_acknowledged_is_given_up_and_not_lost() -> None:
    attempts = [*tried(EVENTS[0]), *tried(EVENTS[1], status=503, times=4)]
    found = judge(EVENTS, attempts, {"maple": stored(EVENTS[0])})
    assert wrong(found) == {}
    assert (found.acknowledged, found.given_up) == (1, 1)


def test_an_event_that_was_stored_without_an_answer_is_no_fault() -> None:
    attempts = [*tried(EVENTS[0]), *tried(EVENTS[1], status=NO_ANSWER)]
    assert wrong(judge(EVENTS, attempts, {"maple": stored(*EVENTS)})) == {}


def test_a_call_that_is_gone_is_lost_though_its_deliveries_are_there() -> None:
    store = replace(stored(*EVENTS), calls=[])
    assert wrong(judge(EVENTS, tried(*EVENTS), {"maple": store})) == {"lost": 1}


def test_fewer_receipts_than_acknowledgements_are_a_loss() -> None:
    found = judge(EVENTS, tried(*EVENTS, times=2), {"maple": stored(*EVENTS, receipts=1)})
    assert wrong(found) == {"lost": 2}


def test_a_delivery_and_a_call_that_are_there_twice_are_duplicates() -> None:
    store = stored(*EVENTS)
    twice = Stored([*store.deliveries, store.deliveries[0]], store.calls * 2)
    assert wrong(judge(EVENTS, tried(*EVENTS), {"maple": twice})) == {"duplicated": 2}


def test_an_event_in_another_organization_is_foreign() -> None:
    found = judge(EVENTS, tried(*EVENTS), {"maple": stored(*EVENTS), "rowan": stored(*EVENTS)})
    assert {organization for organization, *_ in found.foreign} == {"rowan"}
    assert len(found.foreign) == 3  # two deliveries and their call


def test_another_organizations_words_in_a_call_of_the_same_id_are_foreign() -> None:
    theirs = event("call_ended", ENDED, to="rowan")
    store = replace(stored(*EVENTS), calls=[call_of(theirs)])
    assert "foreign" in wrong(judge(EVENTS, tried(*EVENTS), {"maple": store}))


def test_rows_of_earlier_phases_are_no_concern() -> None:
    earlier = [event("call_ended", ENDED, call_id="call_0")]
    store = stored(*EVENTS)
    both = Stored([*store.deliveries, *stored(*earlier).deliveries],
                  [*store.calls, call_of(*earlier)])  # fmt: skip
    assert wrong(judge(EVENTS, tried(*EVENTS), {"maple": both}, known=earlier)) == {}
    assert wrong(judge(EVENTS, tried(*EVENTS), {"maple": both})) == {"foreign": 2}


@pytest.mark.parametrize("duration_ms", [None, 0, 1, 60_000, 62_500])
def test_a_wrong_duration_is_billed_wrongly(duration_ms: int | None) -> None:
    call = call_of(*EVENTS)
    spoiled = replace(call, said={**call.said, "duration_ms": duration_ms})
    store = replace(stored(*EVENTS), calls=[spoiled])
    found = judge(EVENTS, tried(*EVENTS), {"maple": store})
    assert wrong(found) == {"misbilled": 1, "unmerged": 1}


def test_a_test_call_that_counts_as_revenue_is_billed_wrongly() -> None:
    events = [event("call_ended", {**ENDED, "agent_tag": "test"})]
    store = stored(*events)
    billable = replace(store, calls=[replace(store.calls[0], is_billable=True)])
    assert wrong(judge(events, tried(*events), {"maple": store})) == {}
    assert wrong(judge(events, tried(*events), {"maple": billable})) == {"misbilled": 1}


def test_a_value_of_an_earlier_event_that_won_is_not_merged_as_told() -> None:
    call = call_of(*EVENTS)
    stale = replace(call, said={**call.said, "status": "ongoing"})
    found = judge(EVENTS, tried(*EVENTS), {"maple": replace(stored(*EVENTS), calls=[stale])})
    assert found.unmerged == [("maple", "call_1", "(status)")]


def test_an_event_that_was_stored_and_not_applied_is_in_the_wrong_state() -> None:
    store = stored(*EVENTS)
    failed = replace(store.deliveries[1], state="failed")
    found = judge(EVENTS, tried(*EVENTS), {"maple": replace(store, deliveries=[
        store.deliveries[0], failed])})  # fmt: skip
    assert wrong(found) == {"misfiled": 1}


def test_a_poisonous_event_belongs_in_quarantine() -> None:
    poison = Event("maple", b"no JSON", Kind.POISON)
    for state, faults in (("quarantined", {}), ("applied", {"misfiled": 1})):
        store = Stored([Delivery(poison.sha256, state, 1)], [])
        assert wrong(judge([poison], tried(poison), {"maple": store})) == faults


def test_after_a_comparison_a_call_must_be_whole_though_nothing_of_it_arrived() -> None:
    attempts = tried(*EVENTS, status=NO_ANSWER, times=4)
    found = judge(EVENTS, attempts, {"maple": stored()}, compared=True)
    assert wrong(found) == {"lost": 1}
    brought = replace(stored(), calls=[call_of(*EVENTS)])
    found = judge(EVENTS, attempts, {"maple": brought}, compared=True)
    assert wrong(found) == {}
    assert found.given_up == 2


def test_a_call_that_never_connected_is_not_expected_of_a_comparison() -> None:
    events = [event("call_ended", {"call_status": "not_connected"})]
    found = judge(events, tried(*events, status=NO_ANSWER), {"maple": stored()}, compared=True)
    assert wrong(found) == {}


@pytest.mark.parametrize(("duration_ms", "seconds"), [(0, 0), (1, 1), (1000, 1), (1001, 2)])
def test_billed_seconds_are_those_begun(duration_ms: int, seconds: int) -> None:
    assert billed_seconds([event("call_ended", {"duration_ms": duration_ms})]) == seconds


def attempt(began: float, status: int) -> Attempt:
    return Attempt("maple", "00", began, began + 0.1, status)


def test_well_is_the_first_answer_after_the_last_failure() -> None:
    attempts = [attempt(9, NO_ANSWER), attempt(10.5, 204), attempt(11, 503), attempt(12, 204)]
    assert seconds_until_well(attempts, healed_at=10) == pytest.approx(2.1)


def test_what_began_before_the_cause_was_away_does_not_count() -> None:
    assert seconds_until_well([attempt(9, NO_ANSWER), attempt(10, 204)], 10) == pytest.approx(0.1)


def test_without_an_answer_afterwards_it_is_not_well() -> None:
    assert seconds_until_well([attempt(9, 204), attempt(11, 503)], healed_at=10) is None
