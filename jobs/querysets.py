"""Reads of jobs, named for who needs them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from jobs.models import Job  # noqa: F401 - named in a string below

STALLED_AFTER = timedelta(minutes=2)


class JobQuerySet(models.QuerySet["Job"]):
    def of_kinds(self, codes: Collection[str]) -> JobQuerySet:
        return self.filter(kind__in=codes)

    def open(self) -> JobQuerySet:
        return self.filter(state__in=("queued", "running"))

    def stalled(self, now: datetime) -> JobQuerySet:
        """Whose worker died, or which no worker ever took."""
        limit = now - STALLED_AFTER
        return self.open().filter(
            Q(heartbeat_at__lt=limit) | Q(heartbeat_at=None, created_at__lt=limit)
        )

    def may_be_taken(self, now: datetime) -> JobQuerySet:
        """Waiting, or left by a worker that died."""
        return self.filter(
            Q(state="queued") | Q(state="running", heartbeat_at__lt=now - STALLED_AFTER)
        )
