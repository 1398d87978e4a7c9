"""What the worker does for calls."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from calls import news
from calls.bulk import CLASSIFYING, TAGGING  # noqa: F401 - the worker finds its kinds of job here
from tenants.each import for_each_organization


@app.periodic(cron="* * * * *")
@app.task(name="calls.announce_final", queueing_lock="calls.announce_final")
def announce_final(timestamp: int) -> None:
    """Every minute: calls that became final, or were corrected after that."""
    for_each_organization(lambda _: news.announce_all(timezone.now()))
