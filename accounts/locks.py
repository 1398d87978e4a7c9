"""Order among changes that must not meet."""

from __future__ import annotations

from django.db import connection

from tenants.models import Organization


def lock_people(organization: Organization) -> None:
    """Until the end of this transaction nobody else changes who belongs to the organization:
    whoever comes second decides from what the first one left."""
    if not connection.in_atomic_block:
        raise RuntimeError("lock_people() holds until the end of a transaction; there is none.")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"people {organization.pk}"]
        )
