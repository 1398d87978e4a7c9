"""`manage.py verify_audit`: whether the audit log is what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from audit import verification
from audit.chain import End
from audit.models import chain_name
from audit.verification import AnchorsError, Verification, label_of, read_anchors, write_anchors
from tenants.models import Organization
from tenants.scope import platform


class Command(BaseCommand):
    help = (
        "Walk the chains of the audit log and name every entry that was changed, removed or moved;"
        " exits 1 when there is one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", default="", metavar="SLUG", help="Only this one's.")
        parser.add_argument(
            "--anchors",
            type=Path,
            metavar="FILE",
            help="Note the chains' ends there, and find chains that were written anew since the"
            " last time. Keep it where the database's owner cannot write.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with platform():
                broken = self._verify(options["organization"], options["anchors"])
        except AnchorsError as error:
            raise CommandError(str(error)) from error
        if broken:
            raise CommandError("The audit log was tampered with; see above.")

    def _verify(self, slug: str, file: Path | None) -> bool:
        """Whether any chain is broken. The anchor of a broken chain is kept as it was."""
        anchors = read_anchors(file) if file else {}
        broken = False
        for organization_id in _chosen(slug, anchors):
            chain = chain_name(organization_id)
            found = Verification(organization_id, anchors.get(chain))
            self._report(found)
            broken |= not found.holds
            if found.holds and found.end:
                anchors[chain] = found.end
        if file:
            write_anchors(file, anchors)
        return broken

    def _report(self, found: Verification) -> None:
        label = label_of(found.organization_id)
        with transaction.atomic():  # a cursor outside one would be computed whole first
            for place in found.breaks():
                self.stderr.write(f"{label}: {place.text}")
        if found.holds:
            noun = "entry" if found.entries == 1 else "entries"
            self.stdout.write(f"{label}: {found.entries:,} {noun}, as written.")


def _chosen(slug: str, anchors: dict[str, End]) -> list[UUID | None]:
    if slug:
        organization = Organization.objects.filter(slug=slug).first()
        if organization is None:
            raise CommandError(f"There is no organization with the slug “{slug}”.")
        return [organization.pk]
    stored = verification.chains()
    noted = [verification.organization_of(chain) for chain in anchors]
    return stored + [organization_id for organization_id in noted if organization_id not in stored]
