"""Comparisons with Retell's list, what they changed, and up to when everything is here."""

from __future__ import annotations

from datetime import datetime, timedelta

import uuid_utils.compat
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy


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


class RunQuerySet(models.QuerySet["Run"]):
    def ended(self) -> RunQuerySet:
        """Whose counts do not grow any more, newest first."""
        return self.exclude(state=RunState.RUNNING).order_by("-id")


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

    objects = RunQuerySet.as_manager()

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


class GapKind(models.TextChoices):
    """Why something cannot be brought; the label says what happened."""

    UNREADABLE = "unreadable", gettext_lazy("Retell lists it, but it cannot be read")
    GONE = "gone", gettext_lazy("Retell deleted it before its end arrived here")
    RANGE = "range", gettext_lazy("Calls of this time could not be compared")

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return str(_REMEDIES[self])


_REMEDIES = {
    GapKind.UNREADABLE: gettext_lazy(
        "It is asked for again with each comparison. If it stays, this product may need an update;"
        " or look at the call in Retell and accept that it is missing here."
    ),
    GapKind.GONE: gettext_lazy(
        "Nothing brings it back: its end, duration and cost are not known. Accept that, or apply"
        " its deliveries again if there are any."
    ),
    GapKind.RANGE: gettext_lazy("Compare these days again when Retell answers."),
}


class GapQuerySet(models.QuerySet["Gap"]):
    def open(self) -> GapQuerySet:
        """Neither came after all nor accepted."""
        return self.filter(healed_at=None, accepted_at=None)

    def accepted(self) -> GapQuerySet:
        return self.filter(healed_at=None, accepted_at__isnull=False)


class Gap(models.Model):
    """Something that is not here and could not be brought, and what was decided about it."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    # The call's id at Retell, or what stands for it.
    item = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=12, choices=GapKind.choices)
    detail = models.TextField(blank=True, default="")
    range_from = models.DateTimeField(null=True)
    range_until = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    # When it came after all.
    healed_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    accepted_by_id = models.UUIDField(null=True)
    accepted_by = models.CharField(max_length=254, blank=True, default="")
    accept_reason = models.TextField(blank=True, default="")

    objects = GapQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.item

    @property
    def why(self) -> GapKind:
        return GapKind(self.kind)


class Completeness(models.Model):
    """One row: every call that started between the two moments is here, but for open gaps."""

    GAP_AFTER = timedelta(minutes=45)
    # Then waiting alone will hardly mend it, and it can be accepted.
    STUCK_AFTER = timedelta(days=1)

    id = models.SmallAutoField(primary_key=True)
    complete_from = models.DateTimeField(null=True)
    complete_until = models.DateTimeField(null=True)
    # When days back were last compared, for costs that came late.
    deep_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    # Why the last try failed; empty when it did not.
    problem = models.TextField(blank=True, default="")
    # What was before this was accepted as missing: comparing does not go back behind it.
    not_before = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="completeness_single")]

    def __str__(self) -> str:
        return f"Complete up to {self.complete_until}"

    def has_gap(self, at: datetime) -> bool:
        """Whether calls may be missing that should be here by now."""
        return self.complete_until is None or at - self.complete_until > self.GAP_AFTER

    def is_stuck(self, at: datetime) -> bool:
        """Whether no comparison came through for so long that somebody should decide."""
        since = self.complete_until
        return bool(self.problem) and since is not None and at - since > self.STUCK_AFTER

    @property
    def shown_until(self) -> str:
        """As a form carries it, so that what is accepted is what was shown."""
        return self.complete_until.isoformat() if self.complete_until else ""
