"""Keeping the sums of calls."""

from __future__ import annotations

from procrastinate.contrib.django import app

from analytics.rollup import adding
from tenants.each import for_each_organization


@app.periodic(cron="* * * * *")
@app.task(name="analytics.add_up", queueing_lock="analytics.add_up")
def add_up(timestamp: int) -> None:
    """Every minute: whatever calls were written since. Webhooks leave marks and enqueue nothing."""
    for_each_organization(lambda organization: adding.add_up(organization.time_zone))
