"""Starting a sync of agents: when an API key is connected, and when somebody asks."""

from __future__ import annotations

from accounts.models import User
from agents.tasks import SYNC
from jobs import actions as jobs
from jobs.models import Job, JobState
from tenants.models import Organization


def sync_soon(organization: Organization, *, user: User | None = None) -> Job:
    """Inside the organization's context. The one that waits or runs already, if there is one."""
    running = Job.objects.filter(kind=SYNC.code, state__in=(JobState.QUEUED, JobState.RUNNING))
    return running.first() or jobs.start(
        organization, SYNC, title="Sync agents with Retell", user=user
    )
