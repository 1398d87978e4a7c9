"""`manage.py backup`: one encrypted backup, now."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from audit.circumstances import circumstances, command_actor
from config.templatetags.formats import file_size
from operations.backups import making
from operations.backups.exceptions import BackupError
from operations.backups.models import Backup
from operations.backups.reporting import Reporter
from operations.backups.terminal import Steps
from tenants.models import Organization, OrganizationStatus
from tenants.scope import platform

NO_DATABASE = "The database does not answer. Nothing was done; older backups are as they were."


class Command(BaseCommand):
    help = (
        "Make one consistent, encrypted backup of everything, or of one organization's schema, in"
        " BACKUP_STORAGE. Older ones are removed as the retention says, and never when it fails."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--organization", metavar="SLUG", help="Only its schema; restore it into the product."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        steps = Steps(self.stderr)
        try:
            organization = _organization(options["organization"])
            making.check_settings()
            with circumstances(actor=command_actor("backup")):
                backup = making.new_backup(organization, asked_by=command_actor("backup").label)
                what = organization.name if organization else "everything"
                self.stderr.write(f"Backing up {what} to {settings.BACKUP_STORAGE}.")
                making.make(backup, Reporter(show=steps.show))
        except BackupError as error:
            raise CommandError(f"{error} Older backups are as they were.") from error
        except OperationalError as error:
            raise CommandError(NO_DATABASE) from error
        finally:
            steps.finish()
        self._conclude(backup, as_json=options["json"])

    def _conclude(self, backup: Backup, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(as_dict(backup)))
            return
        self.stdout.write(
            f"{backup.name}: {backup.tables} tables with {backup.rows:,} rows,"
            f" {file_size(backup.size_bytes)}, in {backup.seconds or 0:.1f} s."
            f" Prove it: manage.py verify_backup {backup.name}"
        )


def as_dict(backup: Backup) -> dict[str, Any]:
    return {
        "name": backup.name,
        "organization": backup.organization_name or None,
        "storage": backup.storage,
        "snapshot_at": backup.snapshot_at.isoformat() if backup.snapshot_at else None,
        "tables": backup.tables,
        "rows": backup.rows,
        "size_bytes": backup.size_bytes,
        "database_bytes": backup.database_bytes,
        "seconds": backup.seconds,
        "proof": backup.proof_state,
        "proven_at": backup.proven_at.isoformat() if backup.proven_at else None,
        "message": backup.proof_message or backup.message,
    }


def _organization(slug: str | None) -> Organization | None:
    if slug is None:
        return None
    with platform():
        organization = Organization.objects.filter(slug=slug).first()
    if organization is None:
        raise CommandError(f"There is no organization with the slug “{slug}”.")
    if organization.status in (OrganizationStatus.PROVISIONING, OrganizationStatus.DELETED):
        raise CommandError(
            f"{organization.name} has no schema: it is {organization.state.label.lower()}."
            " Nothing was done."
        )
    return organization
