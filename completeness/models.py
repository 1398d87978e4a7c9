"""Comparisons with Retell's list, what they changed, and up to when everything is here."""

from __future__ import annotations

from datetime import datetime, timedelta

import uuid_utils.compat
from django.db import models
from django.db.models.functions import Now


class RunKind(models.TextChoices):
    SCHEDULED = "scheduled", "On schedule"
    RANGE = "range", "On demand"
    BACKFILL = "backfill", "History"


class RunState(models.TextChoices):
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"

    @property
    def tone(self) -> str:
        tones = {"running": "info", "done": "ok", "failed": "bad"}
        return tones.get(self.value, "mute")


class Run(models.Model):
    """One comparison of a range of starting times with what Retell lists for it."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    kind = models.CharField(max_length=12, choices=RunKind.choices)
    state = models.CharField(max_length=12, choices=RunState.choices, default=RunState.RUNNING)
    range_from = models.DateTimeField()
    range_until = models.DateTimeField()
    job_id = models.UUIDField(null=True)
    listed = models.IntegerField(default=0)
    inserted = models.IntegerField(default=0)
    corrected = models.IntegerField(default=0)
    closed = models.IntegerField(default=0)
    transcripts = models.IntegerField(default=0)
    unreadable = models.IntegerField(default=0)
    # A sentence: why it failed.
    problem = models.TextField(blank=True, default="")
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=("kind", "-id"), name="run_kind_newest")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.range_from} to {self.range_until}"

    @property
    def status(self) -> RunState:
        return RunState(self.state)

    @property
    def unchanged(self) -> int:
        return max(0, self.listed - self.inserted - self.corrected - self.unreadable)


class CorrectionKind(models.TextChoices):
    INSERTED = "inserted", "Found in Retell's list; no webhook brought it"
    CORRECTED = "corrected", "Corrected from Retell's list"
    CLOSED = "closed", "Closed: its last webhook never came"
    TRANSCRIPT = "transcript", "Transcript fetched from Retell"
    NO_TRANSCRIPT = "no_transcript", "Retell has no transcript of it"
    GONE = "gone", "Retell does not have it any more"

    @property
    def tone(self) -> str:
        return {"inserted": "warn", "gone": "mute", "no_transcript": "mute"}.get(self.value, "info")


class Correction(models.Model):
    """What one comparison did to one call: the line on the call's timeline."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="corrections")
    retell_call_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=CorrectionKind.choices)
    # Field → [before, after] as text; of personal fields the name only: [].
    changes: models.JSONField[dict[str, list[str]], dict[str, list[str]]] = models.JSONField(
        default=dict
    )
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=("retell_call_id", "kind"), name="correction_call")]

    def __str__(self) -> str:
        return f"{self.retell_call_id}: {self.kind}"

    @property
    def verdict(self) -> CorrectionKind:
        return CorrectionKind(self.kind)


class Completeness(models.Model):
    """One row: every call that started between the two moments is here."""

    GAP_AFTER = timedelta(minutes=45)

    id = models.SmallAutoField(primary_key=True)
    complete_from = models.DateTimeField(null=True)
    complete_until = models.DateTimeField(null=True)
    # When days back were last compared, for costs that came late.
    deep_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    # Why the last try failed; empty when it did not.
    problem = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="completeness_single")]

    def __str__(self) -> str:
        return f"Complete up to {self.complete_until}"

    def has_gap(self, at: datetime) -> bool:
        """Whether calls may be missing that should be here by now."""
        return self.complete_until is None or at - self.complete_until > self.GAP_AFTER
