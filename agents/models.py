"""Voice and chat agents of one organization, and its connection to Retell."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import uuid_utils.compat
from django.db import models
from django.db.models import Value
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from agents import versions
from agents.querysets import AgentQuerySet
from agents.versions import Facts, Version

# What ciphertexts are bound to. Stored ones depend on these: they never change.
SIGNING_KEY_FIELD = "retell_api_key"
API_KEY_FIELD = "retell_read_key"


class AgentStatus(models.TextChoices):
    """What Retell said of an agent when it was last synced."""

    LIVE = "live", "Live"
    DRAFT = "draft", "Draft"
    SUSPENDED = "suspended", "Suspended"
    GONE = "gone", "Not in Retell"
    UNREAD = "unread", "Not synced"

    @property
    def tone(self) -> str:
        tones = {"live": "ok", "draft": "info", "suspended": "warn"}
        return tones.get(self.value, "mute")


class Agent(models.Model):
    """One Retell agent. A row appears with the first event that names it, or the first sync.

    Columns that events do not fill have a default in the database: `webhooks.storing` inserts.
    """

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    retell_agent_id = models.CharField(max_length=255, unique=True, editable=False)
    # Retell's name for it, and of when that is: the newest of the syncs and of the calls whose
    # events told one. Free text, not unique.
    retell_name = models.TextField(blank=True, default="", editable=False)
    retell_name_at = models.DateTimeField(null=True, editable=False)
    # A name typed here wins; until then the agent counts as unassigned.
    name = models.CharField(max_length=120, blank=True, default="")
    first_seen_at = models.DateTimeField(db_default=Now(), editable=False)
    # "voice" or "chat"; empty until a sync said so.
    channel = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)
    is_suspended = models.BooleanField(default=False, db_default=False, editable=False)
    # Name → version.
    tags: models.JSONField[Any, Any] = models.JSONField(
        default=dict, db_default=Value({}, models.JSONField()), editable=False
    )
    # As `versions.Version.to_store` writes them, newest first.
    versions: models.JSONField[Any, Any] = models.JSONField(
        default=list, db_default=Value([], models.JSONField()), editable=False
    )
    # When somebody changed it in Retell, as the list said when its settings were read.
    modified_at = models.DateTimeField(null=True, editable=False)
    listed_at = models.DateTimeField(null=True, editable=False)
    synced_at = models.DateTimeField(null=True, editable=False)
    # Since when Retell does not list it any more; its calls stay.
    gone_at = models.DateTimeField(null=True, editable=False)

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

    @property
    def status(self) -> AgentStatus:
        if self.gone_at is not None:
            return AgentStatus.GONE
        if self.synced_at is None:
            return AgentStatus.UNREAD
        if self.is_suspended:
            return AgentStatus.SUSPENDED
        return AgentStatus.LIVE if self.published_version else AgentStatus.DRAFT

    @cached_property
    def version_list(self) -> list[Version]:
        return [Version.stored(value) for value in self.versions]

    @property
    def latest_version(self) -> Version | None:
        return versions.latest(self.version_list)

    @property
    def published_version(self) -> Version | None:
        return versions.latest_published(self.version_list)

    @property
    def draft_version(self) -> Version | None:
        """The latest version, unless it is published."""
        newest = self.latest_version
        return newest if newest and not newest.is_published else None

    @property
    def live_version(self) -> Version | None:
        """What calls use that ask for no version: the newest published one, else the draft."""
        return self.published_version or self.latest_version

    @property
    def live_facts(self) -> Facts | None:
        version = self.live_version
        return version.facts if version else None

    @property
    def retention_days(self) -> int | None:
        """After how many days Retell deletes its calls; None: never, or not known."""
        return self.live_facts.retention_days if self.live_facts else None


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
    # The last sync of agents that read all of them, and why the last one did not.
    agents_synced_at = models.DateTimeField(null=True, editable=False)
    agents_problem = models.TextField(blank=True, default="", editable=False)

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
