"""Open a suspended or archived organization again."""

from __future__ import annotations

from typing import Any

from operations import organizations
from operations.management.commands._organization import OrganizationCommand
from tenants.models import Organization


class Command(OrganizationCommand):
    help = "Open a suspended or archived organization again."

    def change(self, organization: Organization, **options: Any) -> str:
        organizations.resume(organization)
        return f"{organization.name} is active at {organization.base_url}"
