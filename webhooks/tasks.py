"""Jobs of the door: what was left for later by due marks. Webhooks enqueue nothing."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from notifications import signals
from tenants.each import for_each_organization
from tenants.models import Organization
from webhooks import actions, retention
from webhooks.exceptions import StopsWorker
from webhooks.models import Delivery
from webhooks.replaying import REPLAY  # noqa: F401 - the worker finds its kind of job here

RETRY_BATCH = 200


def _retry(organization: Organization) -> None:
    for delivery in Delivery.objects.due(timezone.now())[:RETRY_BATCH]:
        topics = ["deliveries"]
        with suppress(StopsWorker):  # which stands on the delivery now
            topics = actions.topics(actions.apply_again(delivery, organization=organization).parsed)
        signals.changed(organization.pk, *topics)


@app.periodic(cron="* * * * *")
@app.task(name="webhooks.retry_failed", queueing_lock="webhooks.retry_failed")
def retry_failed(timestamp: int) -> None:
    """Every minute: deliveries that were stored but could not be applied."""
    for_each_organization(_retry)


@app.periodic(cron="*/5 * * * *")
@app.task(name="webhooks.redact_restricted", queueing_lock="webhooks.redact_restricted")
def redact_restricted(timestamp: int) -> None:
    """Every five minutes: bodies stored before a later event restricted their call's storage."""
    for_each_organization(lambda _: actions.redact_restricted())


@app.periodic(cron="41 3 * * *")
@app.task(name="webhooks.remove_unreadable", queueing_lock="webhooks.remove_unreadable")
def remove_unreadable_bodies(timestamp: int) -> None:
    """Daily: undecodable bodies, after 30 days."""
    before = timezone.now() - timedelta(days=settings.UNREADABLE_BODY_RETENTION_DAYS)
    for_each_organization(lambda _: retention.remove_unreadable_bodies(before))


@app.periodic(cron="11 4 * * *")
@app.task(name="webhooks.remove_old", queueing_lock="webhooks.remove_old")
def remove_old_bodies(timestamp: int) -> None:
    """Daily: raw bodies, after as many days as their organization keeps them."""
    for_each_organization(lambda _: retention.remove_old_bodies())
