"""Deliveries: every correctly signed body Retell sent, and what became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import uuid_utils.compat
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from webhooks.querysets import UNDECODABLE_REASONS, DeliveryQuerySet


class DeliveryState(models.TextChoices):
    """What became of a delivery. That it was received is the row itself."""

    APPLIED = "applied", "Applied"
    STORED = "stored", "Stored"
    IGNORED = "ignored", "Ignored"
    CHECKED = "checked", "Connection check"
    QUARANTINED = "quarantined", "Quarantined"
    FAILED = "failed", "Failed"

    @property
    def tone(self) -> str:
        tones = {"applied": "ok", "quarantined": "warn", "failed": "bad", "checked": "info"}
        return tones.get(self.value, "mute")


# Stable codes of why a delivery was not applied, and what to tell a person.
REASONS: dict[str, str] = {
    "": "",
    "not_utf8": "The body is not UTF-8 text.",
    "empty": "The body is empty.",
    "not_json": "The body is not JSON.",
    "not_a_number": "The body holds NaN or Infinity, which is not JSON.",
    "number_unreadable": "A number is beyond anything that can be read.",
    "number_out_of_range": "A number is out of any plausible range.",
    "too_deep": "The body is nested too deeply.",
    "not_an_object": "The body is JSON, but not an object.",
    "event_missing": "The body does not say which event it is.",
    "event_invalid": "The name of the event is not a short text.",
    "wrong_type": "A field has another type than Retell documents.",
    "call_missing": "The event carries no call.",
    "chat_missing": "The event carries no chat.",
    "alert_missing": "The event carries no alert.",
    "call_id_missing": "The call has no id.",
    "call_id_invalid": "The call's id is no identifier of Retell.",
    "chat_id_missing": "The chat has no id.",
    "chat_id_invalid": "The chat's id is no identifier of Retell.",
    "alert_incident_id_missing": "The alert has no incident id.",
    "alert_incident_id_invalid": "The alert's incident id is no identifier of Retell.",
    "unknown_event": "Retell sent an event this version does not know; it is kept.",
    "apply_error": "Applying it failed on our side; a job tries again.",
    "gave_up": gettext_noop(
        "Applying it failed too often, so it is not tried by itself any more. The body is kept:"
        " apply it again after an update, or tell the operator."
    ),
    "stopped_worker": gettext_noop(
        "Applying it was begun three times and never came to an end, as if it stopped the program."
        " It is not tried by itself any more, and left out when many are applied again. The body is"
        " kept: tell the operator, and apply this one again after an update."
    ),
}


class Delivery(models.Model):
    """One distinct body. Repetitions count up; event and call follow from the body, so its
    SHA-256 alone is the key that tells a repetition."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    event = models.CharField(max_length=64, blank=True, default="")
    # The call, chat or incident it is about, as far as it says.
    subject_id = models.CharField(max_length=255, blank=True, default="")
    body_sha256 = models.BinaryField(max_length=32, unique=True)
    # The bytes as received, or without what must not be kept (`is_redacted`).
    body = models.BinaryField()
    is_redacted = models.BooleanField(default=False)
    size_bytes = models.IntegerField()
    state = models.CharField(max_length=16, choices=DeliveryState.choices)
    reason = models.CharField(max_length=40, blank=True, default="")
    reason_detail = models.TextField(blank=True, default="")
    received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    receipts = models.IntegerField(default=1)
    source_address = models.CharField(max_length=45, blank=True, default="")
    # Which of the organization's keys verified it: 0 the current one, 1 the previous.
    key_index = models.SmallIntegerField(default=0)
    # Which key that was, whatever its place is now; see `webhooks.signature.key_id`.
    key_id = models.IntegerField(null=True)
    # Those of `webhooks.door.KEPT_HEADERS` that came with it; they go when the body goes.
    headers: models.JSONField[Any, Any] = models.JSONField(null=True)
    # Retell's id of the agent, as far as the body says.
    agent_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - unknown is not empty
    attempts = models.SmallIntegerField(default=1)
    # Attempts in a row that were begun and never came to an end, as when they kill the worker.
    unfinished = models.SmallIntegerField(default=0, db_default=0)
    # When it first counted; applying it again does not move this.
    applied_at = models.DateTimeField(null=True)
    # Due mark of the job that tries failed deliveries again.
    retry_at = models.DateTimeField(null=True)
    body_removed_at = models.DateTimeField(null=True)
    # Due mark of the job that redacts what is kept of its call or chat; see `redact_restricted`.
    redact_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        # Each serves a filter of the log: what it equals, then newest first.
        indexes = [
            # The operator class finds ids by their beginning, too, in any collation.
            models.Index(
                fields=("subject_id", "id"),
                opclasses=("varchar_pattern_ops", "uuid_ops"),
                name="delivery_call",
            ),
            models.Index(F("event"), F("id"), name="delivery_event"),
            models.Index(
                F("agent_id"), F("id"), name="delivery_agent", condition=Q(agent_id__isnull=False)
            ),
            models.Index(F("state"), F("id"), name="delivery_state", condition=~Q(state="applied")),
            models.Index(F("id"), name="delivery_repeated", condition=Q(receipts__gt=1)),
            models.Index(F("id"), name="delivery_retried", condition=Q(attempts__gt=1)),
            models.Index(F("retry_at"), name="delivery_due", condition=Q(retry_at__isnull=False)),
            models.Index(
                F("redact_at"), name="delivery_redact", condition=Q(redact_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event or 'unreadable'} {self.subject_id}"

    def get_absolute_url(self) -> str:
        return reverse("webhooks:detail", args=[self.pk])

    @property
    def verdict(self) -> DeliveryState:
        return DeliveryState(self.state)

    @property
    def duplicates(self) -> int:
        """How often the same body came again."""
        return self.receipts - 1

    @property
    def key_name(self) -> str:
        """What tells the key that verified it from others: eight digits of its SHA-256."""
        return "" if self.key_id is None else f"{self.key_id % 2**32:08x}"

    @property
    def was_applied_at_once(self) -> bool:
        at = self.applied_at
        return at is not None and at - self.received_at < timedelta(seconds=1)

    @property
    def reason_text(self) -> str:
        if self.reason_detail or not self.reason:
            return self.reason_detail
        return gettext(REASONS.get(self.reason, self.reason))

    @property
    def is_decodable(self) -> bool:
        return self.reason not in UNDECODABLE_REASONS


class Retention(models.Model):
    """How long this organization keeps raw bodies. One row, made by the first who decides it."""

    id = models.SmallAutoField(primary_key=True)
    # For ever when empty.
    raw_body_days = models.PositiveSmallIntegerField(null=True)
    # Every body received before this is gone; where the nightly job goes on.
    bodies_removed_before = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="webhooks_retention_single")
        ]

    def __str__(self) -> str:
        return "Retention of raw bodies"

    @classmethod
    def current(cls) -> Retention:
        """What was decided, or the default; unsaved when nobody decided anything."""
        row: Retention | None = cls._default_manager.filter(pk=1).first()
        return row or cls(pk=1, raw_body_days=settings.RAW_BODY_RETENTION_DAYS)
