"""Backups that were made, and whether they were proven. A shared table, in schema `public`."""

from __future__ import annotations

import uuid_utils.compat
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from operations.backups.querysets import BackupQuerySet


class BackupState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Whole")
    FAILED = "failed", _("Failed")
    REMOVED = "removed", _("Removed")

    @property
    def tone(self) -> str:
        return {"done": "ok", "failed": "bad", "removed": "mute"}.get(self.value, "info")


class ProofState(models.TextChoices):
    """Whether it was restored into a scratch database, and compared."""

    NONE = "none", _("Not proven")
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Being proven")
    PROVEN = "proven", _("Proven")
    FAILED = "failed", _("Proof failed")

    @property
    def tone(self) -> str:
        return {"none": "warn", "proven": "ok", "failed": "bad"}.get(self.value, "info")


class Backup(models.Model):
    """One backup: what it is of, how far it is, where it is kept, whether it was proven.

    `done` and `total` are of the step that runs now, in tables or bytes; `total` is 0 if unknown.
    """

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    name = models.CharField(max_length=120, unique=True)
    # None: of everything. By id and label, as an organization may be deleted meanwhile.
    organization_id = models.UUIDField(null=True)
    organization_name = models.CharField(max_length=120, blank=True, default="")
    asked_by = models.CharField(max_length=254, blank=True, default="")
    state = models.CharField(max_length=8, choices=BackupState.choices, default=BackupState.WAITING)
    # A sentence: why it failed or was removed.
    message = models.TextField(blank=True, default="")
    step = models.CharField(max_length=60, blank=True, default="")
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True)
    # Everything acknowledged before is in it.
    snapshot_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    storage = models.CharField(max_length=500, blank=True, default="")
    size_bytes = models.BigIntegerField(default=0)
    database_bytes = models.BigIntegerField(default=0)
    tables = models.IntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    proof_state = models.CharField(
        max_length=8, choices=ProofState.choices, default=ProofState.NONE
    )
    # A sentence: what was compared, or what was found.
    proof_message = models.TextField(blank=True, default="")
    proof_started_at = models.DateTimeField(null=True)
    proven_at = models.DateTimeField(null=True)

    objects = BackupQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name

    @property
    def status(self) -> BackupState:
        return BackupState(self.state)

    @property
    def proof(self) -> ProofState:
        return ProofState(self.proof_state)

    @property
    def is_being_made(self) -> bool:
        return self.state in (BackupState.WAITING, BackupState.RUNNING)

    @property
    def is_being_proven(self) -> bool:
        return self.proof_state in (ProofState.WAITING, ProofState.RUNNING)

    @property
    def is_open(self) -> bool:
        """Whether it, or its proof, is under way."""
        return self.is_being_made or self.is_being_proven

    @property
    def percent_done(self) -> int | None:
        """Of the step that runs now; None while its size is unknown."""
        return min(100, 100 * self.done // self.total) if self.total else None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()
