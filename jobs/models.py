"""Long work of one organization, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import uuid_utils.compat
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext

from jobs import kinds
from jobs.querysets import JobQuerySet


class JobState(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"

    @property
    def tone(self) -> str:
        return {"running": "info", "queued": "info", "done": "ok", "failed": "bad"}.get(
            self.value, "mute"
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """A badge that is no state."""

    label: str
    tone: str


class Job(models.Model):
    """One piece of long work. `position` is where it goes on after an interruption."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    kind = models.CharField(max_length=32)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    parameters: models.JSONField[Any, Any] = models.JSONField(default=dict)
    position: models.JSONField[Any, Any] = models.JSONField(default=dict)
    # Unknown until it was counted.
    total = models.BigIntegerField(null=True)
    done = models.BigIntegerField(default=0)
    # By name, in the order in which they are shown: {"inserted": 12, "unchanged": 3}.
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict)
    # A sentence about how it ended.
    message = models.TextField(blank=True, default="")
    started_by_id = models.UUIDField(null=True)
    started_by = models.CharField(max_length=254, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(
                fields=("heartbeat_at",),
                name="job_open",
                condition=models.Q(state__in=("queued", "running")),
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("jobs:detail", args=[self.pk])

    @property
    def status(self) -> JobState:
        return JobState(self.state)

    @property
    def left(self) -> int:
        """How many it could not do although it came to its end."""
        kind = kinds.find(self.kind)
        return kind.left(self) if kind and self.state == JobState.DONE else 0

    @property
    def shown_state(self) -> JobState | Shown:
        """For a badge: done is not green when something was left."""
        return Shown(gettext("Done, some left"), "warn") if self.left else self.status

    @property
    def message_tone(self) -> str:
        return {"failed": "bad", "cancelled": "info"}.get(self.state, "warn" if self.left else "ok")

    @property
    def is_open(self) -> bool:
        return self.state in (JobState.QUEUED, JobState.RUNNING)

    @property
    def is_being_cancelled(self) -> bool:
        return self.is_open and self.cancel_requested_at is not None

    @property
    def noun(self) -> str:
        kind = kinds.find(self.kind)
        return kind.noun if kind else ""

    @property
    def share(self) -> float | None:
        """How much is done, between 0 and 1; None while the total is unknown."""
        if self.state == JobState.DONE:
            return 1.0
        return min(self.done / self.total, 1.0) if self.total else None

    @property
    def percent_done(self) -> int:
        return int((self.share or 0) * 100)

    @property
    def shown_counts(self) -> list[tuple[str, int]]:
        return [(name.replace("_", " ").capitalize(), n) for name, n in self.counts.items()]

    def ends_in_ms(self, at: datetime) -> int | None:
        """An estimate from the pace so far."""
        if self.state != JobState.RUNNING or not self.started_at or not self.share:
            return None
        spent_ms = (at - self.started_at).total_seconds() * 1000
        return int(spent_ms / self.share - spent_ms)
