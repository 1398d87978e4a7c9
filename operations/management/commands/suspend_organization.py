"""Close an organization's pages for now; its webhooks are still kept."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from operations import organizations
from operations.management.commands._organization import OrganizationCommand
from tenants.models import Organization


class Command(OrganizationCommand):
    help = "Suspend an organization: nobody can sign in; its webhooks are still kept."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", default="")

    def change(self, organization: Organization, **options: Any) -> str:
        organizations.suspend(organization, reason=options["reason"])
        return f"{organization.name} is suspended; its webhooks are still kept."
