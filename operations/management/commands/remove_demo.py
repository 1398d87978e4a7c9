"""`manage.py remove_demo`: the demo organizations and people go; everything else stays."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from audit.circumstances import circumstances, command_actor
from operations.demo import loading, people


class Command(BaseCommand):
    help = "Deletes the demo organizations with all their data, and the demo's people."

    def handle(self, *args: Any, **options: Any) -> None:
        with circumstances(actor=command_actor("remove_demo")):
            organizations, persons = loading.remove()
        people.DEMO_FILE.unlink(missing_ok=True)
        self.stdout.write(f"Deleted {organizations} organizations and {persons} people.")
