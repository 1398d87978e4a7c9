"""Comparing with Retell's list: what is missing comes back, once, with its cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.models import Agent, ApiKeyState, RetellConnection
from agents.retell import api
from calls.models import Call
from calls.sql import dumps
from completeness import actions, tasks
from completeness.models import Completeness, Correction, CorrectionKind, Run, RunKind, RunState
from completeness.tests.conftest import connect
from jobs import actions as jobs_actions
from jobs.models import Job, JobState
from operations.demo.retell_api.workspaces import events_of, make_calls
from tenants import each
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import World
from testing.retell import post
from testing.retell_api import FaultyRetell, let_through, status

ANHOUR = timedelta(hours=1)


def had(retell: FaultyRetell, count: int, *, minutes_ago: int = 60, **how: Any) -> list[Any]:
    """Calls that happened in Acme's workspace."""
    agent = next(iter(retell.acme.agents.values()))
    first = timezone.now() - timedelta(minutes=minutes_ago)
    calls = make_calls(agent, count, first=first, **how)
    retell.acme.add_calls(*calls)
    return calls


def cost_of(call: Any) -> Decimal:
    return Decimal(str(call["call_cost"]["combined_cost"]))


def compare(organization: Organization) -> Run:
    run = tasks.compare_one(organization)
    assert run is not None
    run.refresh_from_db()
    return run


def test_an_outage_loses_no_call(in_acme: Organization, connected: FaultyRetell) -> None:
    """The door was closed for half an hour, 500 calls happened, and Retell gave up on each."""
    calls = had(connected, 500, apart=timedelta(seconds=3.6))
    run = compare(in_acme)
    assert (run.state, run.listed, run.inserted) == (RunState.DONE, 500, 500)
    rows = Call.objects.all()
    assert rows.count() == 500
    assert set(rows.values_list("source", flat=True)) == {"reconciled"}
    costs = {row.retell_call_id: row.cost_cents for row in rows}
    assert costs == {call["call_id"]: cost_of(call) for call in calls}


def test_comparing_again_changes_nothing(in_acme: Organization, connected: FaultyRetell) -> None:
    had(connected, 5)
    compare(in_acme)
    before = list(Call.objects.order_by("id").values())
    run = compare(in_acme)
    assert (run.inserted, run.corrected, run.unchanged) == (0, 0, 5)
    assert list(Call.objects.order_by("id").values()) == before


def test_what_webhooks_brought_is_left_as_it_is(
    world: World, in_acme: Organization, connected: FaultyRetell
) -> None:
    (call,) = had(connected, 1)
    for event in events_of(call):
        assert post(world, dumps(event).encode()).status_code == 204
    run = compare(in_acme)
    row = Call.objects.get()
    assert (row.source, run.inserted) == ("webhook", 0)
    assert row.cost_cents == cost_of(call)


def test_late_webhooks_after_it_change_nothing(
    world: World, in_acme: Organization, connected: FaultyRetell
) -> None:
    (call,) = had(connected, 1)
    compare(in_acme)
    before = Call.objects.values("status", "cost_cents", "duration_ms", "transcript").get()
    for event in events_of(call):
        post(world, dumps(event).encode())
    assert Call.objects.values("status", "cost_cents", "duration_ms", "transcript").get() == before


def test_transcripts_are_fetched_one_by_one(in_acme: Organization, connected: FaultyRetell) -> None:
    had(connected, 3)
    run = compare(in_acme)
    assert run.transcripts == 3
    assert not Call.objects.filter(transcript=None).exists()
    connected.requests.clear()
    compare(in_acme)
    assert connected.asked("/v2/get-call/") == []


def updated(call: Any) -> bytes:
    """What `transcript_updated` said after the first turn; nothing came of the end."""
    left_out = {"end_timestamp", "duration_ms", "disconnection_reason", "call_analysis"}
    so_far = {name: value for name, value in call.items() if name not in left_out}
    so_far |= {"call_status": "ongoing", "transcript": "Agent: Hello?\n"}
    so_far |= {name: so_far[name][:1] for name in so_far if name.startswith("transcript_")}
    return dumps({"event": "transcript_updated", "call": so_far}).encode()


def test_half_a_transcript_is_fetched_whole_when_the_end_never_came(
    world: World, in_acme: Organization, connected: FaultyRetell
) -> None:
    (call,) = had(connected, 1)
    assert post(world, updated(call)).status_code == 204
    assert Call.objects.get().transcript == "Agent: Hello?\n"
    compare(in_acme)
    row = Call.objects.get()
    assert (row.transcript, row.transcript_entries) == (
        call["transcript"],
        call["transcript_with_tool_calls"],
    )
    connected.requests.clear()
    compare(in_acme)
    assert connected.asked("/v2/get-call/") == []


def test_half_a_transcript_that_retell_has_not_is_asked_for_once(
    world: World, in_acme: Organization, connected: FaultyRetell
) -> None:
    (call,) = had(connected, 1)
    post(world, updated(call))
    for name in [name for name in call if "transcript" in name]:
        del call[name]
    compare(in_acme)
    connected.requests.clear()
    compare(in_acme)
    assert connected.asked("/v2/get-call/") == []
    assert Call.objects.get().transcript == "Agent: Hello?\n"


def test_a_call_without_transcript_is_asked_for_once(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    (call,) = had(connected, 1)
    for name in [name for name in call if "transcript" in name]:
        del call[name]
    compare(in_acme)
    connected.requests.clear()
    compare(in_acme)
    assert connected.asked("/v2/get-call/") == []
    assert Correction.objects.filter(kind=CorrectionKind.NO_TRANSCRIPT).count() == 1


def stuck(organization: Organization, call: Any) -> None:
    """Only `call_started` ever came."""
    Call.objects.create(
        retell_call_id=call["call_id"],
        status="ongoing",
        started_at=datetime.fromtimestamp(call["start_timestamp"] / 1000, UTC),
        provenance={"status": "1100"},
    )


def test_a_call_whose_end_never_came_is_closed(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    (call,) = had(connected, 1, minutes_ago=24 * 60)
    stuck(in_acme, call)
    run = compare(in_acme)
    row = Call.objects.get()
    assert (row.status, run.closed) == ("ended", 1)
    (correction,) = Correction.objects.filter(kind=CorrectionKind.CLOSED)
    assert correction.changes["status"] == ["ongoing", "ended"]


def test_what_retell_deleted_is_asked_for_once(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    (call,) = had(connected, 1, minutes_ago=24 * 60)
    stuck(in_acme, call)
    connected.acme.delete_call(call["call_id"])
    compare(in_acme)
    compare(in_acme)
    assert Correction.objects.filter(kind=CorrectionKind.GONE).count() == 1
    assert Call.objects.get().status == "ongoing"


def test_a_cost_that_came_late_is_corrected(in_acme: Organization, connected: FaultyRetell) -> None:
    (call,) = had(connected, 1)
    compare(in_acme)
    call["call_cost"]["combined_cost"] = 99.5
    call["end_timestamp"] += 1
    run = compare(in_acme)
    assert run.corrected == 1
    assert Call.objects.get().cost_cents == pytest.approx(99.5)
    newest = Correction.objects.filter(kind=CorrectionKind.CORRECTED).latest("id")
    assert float(newest.changes["cost_cents"][1]) == 99.5


def test_numbers_and_transcripts_stay_out_of_the_timeline(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    (call,) = had(connected, 1, minutes_ago=24 * 60)
    stuck(in_acme, call)
    compare(in_acme)
    (correction,) = Correction.objects.filter(kind=CorrectionKind.CLOSED)
    assert correction.changes["from_number"] == []
    assert call["from_number"] not in str(correction.changes)


def test_agents_appear_with_their_calls(in_acme: Organization, connected: FaultyRetell) -> None:
    had(connected, 1)
    compare(in_acme)
    assert Agent.objects.filter(retell_agent_id="agent_acme").exists()


def test_an_item_nobody_can_read_stops_nothing(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    calls = had(connected, 3)
    calls[1]["duration_ms"] = "long"
    run = compare(in_acme)
    assert (run.inserted, run.unreadable) == (2, 1)


# --- Up to when everything is here ---------------------------------------------------------------


def test_after_it_everything_is_here_up_to_a_moment_ago(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    compare(in_acme)
    row = Completeness.objects.get()
    assert timedelta(0) < timezone.now() - row.complete_until < timedelta(minutes=5)  # type: ignore[operator]
    assert not row.has_gap(timezone.now())


def test_a_comparison_that_failed_moves_nothing(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    compare(in_acme)
    before = Completeness.objects.get().complete_until
    connected.fail(status(401), times=99, path="/v3/list-calls")
    run = compare(in_acme)
    row = Completeness.objects.get()
    assert (run.state, row.complete_until) == (RunState.FAILED, before)
    assert "does not accept this API key" in row.problem
    assert RetellConnection.objects.get().api_key_state == ApiKeyState.REFUSED


def test_the_next_one_begins_where_the_last_good_one_ended(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    actions.state()
    three_days_ago = timezone.now() - timedelta(days=3)
    Completeness.objects.update(complete_until=three_days_ago, deep_at=timezone.now())
    had(connected, 5, minutes_ago=2 * 24 * 60)
    run = compare(in_acme)
    assert run.range_from < three_days_ago
    assert run.inserted == 5


def test_a_long_outage_leaves_no_transcript_out(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    """No later comparison looks back so far, so a job fetches what one turn may not ask for."""
    actions.state()
    days_ago = timezone.now() - timedelta(days=4)
    Completeness.objects.update(complete_until=days_ago, deep_at=timezone.now())
    had(connected, 8, minutes_ago=3 * 24 * 60)
    assert compare(in_acme).transcripts == 5
    done(in_acme, Job.objects.get())
    assert not Call.objects.filter(transcript=None).exists()
    compare(in_acme)
    assert Job.objects.count() == 1


def test_usually_no_job_is_started(in_acme: Organization, connected: FaultyRetell) -> None:
    had(connected, 8)
    assert compare(in_acme).transcripts == 5
    assert not Job.objects.exists()


def test_long_without_a_comparison_is_a_gap() -> None:
    now = timezone.now()
    assert Completeness(complete_until=now - ANHOUR).has_gap(now)
    assert not Completeness(complete_until=now - timedelta(minutes=30)).has_gap(now)
    assert Completeness().has_gap(now)


def test_without_an_api_key_nothing_is_compared(in_acme: Organization) -> None:
    assert tasks.compare_one(in_acme) is None
    assert not Completeness.objects.exists()


def test_the_wrong_workspace_brings_nothing(in_acme: Organization, connected: FaultyRetell) -> None:
    """Globex's calls are Globex's: another key lists another workspace."""
    agent = next(iter(connected.globex.agents.values()))
    connected.globex.add_calls(*make_calls(agent, 3, first=timezone.now() - ANHOUR))
    assert compare(in_acme).listed == 0


# --- History -------------------------------------------------------------------------------------


def backfill(organization: Organization, days: int = 90) -> Job:
    until = timezone.now() - timedelta(hours=1)
    since = until - timedelta(days=days)
    return jobs_actions.start(
        organization,
        tasks.BACKFILL,
        title="History",
        parameters={"since": since.isoformat(), "until": until.isoformat()},
    )


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten calls a page, and each step of a job is saved."""
    monkeypatch.setattr(api, "PAGE_SIZE", 10)
    monkeypatch.setattr(jobs_actions, "SAVE_EVERY_SECONDS", 0)


def done(organization: Organization, job: Job) -> Job:
    """After a worker, the first or another one, did what it could."""
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED)
    jobs_actions.run(organization, job.pk)
    job.refresh_from_db()
    return job


@pytest.mark.usefixtures("small_pages")
def test_history_is_fetched_by_a_job(in_acme: Organization, connected: FaultyRetell) -> None:
    had(connected, 25, minutes_ago=40 * 24 * 60)
    job = done(in_acme, backfill(in_acme))
    assert (job.state, job.counts["inserted"]) == (JobState.DONE, 25)
    assert Run.objects.get(kind=RunKind.BACKFILL).inserted == 25


@pytest.mark.usefixtures("small_pages")
def test_history_comes_with_all_its_transcripts(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    """More than a comparison on schedule asks for: no later one looks there again."""
    had(connected, 25, minutes_ago=40 * 24 * 60)
    job = done(in_acme, backfill(in_acme))
    assert not Call.objects.filter(transcript=None).exists()
    assert (job.done, job.total, job.counts["transcripts"]) == (50, 50, 25)


@pytest.mark.usefixtures("small_pages")
def test_history_says_at_once_how_much_it_is(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    had(connected, 25, minutes_ago=40 * 24 * 60)
    job = backfill(in_acme)
    jobs_actions.cancel(job)
    assert (done(in_acme, job).total, job.percent_done) == (25, 0)


def stop_behind(retell: FaultyRetell, path: str, times: int) -> None:
    """After so many answers there is one refusal, which stops the job."""
    retell.fail(let_through, times=times, path=path)
    retell.fail(status(403), path=path)


@pytest.mark.usefixtures("small_pages")
def test_history_goes_on_behind_the_last_page(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    had(connected, 25, minutes_ago=40 * 24 * 60)
    stop_behind(connected, "/v3/list-calls", 1)
    job = done(in_acme, backfill(in_acme))
    key = job.position["after_key"]
    assert (job.state, job.done) == (JobState.FAILED, 10)
    connected.requests.clear()
    assert done(in_acme, job).done == 50
    assert connected.asked("/v3/list-calls")[0].body["pagination_key"] == key
    assert Run.objects.filter(kind=RunKind.BACKFILL).count() == 1


@pytest.mark.usefixtures("small_pages")
def test_transcripts_go_on_without_the_list(in_acme: Organization, connected: FaultyRetell) -> None:
    had(connected, 25, minutes_ago=40 * 24 * 60)
    stop_behind(connected, "/v2/get-call", 7)
    job = done(in_acme, backfill(in_acme))
    assert (job.state, job.done, job.total) == (JobState.FAILED, 32, 50)
    connected.requests.clear()
    done(in_acme, job)
    assert (job.state, job.done, job.total) == (JobState.DONE, 50, 50)
    assert connected.asked("/v3/list-calls") == []
    assert len(connected.asked("/v2/get-call")) == 18


def test_every_organization_is_compared_by_a_job_of_its_own(
    world: World, retell_api: FaultyRetell, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A job begins with connections of its own; here everything is in one transaction.
    monkeypatch.setattr(each, "close_old_connections", lambda: None)
    with organization_context(world.acme):
        connect(world.acme, retell_api)
    calls = had(retell_api, 3)
    tasks.compare(0)
    tasks.compare(0)  # the first still waits
    with platform():
        jobs = ProcrastinateJob.objects.filter(task_name=tasks.COMPARE_TASK)
        waiting = [job.args["organization_id"] for job in jobs]
        assert {job.priority for job in jobs} == {-1}
    assert sorted(waiting) == sorted([str(world.acme.pk), str(world.globex.pk)])
    for organization_id in waiting:
        tasks.compare_on_schedule(organization_id)
    with organization_context(world.acme):
        found = set(Call.objects.values_list("retell_call_id", flat=True))
    assert found == {call["call_id"] for call in calls}


def test_history_that_joins_counts(in_acme: Organization, connected: FaultyRetell) -> None:
    compare(in_acme)
    job = backfill(in_acme)
    jobs_actions.run(in_acme, job.pk)
    since = datetime.fromisoformat(job.parameters["since"])
    assert Completeness.objects.get().complete_from == since


def test_what_retell_refuses_is_told_by_the_job(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    connected.fail(status(403), times=99, path="/v3/list-calls")
    job = backfill(in_acme)
    jobs_actions.run(in_acme, job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "does not allow" in job.message
