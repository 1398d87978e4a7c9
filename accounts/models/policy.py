"""What an organization's admins decided about coming in."""

from __future__ import annotations

from typing import Any

from django.db import models

from accounts.roles import Right
from tenants.models import Organization


class AccessPolicy(models.Model):
    """What an organization's admins decided about coming in; without a row the defaults hold."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="access_policy"
    )
    requires_second_factor = models.BooleanField("Everybody needs a second factor", default=False)
    viewers_see_personal_data = models.BooleanField(
        "Viewers see whole phone numbers", default=False
    )
    viewers_export_personal_data = models.BooleanField(
        "Viewers may export personal data", default=False
    )
    act_as_needs_consent = models.BooleanField(
        "The operator needs our consent to look inside", default=False
    )

    # Pages of these origins may ask the API, as "https://crm.example.com".
    api_origins: models.JSONField[Any, Any] = models.JSONField(
        "Origins that may use the API", default=list, blank=True,
        db_default=models.Value([], models.JSONField()),
    )  # fmt: skip

    class Meta:
        verbose_name_plural = "access policies"

    def __str__(self) -> str:
        return f"Access policy of {self.organization_id}"

    @property
    def viewers_rights(self) -> frozenset[Right]:
        """What is marked POLICY in the table of roles and allowed here."""
        allowed = {
            Right.SEE_PERSONAL_DATA: self.viewers_see_personal_data,
            Right.EXPORT_PERSONAL_DATA: self.viewers_export_personal_data,
        }
        return frozenset(right for right, yes in allowed.items() if yes)
