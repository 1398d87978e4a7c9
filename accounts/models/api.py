"""What programs come in with: API keys, families of tokens; and what they were answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import uuid_utils.compat
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models.people import User
from tenants.models import Organization

# From here on, people are told that a key ends soon.
ENDS_SOON = timedelta(days=14)


class ApiKeyState(models.TextChoices):
    ACTIVE = "active", gettext_lazy("Active")
    ENDING = "ending", gettext_lazy("Ends soon")
    EXPIRED = "expired", gettext_lazy("Expired")
    REVOKED = "revoked", gettext_lazy("Revoked")

    @property
    def tone(self) -> str:
        return {"active": "ok", "ending": "warn"}.get(self.value, "mute")


class ApiKey(models.Model):
    """A credential of an organization, or (none) of the operator; whoever made it may leave.

    The key itself is shown once and kept as its SHA-256.
    """

    NAME_MAX_LENGTH = 80

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.CASCADE, related_name="api_keys"
    )
    name = models.CharField(max_length=NAME_MAX_LENGTH)
    key_sha256 = models.BinaryField(max_length=32, unique=True, editable=False)
    # Its first characters, by which somebody tells it from others.
    hint = models.CharField(max_length=12)
    # Values of `accounts.scopes.Scope`.
    scopes: models.JSONField[Any, Any] = models.JSONField(default=list)
    # Networks it may come from, as "203.0.113.0/24"; none: from anywhere.
    networks: models.JSONField[Any, Any] = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=254)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    # To the minute.
    last_used_at = models.DateTimeField(null=True)
    last_used_address = models.CharField(max_length=45, blank=True, default="")

    # As Django's users have it.
    is_authenticated = True

    class Meta:
        ordering = ("-id",)
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name

    @property
    def display_name(self) -> str:
        """What stands where a person's name would."""
        return _("API key %(name)s") % {"name": self.name}

    @property
    def audit_label(self) -> str:
        return f"API key {self.name}"

    def is_valid(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)

    @property
    def state(self) -> ApiKeyState:
        now = timezone.now()
        if self.revoked_at is not None:
            return ApiKeyState.REVOKED
        if not self.is_valid(now):
            return ApiKeyState.EXPIRED
        ends_soon = self.expires_at is not None and self.expires_at < now + ENDS_SOON
        return ApiKeyState.ENDING if ends_soon else ApiKeyState.ACTIVE

    @property
    def is_usable(self) -> bool:
        return self.is_valid(timezone.now())


class TokenFamily(models.Model):
    """The tokens that follow from one sign-in of a program in somebody's name.

    Each refresh token counts once; one that comes a second time was copied, and ends them all.
    """

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="token_families")
    # Empty on the operator host.
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.CASCADE, related_name="+"
    )
    # Whether they gave their second factor.
    is_verified = models.BooleanField()
    # Of the refresh token that counts now.
    refresh_id = models.UUIDField(default=uuid_utils.compat.uuid7)
    # Of their password when they signed in; with another one, none of these tokens counts.
    password_seal = models.CharField(max_length=64)
    address = models.CharField(max_length=45, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "token families"

    def __str__(self) -> str:
        return f"Tokens of {self.user_id}"


class IdempotentAnswer(models.Model):
    """What a POST with an `Idempotency-Key` was answered, for a day; see config/api/idempotency."""

    KEPT = timedelta(hours=24)

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    # Empty on the operator host.
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    # The key or person that asked.
    caller_id = models.UUIDField()
    key = models.CharField(max_length=255)
    # SHA-256 of method, path and body.
    request_sha256 = models.BinaryField(max_length=32)
    # None while it is being worked on.
    status = models.SmallIntegerField(null=True)
    body: models.JSONField[Any, Any] = models.JSONField(null=True)
    location = models.CharField(max_length=500, blank=True, default="")
    asked_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("organization", "caller_id", "key"),
                name="idempotency_key_unique",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=("asked_at",), name="idempotent_answer_age")]

    def __str__(self) -> str:
        return self.key
