"""Comparing on schedule, and long comparisons as jobs."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import ngettext
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from accounts.roles import Right
from agents.api_access import open_api
from agents.models import RetellConnection
from agents.retell import Kind as Failure
from agents.retell import RetellApiError
from completeness import actions, gaps
from completeness.comparison import Outcome
from completeness.models import Run, RunKind, RunState
from jobs import actions as jobs
from jobs.actions import Cancelled, JobFailed, Progress
from jobs.kinds import Kind
from jobs.models import Job
from tenants.each import for_each_organization
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform

# Long work leaves half of the workspace's requests to everybody else.
SHARE_OF_LONG_WORK = 0.5
COMPARE_TASK = "completeness.compare_one"
UNREADABLE = "unreadable"
LONGEST_USUAL_RANGE = timedelta(hours=settings.RECONCILE_DEEP_HOURS + 2)
NOUN = "calls and transcripts"
NOT_CONNECTED = "There is no Retell API key. Connect one, then start again. Nothing was changed."


def compare_one(organization: Organization) -> Run | None:
    """One comparison, inside the organization's context; None without an API key.

    What Retell refuses stands on the page, and the next comparison begins where this one did.
    """
    connection = RetellConnection.objects.filter(pk=1).first()
    if connection is None:
        return None
    try:
        with open_api(organization) as api:
            if api is None:
                return None
            run = actions.compare_on_schedule(
                organization, api, connected_at=connection.connected_at
            )
    except RetellApiError as error:
        if error.kind is Failure.KEY_UNREADABLE:
            return actions.note_not_begun(error, connected_at=connection.connected_at)
        return Run.objects.filter(kind=RunKind.SCHEDULED).latest("id")
    _fetch_what_is_left(organization, run)
    return run


def _fetch_what_is_left(organization: Organization, run: Run) -> None:
    """Transcripts from before no later comparison looks back to, as after days without any."""
    is_long = run.range_until - run.range_from > LONGEST_USUAL_RANGE
    if is_long and actions.lacks_transcripts(run):
        span = {"since": run.range_from.isoformat(), "until": run.range_until.isoformat()}
        jobs.start(
            organization, COMPARE_RANGE, title="Fetch what a long outage left out", parameters=span
        )


@app.periodic(cron="*/10 * * * *")
@app.task(name="completeness.compare", queueing_lock="completeness.compare")
def compare(timestamp: int) -> None:
    """Every ten minutes: what Retell lists against what is here.

    A job each, so that one whose answers take long delays no other."""
    for_each_organization(_enqueue)


def _enqueue(organization: Organization) -> None:
    """Behind mails and what people wait for; one that still waits is not doubled. Not one at a time
    by Procrastinate's `lock`: a worker that is killed would keep it for good."""
    lock = f"{COMPARE_TASK} {organization.schema_name}"
    task = app.configure_task(COMPARE_TASK, queueing_lock=lock, priority=-1)
    with suppress(AlreadyEnqueued), transaction.atomic():
        task.defer(organization_id=str(organization.pk))


@app.task(name=COMPARE_TASK)
def compare_on_schedule(organization_id: str) -> None:
    """One organization's turn."""
    with platform():
        organization = Organization.objects.with_schema().filter(pk=organization_id).first()
    if organization is None:
        return
    with organization_context(organization):
        try:
            compare_one(organization)
        finally:
            gaps.tell_if_late(timezone.now())


# --- On demand -----------------------------------------------------------------------------------


class _Steps:
    """How far the job is: first calls by their list, then transcripts, which it does not hold."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def expect(self, number: int) -> None:
        self._progress.step(total=self._progress.job.done + number)

    def page(self, outcome: Outcome, next_key: str) -> None:
        self._progress.step(
            done=outcome.listed,
            position={"after_key": next_key},
            inserted=outcome.inserted,
            corrected=outcome.corrected,
        )

    def transcript(self) -> None:
        self._progress.step(done=1, transcripts=1)


def _compare_range(progress: Progress) -> None:
    """A range or the history, page by page, then transcripts; goes on where it was."""
    parameters = progress.job.parameters
    since = datetime.fromisoformat(parameters["since"])
    until = datetime.fromisoformat(parameters["until"])
    run = actions.begin(RunKind(progress.job.kind), since, until, job_id=progress.job.pk)

    try:
        with open_api(progress.organization, share=SHARE_OF_LONG_WORK, sleep=progress.wait) as api:
            if api is None:
                raise JobFailed(NOT_CONNECTED)
            after_key = progress.position.get("after_key")
            actions.compare(
                progress.organization, api, run, after_key=after_key, steps=_Steps(progress)
            )
    except RetellApiError as error:
        raise JobFailed(str(error)) from error
    except Cancelled:
        actions.finish(run, RunState.CANCELLED)
        raise
    if run.kind == RunKind.BACKFILL:
        actions.note_backfill(since, until)
    run.refresh_from_db()
    progress.job.counts |= {UNREADABLE: run.unreadable} if run.unreadable else {}
    progress.job.message = _left_over(run.unreadable)


def _left_over(number: int) -> str:
    if not number:
        return ""
    return ngettext(
        "%(count)s call that Retell lists could not be read, so it is missing here. Completeness"
        " says which, why, and what to do.",
        "%(count)s calls that Retell lists could not be read, so they are missing here."
        " Completeness says which, why, and what to do.",
        number,
    ) % {"count": f"{number:,}"}


def _unread(job: Job) -> int:
    return int(job.counts.get(UNREADABLE, 0))


COMPARE_RANGE = Kind(
    RunKind.RANGE, "Compare with Retell", NOUN, Right.MANAGE_RETELL, _compare_range, left=_unread
)
BACKFILL = Kind(
    RunKind.BACKFILL, "Fetch history from Retell", NOUN, Right.MANAGE_RETELL, _compare_range,
    left=_unread,
)  # fmt: skip
