"""Jobs that failed for good: run again, or let go of, by somebody."""

from __future__ import annotations

from django.db import IntegrityError, connection, transaction
from django.db.models import CharField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob

from audit.actions import record
from audit.vocabulary import Action, Kind

RETRIED = Action("operations.job_retried", "let the failed job {object} run again")
DISCARDED = Action("operations.job_discarded", "discarded the failed job {object}", Kind.DELETE)


class JobError(Exception):
    """The job stays as it is; the message is a sentence for people."""


def failed() -> QuerySet[ProcrastinateJob]:
    """The newest first, with when they failed."""
    events = ProcrastinateEvent.objects.filter(job=OuterRef("pk"), type="failed").order_by("-id")
    jobs: QuerySet[ProcrastinateJob] = ProcrastinateJob.objects.filter(status="failed")
    jobs = jobs.annotate(key=Cast("pk", CharField()))  # as a part of an id in a page
    return jobs.annotate(failed_at=Subquery(events.values("at")[:1])).order_by("-id")


def _take(job_id: int) -> str:
    """The name of the job, which nobody else touches until the transaction ends."""
    job = ProcrastinateJob.objects.select_for_update().filter(pk=job_id, status="failed").first()
    if job is None:
        raise JobError(
            _("That job does not wait as failed any more: somebody was faster. Nothing was done.")
        )
    return f"{job.task_name} ({job.pk})"


def retry(job_id: int) -> str:
    """Run it again as soon as a worker is free; its name. Raises `JobError`."""
    try:
        with transaction.atomic():
            name = _take(job_id)
            with connection.cursor() as cursor:
                # Procrastinate's own way trips over the lock of a job that waits already.
                cursor.execute(
                    "SELECT procrastinate_retry_job_v2(%s, now(), NULL, NULL, NULL)", [job_id]
                )
            record(RETRIED, name)
    except IntegrityError as error:
        raise JobError(
            _("The same job waits already, so this one need not run. Discard it instead.")
        ) from error
    return name


def discard(job_id: int) -> str:
    """Let go of it for ever; its name. Raises `JobError`."""
    with transaction.atomic():
        name = _take(job_id)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [job_id])
        record(DISCARDED, name)
    return name
