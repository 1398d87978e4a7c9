"""Syncing agents with Retell: every hour, and as a job when somebody asks for it."""

from __future__ import annotations

from django.utils.translation import ngettext
from procrastinate.contrib.django import app

from accounts.roles import Right
from agents.api_access import open_api
from agents.retell import RetellApiError
from agents.sync import Outcome, sync
from jobs.actions import JobFailed, Progress
from jobs.kinds import Kind
from jobs.models import Job
from tenants.each import for_each_organization
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform

# The rest of the workspace's requests is for comparing calls, and for other tools.
SHARE = 0.5
NOT_CONNECTED = "There is no Retell API key. Connect one, then start again. Nothing was changed."


def sync_one(organization: Organization) -> Outcome | None:
    """One sync, inside the organization's context; None without an API key, or when it failed.

    Why it failed stands on the page of agents; it is tried again within the hour.
    """
    try:
        with open_api(organization, share=SHARE) as api:
            return None if api is None else sync(organization, api)
    except RetellApiError:
        return None


@app.periodic(cron="23 * * * *")
@app.task(name="agents.sync", queueing_lock="agents.sync")
def sync_all(timestamp: int) -> None:
    """Every hour: what Retell says of each organization's agents."""
    for_each_organization(sync_one)


@app.task(name="agents.sync_one")
def sync_when_connected(organization_id: str) -> None:
    """Deferred with an API key being stored: nobody waits an hour to see their agents."""
    with platform():
        organization = Organization.objects.get(pk=organization_id)
    with organization_context(organization):
        sync_one(organization)


def _sync(progress: Progress) -> None:
    def step(done: int, total: int) -> None:
        progress.step(done=done - progress.job.done, total=total)

    progress.job.done = 0  # after an interruption it begins anew
    try:
        with open_api(progress.organization, share=SHARE, sleep=progress.wait) as api:
            if api is None:
                raise JobFailed(NOT_CONNECTED)
            outcome = sync(progress.organization, api, step=step)
    except RetellApiError as error:
        raise JobFailed(str(error)) from error
    progress.step(
        listed=outcome.listed, new=outcome.new, gone=outcome.gone, unreadable=outcome.unreadable
    )
    progress.job.message = _left_over(outcome.unreadable)


def _left_over(number: int) -> str:
    if not number:
        return ""
    return ngettext(
        "%(count)s agent could not be read and stands here as it was read before. It is tried again"
        " every hour; if it stays, look at it in Retell, and whether the API key may read it.",
        "%(count)s agents could not be read and stand here as they were read before. They are tried"
        " again every hour; if they stay, look at them in Retell, and whether the API key may read"
        " them.",
        number,
    ) % {"count": f"{number:,}"}


def _unread(job: Job) -> int:
    return int(job.counts.get("unreadable", 0))


SYNC = Kind(
    "sync_agents",
    "Sync agents with Retell",
    "agents read",
    Right.MANAGE_RETELL,
    _sync,
    left=_unread,
)
