"""Super admins' looks inside organizations."""

from __future__ import annotations

from datetime import datetime

import uuid_utils.compat
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models.people import User
from tenants.models import Organization


class VisitState(models.TextChoices):
    ASKED = "asked", "Waits for consent"
    ALLOWED = "allowed", "Not begun"
    RUNNING = "running", "Looking inside"
    OVER = "over", "Over"
    REFUSED = "refused", "Refused"

    @property
    def tone(self) -> str:
        return {"asked": "warn", "running": "info"}.get(self.value, "mute")


class ActingInside(models.Model):
    """A super admin's look inside one organization: asked for, consented to, begun, ended."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    user_label = models.CharField(max_length=254)
    reason = models.CharField(max_length=500)
    requested_at = models.DateTimeField(db_default=Now(), editable=False)
    # Set at once where no consent is needed.
    consented_at = models.DateTimeField(null=True, blank=True)
    consented_by = models.CharField(max_length=254, blank=True, default="")
    refused_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "operator's visit"
        indexes = [models.Index(fields=("organization", "-requested_at"), name="acting_recent")]

    def __str__(self) -> str:
        return f"{self.user_label} inside {self.organization_id}"

    def is_running(self, at: datetime | None = None) -> bool:
        now = at or timezone.now()
        begun = self.started_at is not None and self.ends_at is not None and now < self.ends_at
        return begun and self.ended_at is None

    @property
    def state(self) -> VisitState:
        if self.refused_at is not None:
            return VisitState.REFUSED
        if self.is_running():
            return VisitState.RUNNING
        if self.ended_at is not None or self.started_at is not None:
            return VisitState.OVER
        return VisitState.ALLOWED if self.consented_at else VisitState.ASKED

    @property
    def awaits_consent(self) -> bool:
        return self.state == VisitState.ASKED

    @property
    def can_be_ended(self) -> bool:
        return self.state in (VisitState.ALLOWED, VisitState.RUNNING)
