"""The worker's side of outgoing webhooks."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from procrastinate.contrib.django import app

from accounts.models import Membership, Role, User
from config import mail
from notices import actions, sending
from notices.emitting import QUEUE, SEND_TASK, send_soon
from notices.models import Subscription
from tenants.each import for_each_organization
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import door, platform

MAIL_ONE_TASK = "notices.send_disabled_mail_to"


@app.task(name=SEND_TASK, queue=QUEUE)
def send(schema_name: str, subscription_id: str) -> None:
    """A receiver's turn. What is suspended tells nobody anything; it waits until that is over."""
    with platform():
        organization = Organization.objects.with_schema().filter(schema_name=schema_name).first()
    if organization is None or not organization.is_reachable:
        return
    with organization_context(organization):
        sending.send_due(organization, UUID(subscription_id))


def _hurry(organization: Organization) -> None:
    if not organization.is_reachable:
        return
    for subscription in Subscription.objects.due(timezone.now()).only("pk"):
        send_soon(subscription.pk)


@app.periodic(cron="* * * * *")
@app.task(name="notices.send_due", queueing_lock="notices.send_due")
def send_due(timestamp: int) -> None:
    """Every minute: what is due, also what a worker left that died."""
    for_each_organization(_hurry)


@app.periodic(cron="31 4 * * *")
@app.task(name="notices.forget_old", queueing_lock="notices.forget_old")
def forget_old(timestamp: int) -> None:
    """Daily: messages that are older than a month."""
    for_each_organization(lambda _: _forget_all())


def _forget_all() -> None:
    while actions.forget_old():
        pass


@app.task(name=actions.MAIL_TASK)
def tell_admins(organization_id: str, subscription_id: str) -> None:
    """One job a person, so that one address that fails does not repeat the others' mail."""
    with door():
        admins = Membership.objects.filter(
            organization_id=organization_id, role=Role.ADMIN, user__is_active=True
        )
        user_ids = list(admins.values_list("user_id", flat=True))
    for user_id in user_ids:
        tell_admin.defer(
            organization_id=organization_id, subscription_id=subscription_id, user_id=str(user_id)
        )


@app.task(name=MAIL_ONE_TASK, retry=mail.MAIL_RETRY)
def tell_admin(organization_id: str, subscription_id: str, user_id: str) -> None:
    """That an outgoing webhook was switched off, and why."""
    with platform():
        organization = Organization.objects.get(pk=organization_id)
    with organization_context(organization):
        subscription = Subscription.objects.filter(pk=subscription_id, is_enabled=False).first()
    with door():
        user = User.objects.filter(pk=user_id, is_active=True).first()
    if subscription is None or subscription.why_disabled is None or user is None:
        return
    with override(user.language):
        mail.send(
            "notice",
            to=user.email,
            language=user.language,
            context={
                "organization_name": organization.name,
                "title": _("An outgoing webhook was switched off"),
                "paragraphs": [
                    str(subscription),
                    subscription.why_disabled.label,
                    _("What was not sent is kept for 30 days; it goes out when it is on again."),
                ],
                "action_label": _("Look at it"),
                "action_url": organization.url(f"/settings/notices/{subscription.pk}/"),
            },
        )
