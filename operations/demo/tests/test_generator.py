"""The demo's calls look like Retell's."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from retell.types import PhoneCallResponse, WebCallResponse

from operations.demo.generator import generate_calls
from operations.demo.history import history
from operations.demo.profiles import ACME, GLOBEX, PROFILES, OrganizationProfile
from operations.demo.stories import CallStory, encode

NOW = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)


def stories(profile: OrganizationProfile = ACME, *, count: int = 600) -> list[CallStory]:
    return list(generate_calls(profile, now=NOW, days=90, count=count, seed=1))


def final(story: CallStory) -> dict[str, Any]:
    """The call as its last delivery tells it."""
    call: dict[str, Any] = story.events[-1]["call"]
    return call


def test_same_seed_and_now_give_the_same_calls() -> None:
    assert stories(count=40) == stories(count=40)


def test_another_seed_gives_other_calls() -> None:
    other = list(generate_calls(ACME, now=NOW, days=90, count=40, seed=2))
    assert {s.call_id for s in other}.isdisjoint(s.call_id for s in stories(count=40))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.slug)
def test_exactly_as_many_calls_as_asked_for_within_the_period(profile: OrganizationProfile) -> None:
    made = stories(profile)
    arrivals = [d.delivered_at for story in made for d in story.deliveries]
    assert len({story.call_id for story in made}) == 600
    assert min(arrivals) >= NOW - timedelta(days=90, hours=1)
    assert max(arrivals) <= NOW


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.slug)
def test_every_call_fits_the_type_of_retells_own_library(profile: OrganizationProfile) -> None:
    for story in stories(profile, count=200):
        for body in story.events:
            if "transfer_option" in body:
                continue
            web = body["call"]["call_type"] == "web_call"
            kind = WebCallResponse if web else PhoneCallResponse
            kind.model_rebuild()
            kind.model_validate(body["call"])


def test_connected_calls_start_end_and_are_analyzed_in_this_order() -> None:
    for story in stories():
        events = [body["event"] for body in story.events]
        if final(story)["call_cost"]["total_duration_seconds"]:
            firsts = ["call_started", "call_ended", "call_analyzed"]
            assert sorted(firsts, key=events.index) == firsts


def test_calls_that_never_connected_have_no_start_no_time_and_no_cost() -> None:
    seen = [s for s in stories() if final(s)["call_status"] == "not_connected"]
    assert seen
    for story in seen:
        assert {body["event"] for body in story.events} == {"call_ended", "call_analyzed"}
        assert not {"start_timestamp", "duration_ms", "transcript"} & set(final(story))
        assert final(story)["call_cost"]["combined_cost"] == 0


def test_cost_is_the_sum_of_its_lines_and_lines_follow_the_seconds() -> None:
    for story in stories(GLOBEX):
        cost = final(story)["call_cost"]
        lines = cost["product_costs"]
        assert cost["combined_cost"] == round(sum(line["cost"] for line in lines), 7)
        for line in lines:
            if "unit_price" in line and not line.get("is_transfer_leg_cost"):
                exact = line["unit_price"] * cost["total_duration_seconds"]
                assert line["cost"] == pytest.approx(exact, abs=1e-3)


def test_duration_is_the_time_between_start_and_end() -> None:
    for story in stories():
        call = final(story)
        if "duration_ms" in call:
            assert call["duration_ms"] == call["end_timestamp"] - call["start_timestamp"]


def test_transfers_grow_the_cost_by_a_transfer_leg() -> None:
    legs = [s for s in stories() if s.events[-1]["event"] == "transfer_ended"]
    assert legs
    for story in legs:
        before = next(b for b in story.events if b["event"] == "call_ended")["call"]
        assert final(story)["call_cost"]["combined_cost"] > before["call_cost"]["combined_cost"]
        assert final(story)["transfer_end_timestamp"] > before["end_timestamp"]


def test_offices_are_busy_by_day_and_quiet_at_night() -> None:
    zone = ZoneInfo(ACME.time_zone)
    desk = ACME.agents[0].agent_id
    hours = Counter(
        story.begins_at.astimezone(zone).hour
        for story in stories()
        if final(story)["agent_id"] == desk
    )
    assert hours[10] > 10
    assert hours[2] == 0


def test_only_reserved_telephone_numbers_are_called() -> None:
    for story in stories():
        for key in ("from_number", "to_number"):
            number = final(story).get(key, "anonymous")
            assert number == "anonymous" or number[-7:-2] == "55501"


def test_basic_storage_is_chosen_by_one_agent_only() -> None:
    opted_out = {
        final(story)["agent_name"]
        for story in stories(GLOBEX)
        if final(story)["data_storage_setting"] == "basic_attributes_only"
    }
    assert opted_out == {"Roadside Assistance"}


def test_history_is_in_the_order_of_arrival_and_has_more_than_calls() -> None:
    arrivals = list(history(ACME, now=NOW, days=90, calls=400, seed=1))
    assert all(a.delivered_at <= b.delivered_at for a, b in pairwise(arrivals))
    events = {delivery.body.get("event") for delivery in arrivals}
    assert {"chat_analyzed", "alert_resolved", "call_recorded", None} <= events


def test_every_body_can_be_written_as_bytes() -> None:
    for delivery in history(GLOBEX, now=NOW, days=90, calls=50, seed=1):
        assert encode(delivery.body).startswith(b"{")
