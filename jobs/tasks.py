"""The worker's side of long work."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from jobs import actions
from jobs.models import Job
from tenants.each import for_each_organization
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform


@app.task(name=actions.RUN_TASK)
def run(organization_id: str, job_id: str) -> None:
    with platform():
        organization = Organization.objects.get(pk=organization_id)
    with organization_context(organization):
        actions.run(organization, UUID(job_id))


def _resume(organization: Organization) -> None:
    for job in Job.objects.stalled(timezone.now()):
        actions.enqueue(organization, job)


@app.periodic(cron="* * * * *")
@app.task(name="jobs.resume_stalled", queueing_lock="jobs.resume_stalled")
def resume_stalled(timestamp: int) -> None:
    """Every minute: work whose worker died goes on where it was."""
    for_each_organization(_resume)
