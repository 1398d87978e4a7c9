"""Reads of backups, named for who needs them. They work on the platform (`tenants.scope`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from tenants.scope import platform

if TYPE_CHECKING:
    from operations.backups.models import Backup


class BackupQuerySet(models.QuerySet["Backup"]):
    def whole(self) -> BackupQuerySet:
        """Of everything, not of one organization."""
        return self.filter(organization_id=None)

    def kept(self) -> BackupQuerySet:
        """Whose file is there."""
        return self.filter(state="done")

    def stored_here(self) -> BackupQuerySet:
        """In the storage of this process; another one's files are not in reach."""
        return self.filter(storage=str(settings.BACKUP_STORAGE))

    def open(self) -> BackupQuerySet:
        return self.filter(
            models.Q(state__in=("waiting", "running"))
            | models.Q(proof_state__in=("waiting", "running"))
        )

    def newest_first(self) -> BackupQuerySet:
        return self.order_by("-snapshot_at", "-id")


def latest_backup() -> Backup | None:
    """The newest good backup of everything: `snapshot_at` is its age, `proven_at` and `proof`
    whether it was restored, `size_bytes` its size. Whatever is there is encrypted: nothing writes
    one without `BACKUP_KEY`."""
    from operations.backups.models import Backup

    with platform():
        return Backup.objects.whole().kept().newest_first().first()


def latest_proven() -> Backup | None:
    """The newest one that was restored and compared."""
    from operations.backups.models import Backup

    with platform():
        return Backup.objects.whole().kept().filter(proof_state="proven").newest_first().first()


def latest_attempt() -> Backup | None:
    """The newest one that ended, well or not."""
    from operations.backups.models import Backup

    with platform():
        return Backup.objects.whole().filter(state__in=("done", "failed", "removed")).first()
