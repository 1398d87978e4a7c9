"""Reads of exports, named for who needs them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models

if TYPE_CHECKING:
    from exports.models import Export, State  # noqa: F401 - named in a string below


class ExportQuerySet(models.QuerySet["Export"]):
    def for_list(self) -> ExportQuerySet:
        return self.select_related("job").order_by("-id")

    def asked_by(self, user_id: UUID) -> ExportQuerySet:
        return self.filter(asked_by_id=user_id)

    def in_state(self, state: State, now: datetime) -> ExportQuerySet:
        """As `Export.status` has it."""
        finished = models.Q(finished_at__isnull=False)
        kept = models.Q(removed_at=None, expires_at__gt=now)
        if state == "ready":
            return self.filter(finished & kept)
        if state == "expired":
            return self.filter(finished & ~kept)
        unfinished = self.filter(finished_at=None)
        of_job = {"waiting": "queued", "running": "running", "cancelled": "cancelled"}
        if state in of_job:
            return unfinished.filter(job__state=of_job[state])
        return unfinished.exclude(job__state__in=of_job.values())

    def people(self) -> list[tuple[UUID, str]]:
        """Who asked, by their newest names."""
        rows = self.order_by("-id").values_list("asked_by_id", "asked_by")
        names: dict[UUID, str] = {}
        for person, name in rows:
            names.setdefault(person, name)
        return sorted(names.items(), key=lambda one: one[1].casefold())

    def due(self, now: datetime) -> ExportQuerySet:
        """Whose file is kept no longer."""
        return self.filter(removed_at=None, expires_at__lte=now)

    def forgotten(self, now: datetime, after: timedelta) -> ExportQuerySet:
        """Whose file is gone for so long that nobody looks for it any more."""
        return self.filter(removed_at__lt=now - after)
