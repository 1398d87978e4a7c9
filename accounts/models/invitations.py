"""Links by which people join an organization."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime

import uuid_utils.compat
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.roles import Role
from tenants.models import Organization


class InvitationState(models.TextChoices):
    OPEN = "open", "Waiting"
    EXPIRED = "expired", "Expired"
    ACCEPTED = "accepted", "Accepted"

    @property
    def tone(self) -> str:
        return {"open": "info", "expired": "warn"}.get(self.value, "mute")


class Invitation(models.Model):
    """A link by which one address may join one organization, once. A new link is a new row."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="invitations"
    )
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=16, choices=Role.choices)
    token_sha256 = models.BinaryField(max_length=32, unique=True, editable=False)
    invited_by = models.CharField(max_length=254, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.email} to {self.organization_id}"

    @property
    def audit_label(self) -> str:
        return self.email

    def is_open(self, at: datetime | None = None) -> bool:
        return self.accepted_at is None and (at or timezone.now()) < self.expires_at

    @property
    def state(self) -> InvitationState:
        if self.accepted_at is not None:
            return InvitationState.ACCEPTED
        return InvitationState.OPEN if self.is_open() else InvitationState.EXPIRED

    @property
    def token(self) -> str:
        """What its link carries. It follows from the id and SECRET_KEY: the job that mails it, and
        each of its retries, makes the same one, and none is stored."""
        digest = salted_hmac("accounts.invitation", str(self.pk), algorithm="sha256").digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")

    @property
    def link(self) -> str:
        """For the invited person's eyes; on a page of an admin it is shown once."""
        name, urlconf = "accounts:accept_invitation", "config.urls_organization"
        return self.organization.url(reverse(name, args=[self.token], urlconf=urlconf))
