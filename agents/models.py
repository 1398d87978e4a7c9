"""Voice and chat agents of one organization, and its connection to Retell."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import uuid_utils.compat
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from agents.querysets import AgentQuerySet

# What ciphertexts are bound to. Stored ones depend on these: they never change.
SIGNING_KEY_FIELD = "retell_api_key"
API_KEY_FIELD = "retell_read_key"


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


class ApiKeyState(models.TextChoices):
    """What Retell said when the API key was last used or checked."""

    UNCHECKED = "unchecked", "Not checked yet"
    OK = "ok", "Works"
    REFUSED = "refused", "Refused by Retell"
    NO_ACCESS = "no_access", "Not allowed enough"

    @property
    def tone(self) -> str:
        tones = {"ok": "ok", "refused": "bad", "no_access": "warn"}
        return tones.get(self.value, "mute")


class RetellConnection(models.Model):
    """This organization's keys, and the workspace they belong to. One row an organization.

    Retell signs with the one workspace key that carries the webhook badge; while it is being
    exchanged there are two. The API key, which asks Retell, may be another one.
    """

    id = models.SmallAutoField(primary_key=True)
    key_encrypted = models.BinaryField(null=True, editable=False)
    key_last4 = models.CharField(max_length=4, blank=True, default="", editable=False)
    key_set_at = models.DateTimeField(null=True, editable=False)
    previous_key_encrypted = models.BinaryField(null=True, editable=False)
    previous_key_last4 = models.CharField(max_length=4, blank=True, default="", editable=False)
    previous_key_expires_at = models.DateTimeField(null=True, editable=False)
    api_key_encrypted = models.BinaryField(null=True, editable=False)
    api_key_last4 = models.CharField(max_length=4, blank=True, default="", editable=False)
    # What it is called in Retell.
    api_key_name = models.CharField(max_length=200, blank=True, default="", editable=False)
    api_key_state = models.CharField(
        max_length=16, choices=ApiKeyState.choices, default=ApiKeyState.UNCHECKED, editable=False
    )
    api_key_checked_at = models.DateTimeField(null=True, editable=False)
    # Empty until an API key told it. One workspace belongs to one organization, by
    # `tenants.RetellWorkspace`.
    workspace_id = models.CharField(max_length=255, blank=True, default="", editable=False)
    workspace_name = models.CharField(max_length=200, blank=True, default="", editable=False)
    connected_at = models.DateTimeField(db_default=Now(), editable=False)
    # Set by the dashboard's test button (`call_id: "test_call"`), which is no call.
    checked_at = models.DateTimeField(null=True, editable=False)

    # Columns that hold a secret, and the field name each is bound to; see tenants/encryption.py.
    SEALED: ClassVar[dict[str, str]] = {
        "key_encrypted": SIGNING_KEY_FIELD,
        "previous_key_encrypted": SIGNING_KEY_FIELD,
        "api_key_encrypted": API_KEY_FIELD,
    }

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="retell_connection_single")
        ]

    def __str__(self) -> str:
        return f"Retell key ending in {self.key_last4}" if self.key_last4 else "Retell connection"

    @property
    def has_api_key(self) -> bool:
        return self.api_key_encrypted is not None

    @property
    def key_state(self) -> ApiKeyState:
        return ApiKeyState(self.api_key_state)

    def previous_key_is_valid(self, at: datetime | None = None) -> bool:
        expires = self.previous_key_expires_at
        return self.previous_key_encrypted is not None and (
            expires is None or (at or timezone.now()) < expires
        )
