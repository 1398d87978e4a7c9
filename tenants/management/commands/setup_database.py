"""Prepare any PostgreSQL 15 or newer: database, logins, roles."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

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
        known = _read(file) if file else dict(os.environ)
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
        values = {
            "DATABASE_URL": logins.runtime_url,
            "DATABASE_OWNER_URL": logins.owner_url,
            "DATABASE_BACKUP_URL": logins.backup_url,
        }
        if file is None:
            self.stdout.write("\n".join(f"{key}={value}" for key, value in values.items()))
            return
        _write(file, known | values)
        self.stdout.write(f"Logins and roles are ready; their URLs are in {file.name}.")


def _read(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    lines = (line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
    return dict(lines)


def _write(file: Path, values: dict[str, str]) -> None:
    """Replace the file in one step; it holds passwords, so only its owner may read it."""
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    fresh.replace(file)
