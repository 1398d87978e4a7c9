"""Commands that answer with one JSON object when they are asked to."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class JsonCommand(BaseCommand):
    """With `--json` there is one object on standard output, whatever happens: who failed before
    its answer says {"problem": "…"}. Exit codes and standard error are as without."""

    has_answered = False

    def add_json_option(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def answer(self, result: dict[str, Any]) -> None:
        self.has_answered = True
        self.stdout.write(json.dumps(result))

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            if options.get("json") and not self.has_answered:
                self.answer({"problem": str(error)})
            raise
