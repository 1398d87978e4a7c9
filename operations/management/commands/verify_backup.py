"""`manage.py verify_backup`: restore a backup somewhere else, and compare."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from audit.circumstances import circumstances, command_actor
from operations.backups import making, proving
from operations.backups.exceptions import BackupError
from operations.backups.models import Backup
from operations.backups.querysets import latest_backup
from operations.backups.reporting import Reporter
from operations.backups.terminal import Steps
from operations.management.commands.backup import NO_DATABASE, as_dict


class Command(BaseCommand):
    help = (
        "Restore a backup into a scratch database, compare it with what was backed up, decrypt a"
        " stored key, and drop the scratch database. Exits 1 when it is no good backup."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="Of the file in BACKUP_STORAGE.")
        parser.add_argument("--latest", action="store_true", help="The newest, also without NAME.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["name"] and options["latest"]:
            raise CommandError("Give either a NAME or --latest. Nothing was done.")
        steps = Steps(self.stderr)
        try:
            making.check_settings()
            backup = proving.by_name(options["name"]) if options["name"] else _latest()
            self.stderr.write(f"Restoring {backup.name} into a scratch database to compare it.")
            with circumstances(actor=command_actor("verify_backup")):
                proving.prove(backup, Reporter(show=steps.show))
        except BackupError as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            raise CommandError(NO_DATABASE) from error
        finally:
            steps.finish()
        self.stdout.write(
            json.dumps(as_dict(backup))
            if options["json"]
            else f"{backup.name} is proven. {backup.proof_message}"
        )


def _latest() -> Backup:
    backup = latest_backup()
    if backup is None:
        raise CommandError("There is no backup yet. Make one: manage.py backup")
    return backup
