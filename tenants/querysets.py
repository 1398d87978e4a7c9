"""Reads of shared tables, named for who needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

from tenants.statuses import OrganizationStatus

if TYPE_CHECKING:
    from tenants.models import Organization, WebhookEndpoint  # noqa: F401 - named by a base class


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def with_schema(self) -> OrganizationQuerySet:
        """Organizations whose schema exists."""
        return self.exclude(
            status__in=(OrganizationStatus.PROVISIONING, OrganizationStatus.DELETED)
        )

    def demo(self) -> OrganizationQuerySet:
        return self.filter(is_demo=True)

    def active(self) -> OrganizationQuerySet:
        return self.filter(status=OrganizationStatus.ACTIVE)


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def valid(self) -> WebhookEndpointQuerySet:
        """Those that take webhooks now: the current one, and old ones that are being exchanged."""
        return self.filter(
            models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        ).order_by("-created_at")
