"""Measures whether this installation is ready for production, and says what is missing."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.readiness import actions
from operations.readiness.assessment import Assessment, Result, as_json
from operations.readiness.models import ReadinessAssessment
from operations.readiness.vocabulary import Category
from tenants.scope import platform


class Command(BaseCommand):
    help = "Measure readiness for production; exits with 1 when the score is below --fail-under."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="everything, as JSON")
        parser.add_argument(
            "--fail-under", type=int, default=0, metavar="PERCENT", help="0 to 100; 0 if not given"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        least: int = options["fail_under"]
        if not 0 <= least <= 100:
            raise CommandError("--fail-under takes 0 to 100 percent. Nothing was measured.")
        with platform():
            asked = ReadinessAssessment.objects.create(requested_by="manage.py readiness")
        assessment = actions.assess_now(asked)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(assessment), indent=2))
        else:
            self._say(assessment)
        if assessment.score.percent < least:
            sys.exit(1)

    def _say(self, assessment: Assessment) -> None:
        for category in Category:
            score = assessment.score_of(category)
            self.stdout.write(
                f"{category.label:18} {score.percent:4} %   {score.done} of {score.items}"
            )
        self.stdout.write(f"{'All':18} {assessment.score.percent:4} %\n\n")
        for result in assessment.missing:
            self._say_missing(result)

    def _say_missing(self, result: Result) -> None:
        mark = "!" if result.item.is_essential else "-"
        self.stdout.write(f"{mark} {result.item.title} [{result.item.code}]: {result.state.label}")
        for line in (result.found, result.fix):
            if line:
                self.stdout.write(f"    {line}")
