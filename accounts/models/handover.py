"""One-time links between hosts for people who are signed in."""

from __future__ import annotations

import uuid_utils.compat
from django.db import models

from accounts.models.people import User
from tenants.models import Organization


class Handover(models.Model):
    """A one-time link from one host to another for somebody who is signed in already."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    token_sha256 = models.BinaryField(max_length=32, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    # Where it leads: an organization, or the operator host.
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.CASCADE, related_name="+"
    )
    # The second factor given on the host it comes from.
    device_id = models.CharField(max_length=200, blank=True, default="")
    # The session it comes from: that session must still be there when the link is used.
    from_session_id = models.UUIDField(null=True)
    acting = models.ForeignKey(
        "ActingInside", null=True, on_delete=models.CASCADE, related_name="+"
    )
    path = models.CharField(max_length=200, default="/")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id} to {self.organization_id}"
