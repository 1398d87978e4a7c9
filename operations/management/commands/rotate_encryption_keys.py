"""`manage.py rotate_encryption_keys`: encrypt with the newest key what older ones encrypted."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actions import record
from audit.circumstances import circumstances, command_actor
from audit.vocabulary import Action
from tenants import encryption, reencryption
from tenants.reencryption import Report
from tenants.scope import platform

ROTATED = Action(
    "operations.encryption_keys_rotated",
    "encrypted {values} stored secrets with key {version} of the ring",
)


class Command(BaseCommand):
    help = (
        "Encrypt with the newest key of ENCRYPTION_KEYS what older ones encrypted, while serving;"
        " may be broken off and repeated. Exits 1 when something cannot be decrypted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Count only, change nothing.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        reports = []
        for report in reencryption.run(check=options["check"]):
            reports.append(report)
            if not options["json"]:
                self._tell(report, check=options["check"])
        changed = 0 if options["check"] else sum(report.total for report in reports)
        if changed:
            _record(changed)
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(reports, check=options["check"])))
        else:
            self._conclude(reports, check=options["check"])
        if any(report.unreadable for report in reports):
            raise CommandError(
                "Some secrets cannot be decrypted; they are named above and were left as they are."
                " Put the key they were encrypted with back into ENCRYPTION_KEYS, then repeat."
            )

    def _tell(self, report: Report, *, check: bool) -> None:
        verb = "to encrypt again" if check else "encrypted again"
        for column, number in sorted(report.outdated.items()):
            self.stdout.write(f"{report.organization.slug}: {column}: {number} {verb}")
        for place in report.unreadable:
            self.stderr.write(f"{report.organization.slug}: {place} cannot be decrypted")

    def _conclude(self, reports: list[Report], *, check: bool) -> None:
        total, newest = sum(report.total for report in reports), encryption.newest_version()
        if check:
            self.stdout.write(f"{total} secrets are encrypted with another key than {newest}.")
        else:
            self.stdout.write(f"{total} secrets were encrypted again with key {newest}.")
        for report in reports:
            if report.in_dump:
                self.stdout.write(
                    f"{report.organization.slug} is deleted: to restore it with its Retell keys,"
                    " keep the old keys of the ring until its deletion is final."
                )


def _record(values: int) -> None:
    with platform(), circumstances(actor=command_actor("rotate_encryption_keys")):
        record(ROTATED, details={"values": values, "version": encryption.newest_version()})


def _as_json(reports: list[Report], *, check: bool) -> dict[str, Any]:
    return {
        "newest_key": encryption.newest_version(),
        "checked_only": check,
        "values": sum(report.total for report in reports),
        "unreadable": sum(len(report.unreadable) for report in reports),
        "organizations": [
            {
                "slug": report.organization.slug,
                "values": report.total,
                "columns": dict(sorted(report.outdated.items())),
                "unreadable": report.unreadable,
                "in_dump": report.in_dump,
            }
            for report in reports
        ],
    }
