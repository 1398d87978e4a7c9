"""Undo the deletion of an organization."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from operations import organizations
from operations.management.commands._organization import OrganizationCommand
from tenants.models import Organization, OrganizationStatus


class Command(OrganizationCommand):
    help = "Bring a deleted organization back as it was."

    def change(self, organization: Organization, **options: Any) -> str:
        if organization.status != OrganizationStatus.DELETED:
            raise CommandError(f"{organization.name} is not deleted. Nothing was changed.")
        organizations.restore(organization)
        return f"{organization.name} is back at {organization.base_url}"
