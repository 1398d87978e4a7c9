"""Proving a backup: only what was restored and compared is known to be one."""

from __future__ import annotations

import logging

from django.conf import settings
from django.utils import timezone

from operations.backups import making, manifest, readiness, restoring, storage
from operations.backups.archive import Archive
from operations.backups.exceptions import AlreadyRunning, BackupError, Interrupted
from operations.backups.manifest import Manifest, Progress
from operations.backups.models import Backup, BackupState, ProofState
from operations.backups.reporting import Reporter, sentence, tell
from operations.backups.scratch import scratch
from tenants.scope import platform

logger = logging.getLogger(__name__)


def prove(backup: Backup, reporter: Reporter) -> None:
    """Restore it, compare, and write the result down. Raises `BackupError` when it is no good
    backup, after telling super admins."""
    try:
        with making.reading_login(making.PROOF_LOCK) as connection:
            give_up_broken_off()
            reporter.begin_proof(backup)
            database_id = manifest.database_id(connection)
            with Archive.stored(backup.name).fetched() as archive:
                found = prove_archive(archive, database_id, reporter.step)
    except AlreadyRunning:
        with platform():
            Backup.objects.filter(pk=backup.pk, proof_state=ProofState.WAITING).update(
                proof_state=ProofState.NONE
            )
        raise
    except Interrupted:
        reporter.end_proof(backup, state=ProofState.NONE, message="")
        raise
    except Exception as error:
        message = sentence(error, "proving a backup")
        reporter.end_proof(backup, state=ProofState.FAILED, message=message)
        tell(backup)
        raise BackupError(message) from error
    reporter.end_proof(backup, state=ProofState.PROVEN, message=found)


def give_up_broken_off() -> None:
    """Rows of proofs whose process died; called by who holds the lock, so none runs."""
    with platform():
        dead = list(Backup.objects.filter(proof_state=ProofState.RUNNING))
    for backup in dead:
        Reporter().end_proof(backup, state=ProofState.FAILED, message=making.BROKEN_OFF)
        tell(backup)


def prove_archive(archive: Archive, database_id: str, progress: Progress) -> str:
    """Restore and compare; a sentence about what was. Raises `DumpError` saying what is wrong."""
    began = timezone.now()
    label = archive.label()
    if label.database != database_id:
        raise BackupError(f"{archive.name} is of another database than this one's.")
    progress("Reading the file", 0, 0)
    expected = archive.manifest()
    size = archive.check()
    with scratch(expected) as place:
        restoring.fill(archive, owner_url=place.owner_url, size=size, progress=progress)
        found = _look(place.owner_url, expected, progress)
        where = "a server of its own" if place.is_own_server else "a scratch database"
    if found:
        raise BackupError(" ".join(restoring.shortened(found)))
    seconds = (timezone.now() - began).total_seconds()
    return (
        f"Restored into {where} in {seconds:.0f} s: {len(expected.tables)} tables with"
        f" {expected.rows:,} rows, roles, policies and sequences are as at the backup."
    )


def _look(owner_url: str, expected: Manifest, progress: Progress) -> list[str]:
    with restoring.connected(owner_url) as connection:
        differing = restoring.compare(connection, expected, progress=progress, only=expected.only)
        if differing or expected.only:
            return differing
        return readiness.problems(connection, expected)


def by_name(name: str) -> Backup:
    """The row of a stored backup; made when the table knows nothing of the file. Raises
    `BackupError` when there is no such file."""
    if name not in storage.names():
        raise BackupError(f"There is no {name} in {settings.BACKUP_STORAGE}.")
    with platform():
        backup, _ = Backup.objects.get_or_create(
            name=name,
            defaults={"state": BackupState.DONE, "storage": str(settings.BACKUP_STORAGE)},
        )
    return backup
