"""Changing subscriptions, and sending again. All inside the organization's context."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app as procrastinate

from audit.actions import changes_between, record
from audit.vocabulary import Action, Kind
from notices import signing
from notices.emitting import emit_to, send_soon
from notices.models import DisabledReason, Message, Sending, SendingState, Subscription
from notices.querysets import SendingQuerySet
from notices.topics import TEST, TEST_DATA
from tenants.models import Organization

MAIL_TASK = "notices.send_disabled_mail"
# How long both secrets sign after a new one was made.
OVERLAP = timedelta(days=1)
# Then messages are forgotten, with what came of them.
REMEMBERED = timedelta(days=30)
FORGET_BATCH = 500
MOST = 20

CREATED = Action("notices.created", "set up the outgoing webhook {object}", Kind.CREATE)
CHANGED = Action("notices.changed", "changed the outgoing webhook {object}")
ROTATED = Action("notices.secret_rotated", "made a new secret for the outgoing webhook {object}")
ENABLED = Action("notices.enabled", "switched the outgoing webhook {object} on")
DISABLED = Action("notices.disabled", "switched the outgoing webhook {object} off: {why}")
DELETED = Action("notices.deleted", "deleted the outgoing webhook {object}", Kind.DELETE)
TESTED = Action("notices.tested", "sent a test to the outgoing webhook {object}", Kind.ACCESS)
REPLAYED = Action(
    "notices.replayed", "sent {number} messages again to the outgoing webhook {object}"
)


class SubscriptionError(Exception):
    """It cannot be done; the message is a sentence for whoever asked."""


def create_subscription(
    organization: Organization,
    *,
    url: str,
    topics: Sequence[str],
    description: str,
    created_by: str,
) -> tuple[Subscription, str]:
    """The subscription and its secret, which is shown now and never again.

    Raises `SubscriptionError` when there is one for this URL, or enough of them.
    """
    if Subscription.objects.count() >= MOST:
        raise SubscriptionError(
            _("There are %(number)s already. Delete one first; nothing was made.")
            % {"number": MOST}
        )
    secret = signing.new_secret()
    subscription = Subscription(
        url=url,
        topics=list(topics),
        description=description,
        secret_encrypted=signing.seal(secret, organization.pk),
        created_by=created_by,
    )
    with transaction.atomic():
        _save(subscription)
        record(CREATED, subscription, details={"topics": ", ".join(topics)})
    return subscription, secret


def _save(subscription: Subscription, *fields: str) -> None:
    try:
        with transaction.atomic():
            subscription.save(update_fields=fields or None)
    except IntegrityError as error:
        raise SubscriptionError(
            _("There is an outgoing webhook to this URL already. Nothing was changed.")
        ) from error


def change_subscription(
    subscription: Subscription, *, url: str, topics: Sequence[str], description: str
) -> None:
    """Another URL begins without the failures of the one before. Raises `SubscriptionError`."""
    with transaction.atomic():
        rows = Subscription.objects.select_for_update(no_key=True)
        before, now = rows.get(pk=subscription.pk), rows.get(pk=subscription.pk)
        now.url, now.topics, now.description = url, list(topics), description
        changes = changes_between(before, now, ["url", "topics", "description"])
        if not changes:
            return
        if "url" in changes:
            changes["url"] = [before.host, now.host]
        if before.url != url:
            _forget_failures(now)
        _save(now, "url", "topics", "description", "failures", "failing_since", "paused_until")
        record(CHANGED, now, changes=changes)


def update_subscription(
    subscription: Subscription,
    organization: Organization,
    given: Mapping[str, Any],
    *,
    check: Callable[[Subscription], None],
) -> None:
    """What is `given` of url, topics, description and is_enabled; the rest stays.

    `check` is called with the row as it is, locked. Raises what it raises, and `SubscriptionError`.
    """
    with transaction.atomic():
        row = Subscription.objects.select_for_update(no_key=True).get(pk=subscription.pk)
        check(row)
        change_subscription(
            row,
            url=given.get("url", row.url),
            topics=given.get("topics", row.topics),
            description=given.get("description", row.description),
        )
        if given.get("is_enabled") is True:
            enable(row)
        elif given.get("is_enabled") is False:
            disable(row, organization, DisabledReason.BY_HAND)


def _forget_failures(subscription: Subscription) -> None:
    subscription.failures = 0
    subscription.failing_since = subscription.paused_until = None


def rotate_secret(subscription: Subscription, organization: Organization) -> str:
    """The new secret, shown now and never again. The one before signs beside it for a day."""
    secret = signing.new_secret()
    with transaction.atomic():
        row = Subscription.objects.select_for_update(no_key=True).get(pk=subscription.pk)
        row.previous_secret_encrypted = row.secret_encrypted
        row.previous_secret_expires_at = timezone.now() + OVERLAP
        row.secret_encrypted = signing.seal(secret, organization.pk)
        row.save(
            update_fields=[
                "secret_encrypted", "previous_secret_encrypted", "previous_secret_expires_at",
            ]
        )  # fmt: skip
        record(ROTATED, row)
    return secret


def enable(subscription: Subscription) -> None:
    """What waits is sent from now on; twice is no error."""
    with transaction.atomic():
        turned = Subscription.objects.filter(pk=subscription.pk, is_enabled=False).update(
            is_enabled=True, disabled_reason="", disabled_at=None, failures=0, failing_since=None,
            paused_until=None,
        )  # fmt: skip
        if turned:
            record(ENABLED, subscription)
            send_soon(subscription.pk)


def disable(subscription: Subscription, organization: Organization, reason: DisabledReason) -> None:
    """Nothing is sent any more; what waits is kept. Admins hear of it unless one of them did it."""
    with transaction.atomic():
        turned = Subscription.objects.filter(pk=subscription.pk, is_enabled=True).update(
            is_enabled=False, disabled_reason=reason, disabled_at=timezone.now(), paused_until=None
        )
        if not turned:
            return
        record(DISABLED, subscription, details={"why": reason.value})
        if reason is not DisabledReason.BY_HAND:
            procrastinate.configure_task(MAIL_TASK).defer(
                organization_id=str(organization.pk), subscription_id=str(subscription.pk)
            )


def delete_subscription(subscription: Subscription) -> None:
    """With what was sent to it."""
    with transaction.atomic():
        record(DELETED, subscription)
        subscription.delete()


def send_test(subscription: Subscription) -> Sending:
    """Raises `SubscriptionError` for one that is off."""
    if not subscription.is_enabled:
        raise SubscriptionError(_("It is off: switch it on first. Nothing was sent."))
    with transaction.atomic():
        sending = emit_to(subscription, TEST, TEST_DATA)
        record(TESTED, subscription)
    return sending


# --- Sending again -------------------------------------------------------------------------------


def replay(sending: Sending) -> None:
    """Send one again, under the same id."""
    _replay(sending.subscription, Sending.objects.filter(pk=sending.pk))


def replay_since(subscription: Subscription, at: datetime, *, only_failed: bool) -> int:
    """Send again what happened at `at` or later, under the same ids; how many that are."""
    sendings = Sending.objects.since(subscription.pk, at)
    return _replay(subscription, sendings.failed() if only_failed else sendings)


def _replay(subscription: Subscription, sendings: SendingQuerySet) -> int:
    """What waits already is only hurried. Raises `SubscriptionError` for one that is off."""
    if not subscription.is_enabled:
        raise SubscriptionError(_("It is off: switch it on first. Nothing was sent."))
    with transaction.atomic():
        number = sendings.update(state=SendingState.WAITING, tries=0, next_try_at=timezone.now())
        if number:
            record(REPLAYED, subscription, details={"number": number})
            send_soon(subscription.pk)
    return number


def forget_old() -> int:
    """One batch of messages whose time is over; how many."""
    old = Message.objects.older_than(timezone.now() - REMEMBERED).order_by("created_at")
    ids = list(old.values_list("pk", flat=True)[:FORGET_BATCH])
    Message.objects.filter(pk__in=ids).delete()
    return len(ids)
