"""Changes of address that wait for both to confirm."""

from __future__ import annotations

import uuid_utils.compat
from django.db import models
from django.db.models.functions import Now

from accounts.models.people import User


class EmailChange(models.Model):
    """A change of address that waits for both addresses to confirm it."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="email_change")
    new_email = models.EmailField(max_length=254)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    old_confirmed_at = models.DateTimeField(null=True, blank=True)
    new_confirmed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id} to {self.new_email}"
