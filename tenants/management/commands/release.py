"""Migrate the shared schema and every organization's. Safe beside a running version."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand

from tenants import migrator
from tenants.db.durability import refuse_forgetful_database


class Command(BaseCommand):
    help = "Migrate the shared schema and every organization's schema, and set their grants."

    def handle(self, *args: Any, **options: Any) -> None:
        start = time.monotonic()
        refuse_forgetful_database(migrator.OWNER)
        with migrator.only_release(self.stdout.write):
            migrator.migrate_shared(self.stdout.write)
            migrator.schema_template()
            count = migrator.migrate_organizations(self.stdout.write)
        self.stdout.write(
            f"Ready: {count} organization(s) migrated in {time.monotonic() - start:.1f} s."
        )
