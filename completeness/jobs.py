"""Starting long comparisons."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils import timezone

from accounts.models import User
from completeness.actions import state
from completeness.tasks import BACKFILL, COMPARE_RANGE
from jobs import actions as jobs
from jobs.models import Job
from tenants.models import Organization

DAYS_A_MONTH = 30.44


def compare_range(
    organization: Organization, *, first_day: date, last_day: date, user: User | None = None
) -> Job:
    """Compare whole days of the organization's zone, both included."""
    since = datetime.combine(first_day, time.min, organization.zone)
    until = datetime.combine(last_day + timedelta(days=1), time.min, organization.zone)
    return jobs.start(
        organization,
        COMPARE_RANGE,
        title=f"Compare {first_day} to {last_day} with Retell",
        parameters=_range(since, min(until, timezone.now())),
        user=user,
    )


def fetch_history(organization: Organization, *, months: int, user: User | None = None) -> Job:
    """Everything of the last months that is not complete already."""
    now = timezone.now()
    since = now - timedelta(days=months * DAYS_A_MONTH)
    until = state().complete_from or now
    noun = "month" if months == 1 else "months"
    return jobs.start(
        organization,
        BACKFILL,
        title=f"Fetch {months} {noun} of history from Retell",
        parameters=_range(min(since, until), until),
        user=user,
    )


def _range(since: datetime, until: datetime) -> dict[str, str]:
    return {"since": since.isoformat(), "until": until.isoformat()}
