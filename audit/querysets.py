"""Reads of the audit log, named for who needs them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models


class EntryQuerySet(models.QuerySet[Any]):  # the base of `Entry` comes without types
    def of_chain(self, organization_id: UUID | None) -> EntryQuerySet:
        """One organization's entries, or the operator's own."""
        if organization_id is None:
            return self.filter(organization_id__isnull=True)
        return self.filter(organization_id=organization_id)

    def in_order(self) -> EntryQuerySet:
        return self.order_by("sequence")
