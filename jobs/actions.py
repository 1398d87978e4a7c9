"""Starting, running and cancelling long work. All inside the organization's context."""

from __future__ import annotations

import logging
import time
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app as procrastinate

from accounts.http import Caller
from audit.actions import record
from audit.vocabulary import Action
from audit.vocabulary import Kind as AuditKind
from jobs.kinds import Kind, find
from jobs.models import Job, JobState
from notifications import signals
from tenants.models import Organization

logger = logging.getLogger(__name__)

RUN_TASK = "jobs.run"
TOPIC = "jobs"
SAVE_EVERY_SECONDS = 0.5
BEAT_SECONDS = 1.0

STARTED = Action("jobs.started", "started “{object}”", AuditKind.CREATE)
CANCELLED = Action("jobs.cancelled", "cancelled “{object}”")
FAILED_MESSAGE = (
    "It stopped because of an error on our side. What was done until then is kept; start it again,"
    " and give the operator this reference: {reference}."
)


class Cancelled(Exception):
    """Somebody cancelled the job; what was done until then stays."""


class JobFailed(Exception):
    """The job cannot go on; the message is a sentence for whoever started it."""


class Progress:
    """What a running job says of itself. Saved at most twice a second, and at the end."""

    def __init__(self, job: Job, organization: Organization) -> None:
        self.job = job
        self.organization = organization
        self._saved_at = 0.0

    @property
    def position(self) -> dict[str, Any]:
        position: dict[str, Any] = self.job.position
        return position

    def step(
        self,
        *,
        done: int = 0,
        total: int | None = None,
        position: dict[str, Any] | None = None,
        **counts: int,
    ) -> None:
        """`done` more of `total`; `position` is where it would go on, `counts` are added up.

        Raises `Cancelled` when somebody asked for it. Outside of transactions: progress that a
        rollback took back would be a lie.
        """
        job = self.job
        job.done += done
        job.total = job.total if total is None else total
        job.position = job.position if position is None else position
        for name, number in counts.items():
            job.counts[name] = job.counts.get(name, 0) + number
        if time.monotonic() - self._saved_at >= SAVE_EVERY_SECONDS:
            self.save()

    def wait(self, seconds: float) -> None:
        """Sleep, and show meanwhile that it lives: who waits for somebody else is not dead.

        Raises `Cancelled` when somebody asked for it.
        """
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, BEAT_SECONDS))
            self.step()

    def save(self) -> None:
        self._saved_at = time.monotonic()
        job = self.job
        job.heartbeat_at = timezone.now()
        job.save(update_fields=["done", "total", "position", "counts", "heartbeat_at"])
        signals.changed(self.organization.pk, TOPIC)
        if Job.objects.filter(pk=job.pk, cancel_requested_at__isnull=False).exists():
            raise Cancelled


def start(
    organization: Organization,
    kind: Kind,
    *,
    title: str,
    parameters: dict[str, Any] | None = None,
    total: int | None = None,
    user: Caller | None = None,
) -> Job:
    """Queue a piece of long work; row, task and audit entry in one transaction."""
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind.code,
            title=title[:200],
            parameters=parameters or {},
            total=total,
            started_by_id=user.pk if user else None,
            started_by=user.display_name if user else "",
        )
        record(STARTED, job)
        enqueue(organization, job)
    return job


def enqueue(organization: Organization, job: Job) -> None:
    procrastinate.configure_task(RUN_TASK).defer(
        organization_id=str(organization.pk), job_id=str(job.pk)
    )


def cancel(job: Job) -> None:
    """Stop it: at once when no worker has it, else at its next step. Twice is no error."""
    now = timezone.now()
    with transaction.atomic():
        waiting = Job.objects.filter(pk=job.pk, state=JobState.QUEUED).update(
            state=JobState.CANCELLED, cancel_requested_at=now, finished_at=now
        )
        running = Job.objects.filter(
            pk=job.pk, state=JobState.RUNNING, cancel_requested_at=None
        ).update(cancel_requested_at=now)
        if waiting or running:
            record(CANCELLED, job)


def run(organization: Organization, job_id: UUID) -> None:
    """Do the work, unless another worker does; say how it ended."""
    job = _take(job_id)
    if job is None:
        return
    progress = Progress(job, organization)
    try:
        _kind_of(job).run(progress)
    except Cancelled:
        _finish(progress, JobState.CANCELLED, "Cancelled; what was done until then is kept.")
    except JobFailed as error:
        _finish(progress, JobState.FAILED, str(error))
    except Exception:
        logger.exception("job failed", extra={"job": str(job_id)})
        reference = str(job_id)[-12:]
        _finish(progress, JobState.FAILED, FAILED_MESSAGE.format(reference=reference))
    else:
        _finish(progress, JobState.DONE, job.message)


def _kind_of(job: Job) -> Kind:
    kind = find(job.kind)
    if kind is None:
        raise JobFailed("This version does not know this kind of work any more.")
    return kind


def _take(job_id: UUID) -> Job | None:
    """Claim it: of two workers one gets it."""
    now = timezone.now()
    taken = (
        Job.objects.may_be_taken(now)
        .filter(pk=job_id)
        .update(state=JobState.RUNNING, heartbeat_at=now)
    )
    if not taken:
        return None
    Job.objects.filter(pk=job_id, started_at=None).update(started_at=now)
    return Job.objects.get(pk=job_id)


def _finish(progress: Progress, state: JobState, message: str) -> None:
    job = progress.job
    job.state, job.message, job.finished_at = state, message, timezone.now()
    job.save(
        update_fields=["state", "message", "finished_at", "done", "total", "position", "counts"]
    )
    signals.changed(progress.organization.pk, TOPIC)
