"""Close an organization for good, keeping everything."""

from __future__ import annotations

from typing import Any

from operations import organizations
from operations.management.commands._organization import OrganizationCommand
from tenants.models import Organization


class Command(OrganizationCommand):
    help = "Archive an organization: closed, kept whole, can be resumed."

    def change(self, organization: Organization, **options: Any) -> str:
        organizations.archive(organization)
        return f"{organization.name} is archived; nothing was deleted."
