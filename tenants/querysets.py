"""Reads of shared tables, named for who needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from tenants.models import Organization  # noqa: F401 - named by the base class


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def with_schema(self) -> OrganizationQuerySet:
        """Organizations whose schema exists."""
        return self.exclude(status__in=("provisioning", "deleted"))

    def active(self) -> OrganizationQuerySet:
        return self.filter(status="active")

    def for_operator_list(self) -> OrganizationQuerySet:
        return self.annotate(member_count=models.Count("memberships")).order_by("name")
