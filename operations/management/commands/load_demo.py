"""`manage.py load_demo`: two organizations with 90 days of calls, and people who may sign in."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.circumstances import circumstances, command_actor
from operations.demo import loading, people

REPORT_EVERY = 10 * loading.BATCH


class Command(BaseCommand):
    help = "Loads the demo organizations; does nothing when they are there already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--calls", type=int, default=20_000, help="calls in all")

    def handle(self, *args: Any, calls: int, **options: Any) -> None:
        with circumstances(actor=command_actor("load_demo")):
            self._load(calls)

    def _load(self, calls: int) -> None:
        if loading.demo_organizations():
            if people.DEMO_FILE.exists():
                self.stdout.write(f"The demo is loaded; {people.DEMO_FILE} says how to sign in.")
                return
            self.stdout.write("An earlier load was interrupted; beginning anew.")
            loading.remove()
        self._check_nothing_is_in_the_way()
        began = time.monotonic()
        self.stdout.write(f"Loading {calls:,} calls of the last {loading.DAYS} days.")
        self.stdout.flush()
        sign_ins = loading.load(now=timezone.now(), calls=calls, report=report)
        people.write_sign_ins(sign_ins, people.DEMO_FILE)
        self.stdout.write(f"Loaded {calls:,} calls in {time.monotonic() - began:.0f} s.")

    def _check_nothing_is_in_the_way(self) -> None:
        taken = [*loading.taken_slugs(), *people.taken_addresses()]
        if taken:
            raise CommandError(
                f"{', '.join(taken)} exist here and are no demo data; nothing was loaded."
            )


def report(organization: str, deliveries: int) -> None:
    """Say how far it is, from one of the loading processes."""
    if deliveries % REPORT_EVERY == 0:
        print(f"  {organization}: {deliveries:,} webhooks", flush=True)
