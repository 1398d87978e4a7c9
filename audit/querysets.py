"""Reads of the audit log, named for who needs them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection, models

# One step down the index for each person, instead of reading every entry.
_PEOPLE = """
WITH RECURSIVE people AS (
    (SELECT actor_id, actor_label FROM audit_entry
     WHERE organization_id = %s AND actor_id IS NOT NULL
     ORDER BY actor_id, timestamp DESC LIMIT 1)
    UNION ALL
    SELECT next.actor_id, next.actor_label FROM people, LATERAL (
        SELECT actor_id, actor_label FROM audit_entry
        WHERE organization_id = %s AND actor_id > people.actor_id
        ORDER BY actor_id, timestamp DESC LIMIT 1) next
)
SELECT actor_id, actor_label FROM people
"""
_OPERATORS = _PEOPLE.replace("= %s", "IS NULL")


class EntryQuerySet(models.QuerySet[Any]):  # the base of `Entry` comes without types
    def of_chain(self, organization_id: UUID | None) -> EntryQuerySet:
        """One organization's entries, or the operator's own."""
        if organization_id is None:
            return self.filter(organization_id__isnull=True)
        return self.filter(organization_id=organization_id)

    def in_order(self) -> EntryQuerySet:
        return self.order_by("sequence")

    def newest_first(self) -> EntryQuerySet:
        return self.order_by("-timestamp", "-id")


def people_of(organization_id: UUID | None) -> list[tuple[UUID, str]]:
    """Everybody who did something in a chain, by the name they had last."""
    with connection.cursor() as cursor:
        if organization_id is None:
            cursor.execute(_OPERATORS)
        else:
            cursor.execute(_PEOPLE, [organization_id, organization_id])
        return sorted(cursor.fetchall(), key=lambda row: str(row[1]).lower())
