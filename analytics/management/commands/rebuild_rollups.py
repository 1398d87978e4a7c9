"""Add all calls up anew, or only compare the sums that are kept with the calls."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics.rollup import adding, checking
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform

MOST_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Add all calls up anew; pages stay exact meanwhile. With --check nothing is changed, and"
        " it exits with 1 when sums and calls differ."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", help="Only this one.")
        parser.add_argument("--check", action="store_true")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        work = _check if options["check"] else _rebuild
        found = {
            organization.slug: work(organization)
            for organization in _organizations(options["organization"])
        }
        if options["json"]:
            self.stdout.write(json.dumps({"organizations": found}))
        else:
            for slug, outcome in found.items():
                self.stdout.write(f"{slug}: {outcome['text']}")
        wrong = [slug for slug, outcome in found.items() if outcome.get("differences")]
        if wrong:
            raise CommandError(
                f"Sums and calls differ in: {', '.join(wrong)}. Nothing was changed; run"
                " rebuild_rollups without --check."
            )


def _organizations(slug: str | None) -> list[Organization]:
    with platform():
        known = Organization.objects.with_schema()
        if slug is None:
            return list(known)
        found = list(known.filter(slug=slug))
    if not found:
        raise CommandError(f"There is no organization with the slug “{slug}” that has a schema.")
    return found


def _rebuild(organization: Organization) -> dict[str, Any]:
    with organization_context(organization):
        adding.mark_all()
        quarters = adding.add_up(organization.time_zone)
    return {"quarters": quarters, "text": f"added up {quarters:,} quarters of an hour."}


def _check(organization: Organization) -> dict[str, Any]:
    with organization_context(organization):
        places = sorted(set(checking.differences()))
    text = f"{len(places):,} times differ." if places else "sums and calls agree."
    shown = [f"{at:%Y-%m-%dT%H:%MZ}" for at in places[:MOST_SHOWN]]
    return {"differences": len(places), "first": shown, "text": text}
