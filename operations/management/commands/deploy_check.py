"""Says what stands between this installation and the internet, and how to fix it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.deploy_check import findings


class Command(BaseCommand):
    help = "Refuse an installation that is not fit for production, and say how to fix each point."
    requires_system_checks: list[str] = []  # it runs them itself, and says them as the others

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(findings())
        wrong = [one for one in found if not one.is_well]
        if options["json"]:
            answer = {"is_ready": not wrong, "findings": [asdict(one) for one in found]}
            self.stdout.write(json.dumps(answer, indent=2))
        else:
            for one in found:
                self.stdout.write(f"{'ok  ' if one.is_well else 'NO  '}{one.found}")
                if not one.is_well and one.fix:
                    self.stdout.write(f"    → {one.fix}")
        if wrong:
            raise CommandError(
                f"Not fit for production: {len(wrong)} of {len(found)} points. Nothing was changed."
            )
        if not options["json"]:
            self.stdout.write("Fit for production.")
