"""The demo and its made-up Retell, over real HTTP: what was lost comes back, what is wrong with
an agent is set right, the history is fetched."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from agents import fixes, guardian
from agents.actions import set_webhook
from agents.models import Agent, RetellConnection
from agents.tasks import sync_one
from calls.models import Call
from completeness import jobs as completeness_jobs
from completeness.models import Completeness, Correction, CorrectionKind, Run, RunState
from completeness.tasks import compare_one
from jobs import actions as jobs
from jobs.models import Job, JobState
from operations.demo import kept
from operations.demo.feeding import Feed, Line
from operations.demo.retell_api import Shelf, ShelvedRetell
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import World
from testing.retell_api import running

LOADED_CALLS = 50


@pytest.fixture
def shelf(committed: World, elsewhere: Path, settings: Any) -> Iterator[Shelf]:
    """The demo is loaded, and its Retell answers where the settings say."""
    settings.RETELL_LIST_BUDGET = settings.RETELL_GENERAL_BUDGET = 100_000
    with Shelf(kept.FILE) as opened, running(ShelvedRetell(opened)) as server:
        settings.DEMO_RETELL_BASE_URL = server.url
        call_command("load_demo", calls=LOADED_CALLS)
        with Shelf(kept.FILE) as own:
            yield own
        call_command("remove_demo")


def demo(slug: str) -> Organization:
    with platform():
        return Organization.objects.get(slug=slug)


def missing(organization: Organization, shelf: Shelf) -> set[str]:
    """Calls that Retell lists and that are not here."""
    org_id = RetellConnection.objects.get().workspace_id
    listed = {call["call_id"] for call in shelf.all_listed(org_id) if "start_timestamp" in call}
    return listed - set(Call.objects.values_list("retell_call_id", flat=True))


def bypassing(organization: Organization) -> Agent:
    return Agent.objects.get(retell_agent_id__startswith="agent_0new")


def codes(organization: Organization) -> dict[str, list[bool]]:
    """What the guardian finds, and whether it can be fixed from here."""
    found: dict[str, list[bool]] = {}
    for finding in guardian.findings(organization_id=organization.pk):
        found.setdefault(finding.code, []).append(finding.is_fixable)
    return found


# --- Completeness --------------------------------------------------------------------------------


def test_one_organization_is_complete_and_shows_what_was_brought_back(shelf: Shelf) -> None:
    with organization_context(dental := demo("demo-dental")):
        row = Completeness.objects.get()
        assert (row.problem, row.has_gap(timezone.now())) == ("", False)
        brought = Correction.objects.filter(kind=CorrectionKind.INSERTED)
        calls = Call.objects.filter(retell_call_id__in=brought.values("retell_call_id"))
        assert [call.source for call in calls] == ["reconciled", "reconciled"]
        assert dental.is_demo


def test_the_other_has_a_gap_until_its_retell_answers_again(shelf: Shelf) -> None:
    with organization_context(insurance := demo("demo-insurance")):
        row = Completeness.objects.get()
        assert row.tried_at is not None
        assert row.has_gap(row.tried_at)
        assert row.problem.startswith("Retell did not answer.")
        assert len(missing(insurance, shelf)) == 10


def test_reconcile_heals_the_gap_once_the_outage_is_over(shelf: Shelf) -> None:
    shelf.end_outages()
    call_command("reconcile", "demo-insurance")
    with organization_context(demo("demo-insurance")):
        row = Completeness.objects.get()
        assert not row.has_gap(timezone.now())
        lately = Correction.objects.filter(kind=CorrectionKind.INSERTED)
        assert Call.objects.filter(source="reconciled").count() == lately.count() >= 3


def test_during_the_outage_reconcile_says_so_over_http(shelf: Shelf, settings: Any) -> None:
    settings.RETELL_TRIES = 1
    with pytest.raises(CommandError, match="Retell did not answer"):
        call_command("reconcile", "demo-insurance")


def test_a_webhook_that_the_feed_loses_comes_back(shelf: Shelf) -> None:
    """Every webhook of one call, lost; nobody listens at the feed's port either."""
    lines = [Line("acme", "http://localhost/webhooks/retell/x/", "key")]
    feed = Feed(lambda: lines, port=9, seconds_between_calls=5, shelf=shelf, lost_share=1.0,
                rng=random.Random(4))  # fmt: skip
    began = time.time() - 3600
    feed.next_refresh = 0.0
    while not any(post.is_lost for post in feed.queue):
        feed.next_call = 0.0
        feed.turn(began)
    call_id = next(post.body["call"]["call_id"] for post in feed.queue if post.is_lost)
    feed.next_call = began + 100_000
    feed.turn(began + 7_000)
    with organization_context(dental := demo("demo-dental")):
        assert call_id in missing(dental, shelf)
        compare_one(dental)
        assert Call.objects.get(retell_call_id=call_id).source == "reconciled"
        assert Correction.objects.filter(retell_call_id=call_id, kind="inserted").exists()


# --- Agents --------------------------------------------------------------------------------------


def test_the_guardian_finds_something_to_fix_and_something_to_read(shelf: Shelf) -> None:
    with organization_context(dental := demo("demo-dental")):
        assert codes(dental) == {"bypass": [True], "retention": [False, False]}


def test_the_fix_changes_the_agent_at_retell_and_the_finding_goes(shelf: Shelf) -> None:
    with organization_context(dental := demo("demo-dental")):
        agent = bypassing(dental)
        set_webhook(dental, agent, seal=fixes.look(dental, agent).seal)
    (workspace,) = (each for each in shelf.workspaces() if agent.retell_agent_id in each.agents)
    newest = workspace.agents[agent.retell_agent_id].latest
    assert newest["is_published"]
    assert "/webhooks/retell/" in newest["webhook_url"]
    with organization_context(dental):
        sync_one(dental)
        assert codes(dental) == {"retention": [False, False]}


# --- History -------------------------------------------------------------------------------------


def fetch_history(organization: Organization) -> Job:
    return completeness_jobs.fetch_history(organization, months=4)


def test_the_history_brings_what_was_lost_long_ago(shelf: Shelf) -> None:
    with organization_context(dental := demo("demo-dental")):
        lost = missing(dental, shelf)
        job = fetch_history(dental)
        jobs.run(dental, job.pk)
        job.refresh_from_db()
        assert (job.state, missing(dental, shelf)) == (JobState.DONE, set())
        run = Run.objects.get(job_id=job.pk)
        assert run.listed > len(lost) == 7
        assert job.done == run.listed + run.inserted  # each with a transcript that was fetched


def test_the_history_is_cancelled_between_pages(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.retell.api.PAGE_SIZE", 10)
    monkeypatch.setattr("jobs.actions.SAVE_EVERY_SECONDS", 0)
    with organization_context(dental := demo("demo-dental")):
        job = fetch_history(dental)
        watched = jobs.Progress.step

        def cancel_after_a_page(progress: jobs.Progress, **steps: Any) -> None:
            if "position" in steps:
                jobs.cancel(job)
            watched(progress, **steps)

        monkeypatch.setattr(jobs.Progress, "step", cancel_after_a_page)
        jobs.run(dental, job.pk)
        job.refresh_from_db()
        run = Run.objects.get(job_id=job.pk)
        assert (job.state, run.state, run.listed) == (JobState.CANCELLED, RunState.CANCELLED, 10)


def test_without_a_made_up_retell_the_demo_has_no_api_key(loaded: Path) -> None:
    with organization_context(demo("demo-dental")):
        assert not RetellConnection.objects.get().has_api_key
    assert not kept.FILE.exists()
