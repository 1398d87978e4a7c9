"""Reads of exports, named for who needs them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models

if TYPE_CHECKING:
    from exports.models import Export  # noqa: F401 - named in a string below


class ExportQuerySet(models.QuerySet["Export"]):
    def for_list(self) -> ExportQuerySet:
        return self.select_related("job").order_by("-id")

    def asked_by(self, user_id: UUID) -> ExportQuerySet:
        return self.filter(asked_by_id=user_id)

    def due(self, now: datetime) -> ExportQuerySet:
        """Whose file is kept no longer."""
        return self.filter(removed_at=None, expires_at__lte=now)

    def forgotten(self, now: datetime, after: timedelta) -> ExportQuerySet:
        """Whose file is gone for so long that nobody looks for it any more."""
        return self.filter(removed_at__lt=now - after)
