"""Where an organization stands in its life."""

from __future__ import annotations

from django.db import models


class OrganizationStatus(models.TextChoices):
    PROVISIONING = "provisioning", "Being set up"
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    ARCHIVED = "archived", "Archived"
    DELETING = "deleting", "Being deleted"
    DELETED = "deleted", "Deleted"

    @property
    def tone(self) -> str:
        tones = {"active": "ok", "provisioning": "info", "suspended": "warn", "deleted": "bad"}
        return tones.get(self.value, "mute")
