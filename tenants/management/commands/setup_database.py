"""Prepare any PostgreSQL 15 or newer: database, logins, roles."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.db.environment_file import read_environment_file, write_environment_file
from tenants.db.setup import Logins, SetupError, prepare_database


class Command(BaseCommand):
    help = "Create or repair the database, its logins and roles, from an administrator's login."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--admin-url",
            default=os.environ.get("DATABASE_ADMIN_URL"),
            help="postgresql://… of a superuser, or of a login that may create roles.",
        )
        parser.add_argument("--database", help="Name; default: the URL's, or switchboard.")
        parser.add_argument(
            "--environment-file",
            type=Path,
            help="Write the logins' URLs there instead of printing them; passwords in it are kept.",
        )

        parser.add_argument(
            "--reset-passwords",
            action="store_true",
            help="Give logins whose password is not known here new ones.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["admin_url"]:
            raise CommandError("Give --admin-url, or set DATABASE_ADMIN_URL.")
        file: Path | None = options["environment_file"]
        known = read_environment_file(file) if file else dict(os.environ)
        try:
            logins = prepare_database(
                options["admin_url"],
                database=options["database"],
                runtime_url=known.get("DATABASE_URL"),
                owner_url=known.get("DATABASE_OWNER_URL"),
                backup_url=known.get("DATABASE_BACKUP_URL"),
                reset_passwords=options["reset_passwords"],
                report=self.stderr.write,
            )
        except SetupError as error:
            raise CommandError(str(error)) from error
        self._hand_over(logins, file, known)

    def _hand_over(self, logins: Logins, file: Path | None, known: dict[str, str]) -> None:
        values = logins.as_environment()
        if file is None:
            self.stdout.write("\n".join(f"{key}={value}" for key, value in values.items()))
            return
        write_environment_file(file, known | values)
        self.stdout.write(f"Logins and roles are ready; their URLs are in {file.name}.")
