"""Undo the deletion of an organization."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from operations import organizations
from operations.backups.archive import Archive
from operations.backups.exceptions import BackupError
from operations.management.commands._organization import OrganizationCommand
from tenants.models import Organization, OrganizationStatus


class Command(OrganizationCommand):
    help = "Bring a deleted organization back as it was, or as a backup has it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--backup",
            metavar="NAME",
            help="From this file in BACKUP_STORAGE, of everything or of this organization, instead"
            " of the dump of its deletion, which is kept.",
        )

    def change(self, organization: Organization, **options: Any) -> str:
        if organization.status != OrganizationStatus.DELETED:
            raise CommandError(f"{organization.name} is not deleted. Nothing was changed.")
        if not options["backup"]:
            organizations.restore(organization)
            return f"{organization.name} is back at {organization.base_url}"
        with Archive.stored(options["backup"]).fetched() as archive:
            _check_holds(archive, organization)
            dump = organizations.restore(organization, archive.dump)
        return (
            f"{organization.name} is back at {organization.base_url} as it was in {archive.name}."
            f" The dump of its deletion is kept: {dump}"
        )


def _check_holds(archive: Archive, organization: Organization) -> None:
    if organization.schema_name not in archive.manifest().schemas:
        raise BackupError(f"{archive.name} does not hold {organization.name}. Nothing was changed.")
