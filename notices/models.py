"""Subscriptions, and what was sent to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import uuid_utils.compat
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notices.querysets import MessageQuerySet, SendingQuerySet, SubscriptionQuerySet
from notices.topics import Topic

# What ciphertexts are bound to. Stored ones depend on it: it never changes.
SECRET_FIELD = "notice_secret"  # noqa: S105 - a name
URL_MAX_LENGTH = 2000


class DisabledReason(models.TextChoices):
    """Why nothing is sent; the label says it to people."""

    BY_HAND = "by_hand", _("Somebody switched it off.")
    GONE = "gone", _("The receiver answered 410 Gone: it wants no more.")
    FAILING = "failing", _("Nothing was accepted for five days.")


class SubscriptionState(models.TextChoices):
    ACTIVE = "active", _("Active")
    FAILING = "failing", _("Failing")
    PAUSED = "paused", _("Pausing after failures")
    OFF = "off", _("Off")

    @property
    def tone(self) -> str:
        return {"active": "ok", "failing": "warn", "paused": "warn"}.get(self.value, "mute")


class Subscription(models.Model):
    """A URL that is told of some topics. One a URL, so that its state is the receiver's."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    url = models.URLField(max_length=URL_MAX_LENGTH)
    description = models.CharField(max_length=120, blank=True, default="")
    topics: ArrayField[Any, Any] = ArrayField(models.CharField(max_length=32))
    secret_encrypted = models.BinaryField(editable=False)
    # While it is being exchanged, both sign.
    previous_secret_encrypted = models.BinaryField(null=True, editable=False)
    previous_secret_expires_at = models.DateTimeField(null=True, editable=False)
    is_enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(
        max_length=16, choices=DisabledReason.choices, blank=True, default=""
    )
    disabled_at = models.DateTimeField(null=True)
    # Since when nothing was accepted, and how many tries in a row that is; see notices/schedule.py.
    failing_since = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)
    paused_until = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=254, blank=True, default="")

    # Columns that hold a secret, and the field name each is bound to; see tenants/encryption.py.
    SEALED: ClassVar[dict[str, str]] = {
        "secret_encrypted": SECRET_FIELD,
        "previous_secret_encrypted": SECRET_FIELD,
    }

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=("url",), name="notice_url")]

    def __str__(self) -> str:
        return self.description or self.host

    def get_absolute_url(self) -> str:
        return reverse("notices:detail", args=[self.pk])

    @property
    def host(self) -> str:
        """What may stand in logs: the rest of a URL is often a secret."""
        return urlsplit(self.url).hostname or ""

    @property
    def state(self) -> SubscriptionState:
        if not self.is_enabled:
            return SubscriptionState.OFF
        if self.paused_until and self.paused_until > timezone.now():
            return SubscriptionState.PAUSED
        return SubscriptionState.FAILING if self.failing_since else SubscriptionState.ACTIVE

    @property
    def why_disabled(self) -> DisabledReason | None:
        return DisabledReason(self.disabled_reason) if self.disabled_reason else None

    def previous_secret_signs(self, at: datetime) -> bool:
        expires = self.previous_secret_expires_at
        return expires is not None and at < expires

    @property
    def topic_labels(self) -> list[str]:
        return [str(topic.described) for topic in Topic if topic.value in self.topics]


class Message(models.Model):
    """Something that happened. `id` is the header `webhook-id`: the same over all tries."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    topic = models.CharField(max_length=32)
    # What happened, so that it is told once though a job does its work twice; none: always new.
    key = models.CharField(max_length=200, null=True, unique=True)  # noqa: DJ001 - see above
    payload: models.JSONField[Any, Any] = models.JSONField()
    created_at = models.DateTimeField()

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=("created_at",), name="notice_message_age")]

    def __str__(self) -> str:
        return f"{self.topic} {self.pk}"

    @property
    def document(self) -> dict[str, Any]:
        """What is sent, in the order of the format; the database keeps none."""
        return {name: self.payload[name] for name in ("type", "timestamp", "data")}


class SendingState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")

    @property
    def tone(self) -> str:
        return {"waiting": "info", "delivered": "ok", "failed": "bad"}[self.value]


class Sending(models.Model):
    """One message for one subscription."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    # Not checked by the database: what happens just while a subscription is deleted must not fail
    # for it. Nothing is sent to one that is gone.
    subscription = models.ForeignKey(
        Subscription,
        on_delete=models.CASCADE,
        related_name="sendings",
        db_index=False,
        db_constraint=False,
    )
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="sendings")
    state = models.CharField(
        max_length=12, choices=SendingState.choices, default=SendingState.WAITING
    )
    # Of the present round; replaying begins another.
    tries = models.SmallIntegerField(default=0)
    # Due mark; while a worker tries, when another may think that it died.
    next_try_at = models.DateTimeField(null=True)
    last_tried_at = models.DateTimeField(null=True)
    # Of the last answer; none: there was none.
    last_status = models.SmallIntegerField(null=True)

    objects = SendingQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=("subscription", "message"), name="notice_sending_once")
        ]
        indexes = [
            models.Index(F("subscription"), F("id").desc(), name="notice_sending_newest"),
            models.Index(
                fields=("subscription", "next_try_at"),
                name="notice_sending_due",
                condition=Q(state="waiting"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} for {self.subscription_id}"

    def get_absolute_url(self) -> str:
        return reverse("notices:sending", args=[self.subscription_id, self.pk])

    @property
    def status(self) -> SendingState:
        return SendingState(self.state)


class Attempt(models.Model):
    """One try: what the receiver answered, or why there was no answer."""

    ANSWER_BYTES = 1024

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    sending = models.ForeignKey(Sending, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    duration_ms = models.IntegerField()
    # None: no answer came; `problem` says why.
    status = models.SmallIntegerField(null=True)
    problem = models.CharField(max_length=200, blank=True, default="")
    # The first KB of it, undecodable bytes replaced.
    answer = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.status or self.problem} at {self.at}"

    @property
    def was_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300
