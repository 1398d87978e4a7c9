"""`manage.py restore`: bring everything back, on a server that holds nothing of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.backups import recovery, storage
from operations.backups.archive import Archive
from operations.backups.recovery import Plan
from operations.backups.terminal import Steps
from tenants.db.environment_file import read_environment_file, write_environment_file
from tenants.db.setup import SetupError
from tenants.exceptions import DumpError


class Command(BaseCommand):
    help = (
        "Restore a backup into an empty PostgreSQL: database, logins, roles, all rows; then"
        " compare. A database that holds anything is refused and left alone."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="Of the file in BACKUP_STORAGE.")
        parser.add_argument("--latest", action="store_true", help="The newest in BACKUP_STORAGE.")
        parser.add_argument("--file", type=Path, help="A backup's file, from anywhere.")
        parser.add_argument("--list", action="store_true", help="Only say what is there.")
        parser.add_argument(
            "--admin-url",
            default=os.environ.get("DATABASE_ADMIN_URL"),
            help="postgresql://… of a superuser of the empty server; or set DATABASE_ADMIN_URL,"
            " which other people of the machine do not see.",
        )
        parser.add_argument(
            "--environment-file",
            type=Path,
            help="Write the logins' addresses there; passwords in it are kept.",
        )
        parser.add_argument(
            "--reset-passwords",
            action="store_true",
            help="Give logins that the server has already, from a try before, new passwords.",
        )
        parser.add_argument("--yes", action="store_true", help="Do not ask.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_contradictions(options)
        try:
            if options["list"]:
                self._list(as_json=options["json"])
            else:
                with _archive(options).fetched() as archive:
                    self._restore(archive, options)
        except (DumpError, SetupError) as error:
            raise CommandError(str(error)) from error

    def _list(self, *, as_json: bool) -> None:
        names = storage.names()
        self.stdout.write(json.dumps(names) if as_json else "\n".join(names) or "No backup there.")

    def _restore(self, archive: Archive, options: dict[str, Any]) -> None:
        file: Path = options["environment_file"]
        plan = recovery.plan(archive, options["admin_url"])
        self.stderr.write(plan.text)
        if not options["yes"]:
            self._ask(plan)
        steps = Steps(self.stderr)
        try:
            done = recovery.restore(
                plan,
                known=read_environment_file(file),
                reset_passwords=options["reset_passwords"],
                report=self.stderr.write,
                progress=steps.show,
            )
        finally:
            steps.finish()
        write_environment_file(file, read_environment_file(file) | done.logins.as_environment())
        self._conclude(plan, done, file, as_json=options["json"])

    def _ask(self, plan: Plan) -> None:
        typed = input(f"Type {plan.manifest.database} to restore it: ")
        if typed.strip() != plan.manifest.database:
            raise CommandError("That is not its name. Nothing was changed.")

    def _conclude(self, plan: Plan, done: recovery.Restored, file: Path, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(done.as_json(plan)))
        else:
            self.stdout.write(
                f"Restored in {done.seconds:.1f} s and compared: {len(plan.manifest.tables)} tables"
                f" with {plan.manifest.rows:,} rows are as at {plan.manifest.snapshot_at}. The"
                f" logins' addresses are in {file}. Next: manage.py release, then start."
            )
        if done.problems:
            raise CommandError(
                "The rows are there, but the product would not work on them as it is: "
                + " ".join(done.problems)
            )


def _refuse_contradictions(options: dict[str, Any]) -> None:
    chosen = [word for word in ("name", "latest", "file") if options[word]]
    if options["list"]:
        if chosen or options["environment_file"]:
            raise CommandError("--list only lists; give it alone. Nothing was changed.")
        return
    if len(chosen) != 1:
        raise CommandError("Give one of NAME, --latest and --file. Nothing was changed.")
    for word in ("admin_url", "environment_file"):
        if not options[word]:
            raise CommandError(f"Give --{word.replace('_', '-')}. Nothing was changed.")


def _archive(options: dict[str, Any]) -> Archive:
    file: Path | None = options["file"]
    if file is not None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}. Nothing was changed.")
        return Archive(file.name, lambda: file.open("rb"))
    if options["name"]:
        return Archive.stored(options["name"])
    whole = recovery.newest_of_everything()
    if whole is None:
        raise CommandError("There is no backup in BACKUP_STORAGE. Nothing was changed.")
    return whole
