"""Delete an organization; undone by restore_organization for 30 days."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from operations import organizations
from operations.management.commands._organization import OrganizationCommand
from tenants.models import Organization, OrganizationStatus


class Command(OrganizationCommand):
    help = "Delete an organization's schema; an encrypted dump is kept for 30 days."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--confirm", default="", metavar="SLUG", help="The slug again; asked for otherwise."
        )

    def change(self, organization: Organization, **options: Any) -> str:
        if organization.status == OrganizationStatus.DELETED:
            raise CommandError(f"{organization.name} is deleted already.")
        typed = options["confirm"] or input(f"Type {organization.slug} to delete it: ")
        if typed.strip() != organization.slug:
            raise CommandError("That is not its slug. Nothing was deleted.")
        kept = organizations.delete(organization)
        return (
            f"{organization.name} is deleted. Until {kept.purge_after:%Y-%m-%d} it can be brought"
            f" back by: manage.py restore_organization {organization.slug}"
        )
