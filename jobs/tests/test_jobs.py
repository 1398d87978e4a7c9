"""Long work: counted, cancelled, resumed, found again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from accounts.roles import Right
from audit.models import Entry
from jobs import actions, kinds, tasks
from jobs.actions import JobFailed, Progress
from jobs.kinds import Kind
from jobs.models import Job, JobState
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import ClientFactory, World


def count_to_ten(progress: Progress) -> None:
    """From wherever it was."""
    for number in range(progress.position.get("next", 0), 10):
        progress.step(done=1, total=10, position={"next": number + 1}, counted=1)


def fail_at_five(progress: Progress) -> None:
    for number in range(10):
        if number == 5:
            raise ZeroDivisionError
        progress.step(done=1, total=10, position={"next": number + 1})


def refuse(progress: Progress) -> None:
    raise JobFailed("Retell refused the key. Nothing was changed.")


@pytest.fixture(autouse=True)
def _every_step_is_saved(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(actions, "SAVE_EVERY_SECONDS", 0)
    before = dict(kinds._kinds)
    yield
    kinds._kinds.clear()
    kinds._kinds.update(before)


def kind(run: kinds.Runner, right: Right = Right.REPLAY_DELIVERIES) -> Kind:
    return Kind("test", "Test", "numbers", right, run)


def started(organization: Organization, run: kinds.Runner = count_to_ten) -> Job:
    return actions.start(organization, kind(run), title="Count to ten")


def finished(organization: Organization, job: Job) -> Job:
    actions.run(organization, job.pk)
    job.refresh_from_db()
    return job


def enqueued(name: str) -> int:
    from procrastinate.contrib.django.models import ProcrastinateJob

    with platform():
        return ProcrastinateJob.objects.filter(task_name=name).count()


def test_a_job_is_counted_to_its_end(in_acme: Organization) -> None:
    job = finished(in_acme, started(in_acme))
    assert (job.state, job.done, job.total, job.percent_done) == (JobState.DONE, 10, 10, 100)
    assert job.shown_counts == [("Counted", 10)]


def test_starting_enqueues_it_and_stands_in_the_log(in_acme: Organization) -> None:
    before = enqueued("jobs.run")
    started(in_acme)
    assert enqueued("jobs.run") == before + 1
    assert Entry.objects.latest("sequence").sentence == "Switchboard started “Count to ten”"


def test_the_worker_finds_the_organization(in_acme: Organization, world: World) -> None:
    job = started(in_acme)
    tasks.run(str(in_acme.pk), str(job.pk))
    job.refresh_from_db()
    assert job.state == JobState.DONE


def test_a_cancelled_job_stops_and_keeps_what_was_done(in_acme: Organization) -> None:
    def cancel_at_three(progress: Progress) -> None:
        for number in range(10):
            if number == 3:
                actions.cancel(progress.job)
            progress.step(done=1, total=10)

    job = finished(in_acme, started(in_acme, cancel_at_three))
    assert (job.state, job.done) == (JobState.CANCELLED, 4)
    assert "kept" in job.message


def test_who_waits_for_others_shows_that_it_lives(in_acme: Organization) -> None:
    def wait(progress: Progress) -> None:
        long_ago = timezone.now() - timedelta(hours=1)
        Job.objects.filter(pk=progress.job.pk).update(heartbeat_at=long_ago)
        progress.wait(0.01)

    job = finished(in_acme, started(in_acme, wait))
    assert not Job.objects.filter(pk=job.pk, heartbeat_at__lt=job.created_at).exists()


def test_who_waits_for_others_can_be_cancelled(in_acme: Organization) -> None:
    def wait_long(progress: Progress) -> None:
        actions.cancel(progress.job)
        progress.wait(3600)

    assert finished(in_acme, started(in_acme, wait_long)).state == JobState.CANCELLED


def test_a_waiting_job_is_cancelled_at_once(in_acme: Organization) -> None:
    job = started(in_acme)
    actions.cancel(job)
    assert finished(in_acme, job).done == 0
    assert job.state == JobState.CANCELLED


def test_an_error_is_told_without_its_inside(in_acme: Organization) -> None:
    job = finished(in_acme, started(in_acme, fail_at_five))
    assert (job.state, job.done) == (JobState.FAILED, 5)
    assert "ZeroDivision" not in job.message
    assert str(job.pk)[-12:] in job.message


def leave_two(progress: Progress) -> None:
    progress.step(done=5, good=3, bad=2)
    progress.job.message = "2 were left. Try them again."


def test_a_finished_job_with_leftovers_is_no_success(
    world: World, browser_of: ClientFactory
) -> None:
    left = Kind("test", "Test", "numbers", Right.REPLAY_DELIVERIES, leave_two, left=lambda job: job.counts["bad"])  # fmt: skip  # noqa: E501
    with organization_context(world.acme):
        job = finished(world.acme, actions.start(world.acme, left, title="Leave two"))
    page = browser_of(world.people.alice, world.acme).get(f"/jobs/{job.pk}/").content.decode()
    assert '<div class="notice warn">' in page
    assert "2 were left. Try them again." in page
    assert "Done, some left" in page
    assert "notice ok" not in page


def test_a_sentence_for_people_is_told_as_it_is(in_acme: Organization) -> None:
    job = finished(in_acme, started(in_acme, refuse))
    assert job.message == "Retell refused the key. Nothing was changed."


def test_a_kind_this_version_forgot_fails_in_a_sentence(in_acme: Organization) -> None:
    job = started(in_acme)
    del kinds._kinds["test"]
    assert "does not know" in finished(in_acme, job).message


def test_work_of_a_dead_worker_goes_on_where_it_was(in_acme: Organization) -> None:
    job = started(in_acme)
    Job.objects.filter(pk=job.pk).update(
        state=JobState.RUNNING, done=7, position={"next": 7},
        heartbeat_at=timezone.now() - timedelta(minutes=3),
    )  # fmt: skip
    before = enqueued("jobs.run")
    tasks._resume(in_acme)
    assert enqueued("jobs.run") == before + 1
    assert finished(in_acme, job).done == 10
    assert job.shown_counts == [("Counted", 3)]


def test_work_that_is_under_way_is_left_alone(in_acme: Organization) -> None:
    job = started(in_acme)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, heartbeat_at=timezone.now())
    before = enqueued("jobs.run")
    tasks._resume(in_acme)
    assert enqueued("jobs.run") == before
    assert finished(in_acme, job).done == 0


def test_of_eight_workers_one_does_it(committed: World) -> None:
    with organization_context(committed.acme):
        job = started(committed.acme)

    def work(_: int) -> None:
        try:
            with organization_context(committed.acme):
                actions.run(committed.acme, job.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    with organization_context(committed.acme):
        job.refresh_from_db()
    assert job.counts == {"counted": 10}


# --- Pages ---------------------------------------------------------------------------------------


def test_its_page_shows_how_far_it_is(world: World, browser_of: ClientFactory) -> None:
    with organization_context(world.acme):
        job = started(world.acme)
        Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, done=4, total=10)
    page = browser_of(world.people.alice, world.acme).get(f"/jobs/{job.pk}/").content.decode()
    assert 'value="40"' in page
    assert "4 of 10 numbers" in page


def test_who_may_not_start_it_does_not_see_it(world: World, browser_of: ClientFactory) -> None:
    with organization_context(world.acme):
        job = started(world.acme)
    bob = browser_of(world.people.bob, world.acme)
    assert bob.get(f"/jobs/{job.pk}/").status_code == 404
    assert bob.post(f"/jobs/{job.pk}/cancel/").status_code == 404
    assert b"Count to ten" not in bob.get("/jobs/").content


def test_an_admin_cancels_it(world: World, browser_of: ClientFactory) -> None:
    with organization_context(world.acme):
        job = started(world.acme)
    browser_of(world.people.alice, world.acme).post(f"/jobs/{job.pk}/cancel/")
    with organization_context(world.acme):
        job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_the_list_says_when_there_is_nothing(world: World, browser_of: ClientFactory) -> None:
    page = browser_of(world.people.bob, world.acme).get("/jobs/").content.decode()
    assert "No jobs yet" in page
