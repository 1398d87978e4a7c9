"""Sessions, and the browsers they run in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Now

from accounts.models.people import User
from tenants.models import Organization


class Session(AbstractBaseSession):
    """A session with what its owner wants to know of it. Written by `accounts.sessions`."""

    # Names the session in URLs; made from the key, and does not give it away.
    id = models.UUIDField(unique=True, editable=False)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    # Empty on the operator host, and before anybody signed in.
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.CASCADE, related_name="+"
    )
    # A name of `settings.SESSION_LIMITS`; empty before anybody signed in.
    limits = models.CharField(max_length=16, blank=True, default="")
    device = models.CharField(max_length=120, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    signed_in_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Not its key, which is what a browser's cookie holds."""
        return f"Session {self.id}"

    @classmethod
    def get_session_store_class(cls) -> type[Any]:
        from accounts.sessions import SessionStore

        return SessionStore

    def has_ended(self, at: datetime) -> bool:
        """Whether it was idle for too long, or lasts too long."""
        limits = settings.SESSION_LIMITS.get(self.limits)
        if limits is None or self.signed_in_at is None:
            return False
        seen_at = self.last_seen_at or self.signed_in_at
        return at >= seen_at + limits.idle or at >= self.signed_in_at + limits.absolute


class KnownDevice(models.Model):
    """A browser somebody signed in from before, known by a random cookie."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_devices")
    token_sha256 = models.BinaryField(max_length=32, editable=False)
    last_used_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("user", "token_sha256"), name="known_device_unique")
        ]

    def __str__(self) -> str:
        return f"A device of {self.user_id}"
