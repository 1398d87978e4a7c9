"""What cannot be brought: it stops nothing else, says so, heals, and can be accepted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import RetellConnection
from audit.models import Entry
from calls.models import Call
from completeness import gaps, presentation
from completeness.models import Completeness, Gap, GapKind, RunState
from completeness.tests.test_comparison import backfill, compare, had, stuck
from jobs import actions as jobs_actions
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing import retell_api as faults
from testing.fixtures import ClientFactory, World
from testing.retell_api import FaultyRetell, status

REASON = "Retell lost it in the outage of November"


def open_gaps() -> list[tuple[str, str]]:
    return list(Gap.objects.open().values_list("kind", "item"))


# --- Noted ---------------------------------------------------------------------------------------


def test_an_item_that_cannot_be_read_is_a_gap(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    calls = had(connected, 3)
    calls[1]["duration_ms"] = "long"
    compare(in_acme)
    assert open_gaps() == [("unreadable", calls[1]["call_id"])]
    assert presentation.status().has_gap
    assert not presentation.status().is_late


def test_an_item_without_an_id_is_named_by_its_bytes(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    (call,) = had(connected, 1)
    connected.acme.calls["odd"] = {**call, "call_id": "x" * 200}
    compare(in_acme)
    compare(in_acme)
    ((kind, item),) = open_gaps()
    assert (kind, item[:14]) == ("unreadable", "without an id ")


def test_it_heals_when_it_can_be_read(in_acme: Organization, connected: FaultyRetell) -> None:
    (call,) = had(connected, 1)
    right, call["duration_ms"] = call["duration_ms"], "long"
    compare(in_acme)
    call["duration_ms"] = right
    compare(in_acme)
    assert (open_gaps(), Call.objects.count()) == ([], 1)
    assert Gap.objects.get().healed_at is not None


def test_one_answer_that_cannot_be_read_stops_no_other(
    in_acme: Organization, connected: FaultyRetell, settings: Any
) -> None:
    """It used to fail each comparison, for ever."""
    settings.RETELL_TRIES = 1
    calls = had(connected, 2, minutes_ago=24 * 60)
    for call in calls:
        stuck(in_acme, call)
    connected.fail(faults.answer(b"<html>"), path=calls[0]["call_id"], times=9)
    run = compare(in_acme)
    assert (run.state, run.closed) == (RunState.DONE, 1)
    assert open_gaps() == [("unreadable", calls[0]["call_id"])]
    connected.requests.clear()
    compare(in_acme)
    assert connected.asked(calls[0]["call_id"]) == []  # not again the same day


def test_a_call_deleted_before_its_end_came_is_a_gap_until_it_ends(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    (call,) = had(connected, 1, minutes_ago=24 * 60)
    stuck(in_acme, call)
    connected.acme.delete_call(call["call_id"])
    compare(in_acme)
    assert open_gaps() == [("gone", call["call_id"])]
    Call.objects.update(status="ended")
    compare(in_acme)
    assert open_gaps() == []


def test_a_key_that_cannot_be_decrypted_is_told_and_not_called_none(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    RetellConnection.objects.update(api_key_encrypted=b"\x09damaged")
    run = compare(in_acme)
    assert (run.state, connected.asked()) == (RunState.FAILED, [])
    assert "cannot be decrypted" in Completeness.objects.get().problem


def test_a_job_that_left_calls_behind_says_so(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    calls = had(connected, 3, minutes_ago=5 * 24 * 60)
    calls[0]["duration_ms"] = "long"
    job = backfill(in_acme)
    jobs_actions.run(in_acme, job.pk)
    job.refresh_from_db()
    assert (job.state, job.left, job.message_tone) == ("done", 1, "warn")
    assert "1 call that Retell lists could not be read" in job.message


# --- Accepted ------------------------------------------------------------------------------------


def unreadable(*items: str) -> list[Gap]:
    gaps.note(GapKind.UNREADABLE, dict.fromkeys(items, "“duration_ms” is a text."))
    return list(Gap.objects.order_by("item"))


def late(days: float) -> Completeness:
    since = timezone.now() - timedelta(days=days)
    return Completeness.objects.create(
        pk=1, complete_from=since, complete_until=since, problem="A list without “items”."
    )


def accept(world: World, browser_of: ClientFactory, **data: Any) -> str:
    alice = browser_of(world.people.alice, world.acme)
    assert alice.post("/completeness/accept/", {"reason": REASON, **data}).status_code == 302
    return " ".join(alice.get("/completeness/").content.decode().split())


def test_an_admin_accepts_what_stays_missing(world: World, browser_of: ClientFactory) -> None:
    with organization_context(world.acme):
        RetellConnection.objects.update(api_key_encrypted=b"sealed")
        Completeness.objects.create(pk=1, complete_until=timezone.now())
        first, _ = unreadable("call_1", "call_2")
    page = accept(world, browser_of, gap=[str(first.pk)])
    assert "1 call is missing; otherwise complete up to" in page
    assert "· 1 accepted as missing" in page
    assert REASON in page
    with platform():
        entry = Entry.objects.filter(code="completeness.gap_accepted").get()
    assert (entry.reason, entry.additional_data["items"]) == (REASON, "call_1")


def test_what_was_accepted_stays_accepted(in_acme: Organization) -> None:
    (gap,) = unreadable("call_1")
    gaps.accept(in_acme, gap_ids=[gap.pk], reason=REASON)
    unreadable("call_1")
    assert open_gaps() == []


def test_accepting_what_was_not_compared_goes_on_from_now(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    row = late(3)
    assert gaps.accept(in_acme, gap_ids=[], range_until=row.shown_until, reason=REASON) == 1
    run = compare(in_acme)
    assert timezone.now() - run.range_from < timedelta(minutes=5)
    assert not presentation.status().has_gap
    assert Gap.objects.accepted().get().range_from == row.complete_until


def test_only_what_was_shown_is_accepted(in_acme: Organization) -> None:
    shown = late(3).shown_until
    Completeness.objects.update(complete_until=timezone.now() - timedelta(days=2))
    assert gaps.accept(in_acme, gap_ids=[], range_until=shown, reason=REASON) == 0


def test_a_short_outage_is_not_offered_for_acceptance(in_acme: Organization) -> None:
    row = late(0.5)
    assert presentation.missing().stuck is None
    assert gaps.accept(in_acme, gap_ids=[], range_until=row.shown_until, reason=REASON) == 0


def test_comparing_the_accepted_time_after_all_heals_it(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    row = late(3)
    gaps.accept(in_acme, gap_ids=[], range_until=row.shown_until, reason=REASON)
    Completeness.objects.update(not_before=None, complete_until=row.complete_until)
    Gap.objects.update(range_until=timezone.now() - timedelta(hours=1))
    compare(in_acme)
    assert not Gap.objects.accepted().exists()


def test_nothing_is_accepted_without_a_reason(world: World, browser_of: ClientFactory) -> None:
    with organization_context(world.acme):
        (gap,) = unreadable("call_1")
    page = accept(world, browser_of, gap=[str(gap.pk)], reason="because")
    assert "Nothing was accepted." in page
    with organization_context(world.acme):
        assert open_gaps() == [("unreadable", "call_1")]


@pytest.mark.parametrize("chosen", [{}, {"gap": ["nonsense"]}])
def test_nothing_chosen_accepts_nothing(
    world: World, browser_of: ClientFactory, chosen: dict[str, Any]
) -> None:
    assert "Choose what is accepted." in accept(world, browser_of, **chosen)


def test_a_viewer_sees_what_is_missing_and_accepts_nothing(
    world: World, browser_of: ClientFactory
) -> None:
    with organization_context(world.acme):
        unreadable("call_1")
    bob = browser_of(world.people.bob, world.acme)
    page = bob.get("/completeness/").content.decode()
    assert "call_1" in page
    assert "Accept as missing" not in page
    assert bob.post("/completeness/accept/", {"reason": REASON}).status_code == 403


def test_a_comparison_that_fails_says_why_since_when_and_what_to_do(
    world: World, browser_of: ClientFactory, connected: FaultyRetell
) -> None:
    late(3)
    connected.fail(status(402), times=9, path="/v3/list-calls")
    compare(world.acme)
    page = browser_of(world.people.bob, world.acme).get("/completeness/").content.decode()
    assert "No comparison came through since" in page
    assert "refuses requests of this workspace until it is paid for" in page


def test_the_status_costs_as_many_queries_with_many_gaps(in_acme: Organization) -> None:
    unreadable("call_1")
    with CaptureQueriesContext(connection) as few:
        presentation.status()
    unreadable(*(f"call_{number}" for number in range(200)))
    with CaptureQueriesContext(connection) as many:
        presentation.status()
    assert len(many) == len(few)
