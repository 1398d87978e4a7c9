"""Files that people asked for. They hold what the filter showed when they asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import uuid_utils.compat
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from exports import columns
from exports.columns import Column
from exports.querysets import ExportQuerySet
from exports.subjects import ABOUT, About, Subject
from jobs.models import Job, JobState

# How long a file is kept.
KEPT = timedelta(days=7)


class Format(models.TextChoices):
    CSV = "csv", _("CSV")
    XLSX = "xlsx", _("Excel")
    PDF = "pdf", _("PDF")


class State(models.TextChoices):
    """As a person sees it: how the job stands, then how long the file is kept."""

    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Being made")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")

    @property
    def tone(self) -> str:
        return {"waiting": "info", "running": "info", "ready": "ok", "failed": "bad"}.get(
            self.value, "mute"
        )


class Export(models.Model):
    """One file: what was asked, by whom, with which rights; then what came of it.

    `query` is the filter as a URL holds it. The rights are those of the moment of asking; what a
    download takes is looked at again then.
    """

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="export")
    subject = models.CharField(
        max_length=8, choices=Subject.choices, default=Subject.CALLS, db_default=Subject.CALLS
    )
    format = models.CharField(max_length=8, choices=Format.choices)
    query = models.TextField(blank=True, default="")
    # The newest call or chat there was; what came later is left out.
    through = models.UUIDField()
    # The filter in words, a line each; none: everything there is.
    filters: models.JSONField[Any, Any] = models.JSONField(default=list)
    column_codes: models.JSONField[Any, Any] = models.JSONField(default=list)
    zone = models.CharField(max_length=64)
    # Whether the filter may look inside of whole numbers, and whether the file holds them.
    sees_personal_data = models.BooleanField()
    whole_numbers = models.BooleanField()
    # Whole numbers, or what was said: takes the right to that, also to download it.
    is_personal = models.BooleanField()
    with_mark = models.BooleanField(default=False)
    wants_mail = models.BooleanField(default=False)
    asked_by_id = models.UUIDField()
    asked_by = models.CharField(max_length=254)
    asked_at = models.DateTimeField(db_default=Now(), editable=False)

    # The run that may write; a worker that was taken for dead finds another's here and stops.
    run_id = models.UUIDField(null=True)
    # Where the file goes on after an interruption.
    position: models.JSONField[Any, Any] = models.JSONField(default=dict)
    rows = models.BigIntegerField(default=0)
    # As exports.totals writes them.
    totals: models.JSONField[Any, Any] = models.JSONField(default=dict)
    size_bytes = models.BigIntegerField(default=0)
    complete_until = models.DateTimeField(null=True)
    # As exports.running writes it: what was missing then, and what the last comparison found.
    completeness: models.JSONField[Any, Any] = models.JSONField(null=True)

    name = models.CharField(max_length=200, blank=True, default="")
    media_type = models.CharField(max_length=100, blank=True, default="")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(
                fields=("expires_at",),
                name="export_kept",
                condition=models.Q(removed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return self.name or self.job.title

    def get_absolute_url(self) -> str:
        return reverse("exports:detail", args=[self.pk])

    def get_download_url(self) -> str:
        return reverse("exports:download", args=[self.pk])

    @property
    def kind(self) -> Format:
        return Format(self.format)

    @property
    def about(self) -> About:
        return ABOUT[Subject(self.subject)]

    @property
    def about_label(self) -> str:
        """ "Calls", or "Chats"."""
        return str(Subject(self.subject).label)

    @property
    def columns(self) -> list[Column]:
        found = columns.chosen(self.column_codes, self.about.columns)
        return columns.for_report(found) if self.format == Format.PDF else found

    @property
    def missing_text(self) -> str:
        """What calls may not be in it; empty when it is whole up to `complete_until`."""
        noted = self.completeness or {}
        if noted.get("is_late"):
            return gettext("calls may be missing since then")
        number = noted.get("open_gaps", 0)
        text = ngettext("%(count)s call is missing", "%(count)s calls are missing", number)
        return text % {"count": f"{number:,}"} if number else ""

    @property
    def compared_text(self) -> str:
        """What the last comparison before it found; empty when there was none."""
        counts = (self.completeness or {}).get("counts")
        if not counts:
            return ""
        return gettext(
            "%(listed)s listed by Retell, %(inserted)s brought back, %(corrected)s corrected"
        ) % {name: f"{number:,}" for name, number in counts.items()}

    def is_ready(self, at: datetime) -> bool:
        return self.finished_at is not None and self.removed_at is None and self.expires_at > at

    @property
    def status(self) -> State:
        if self.finished_at is not None:
            return State.READY if self.is_ready(timezone.now()) else State.EXPIRED
        return {
            JobState.QUEUED: State.WAITING,
            JobState.RUNNING: State.RUNNING,
            JobState.CANCELLED: State.CANCELLED,
        }.get(self.job.status, State.FAILED)


class Chunk(models.Model):
    """A part of a file, as it comes: `start` is the place of its first byte."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    export = models.ForeignKey(
        Export, on_delete=models.CASCADE, related_name="chunks", db_index=False
    )
    start = models.BigIntegerField()
    data = models.BinaryField()

    class Meta:
        # Of two runs of one job the second cannot write the same part.
        constraints = [models.UniqueConstraint(fields=("export", "start"), name="export_chunk")]

    def __str__(self) -> str:
        return f"{self.export_id} from byte {self.start}"
