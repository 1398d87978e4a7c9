"""Voice and chat agents of one organization, and its connection to Retell."""

from __future__ import annotations

from datetime import datetime

import uuid_utils.compat
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from agents.querysets import AgentQuerySet


class Agent(models.Model):
    """One Retell agent. A row appears with the first event that names it."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    retell_agent_id = models.CharField(max_length=255, unique=True, editable=False)
    # Retell's name for it, as the newest event said; free text, not unique.
    retell_name = models.TextField(blank=True, default="", editable=False)
    # A name typed here wins; until then the agent counts as unassigned.
    name = models.CharField(max_length=120, blank=True, default="")
    first_seen_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = AgentQuerySet.as_manager()

    class Meta:
        ordering = ("retell_agent_id",)

    def __str__(self) -> str:
        return self.display_name

    def get_absolute_url(self) -> str:
        return reverse("agents:detail", args=[self.pk])

    @property
    def display_name(self) -> str:
        return self.name or self.retell_name or self.retell_agent_id

    @property
    def is_assigned(self) -> bool:
        return bool(self.name)


class RetellConnection(models.Model):
    """The keys that sign this organization's webhooks. One row an organization.

    Retell signs with the one workspace key that carries the webhook badge; while it is being
    exchanged there are two.
    """

    id = models.SmallAutoField(primary_key=True)
    key_encrypted = models.BinaryField(editable=False)
    key_last4 = models.CharField(max_length=4, editable=False)
    previous_key_encrypted = models.BinaryField(null=True, editable=False)
    previous_key_expires_at = models.DateTimeField(null=True, editable=False)
    connected_at = models.DateTimeField(db_default=Now(), editable=False)
    # Set by the dashboard's test button (`call_id: "test_call"`), which is no call.
    checked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="retell_connection_single")
        ]

    def __str__(self) -> str:
        return f"Retell key ending in {self.key_last4}"

    def previous_key_is_valid(self, at: datetime | None = None) -> bool:
        expires = self.previous_key_expires_at
        return self.previous_key_encrypted is not None and (
            expires is None or (at or timezone.now()) < expires
        )
