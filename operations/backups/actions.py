"""What super admins ask for on the page of backups; the worker does it."""

from __future__ import annotations

from django.db import transaction
from procrastinate.contrib.django import app as procrastinate

from accounts.models import User
from audit.actions import record
from audit.vocabulary import Action, Kind
from operations.backups import making
from operations.backups.exceptions import AlreadyRunning, BackupError
from operations.backups.models import Backup, BackupState, ProofState
from operations.backups.schedule import BACKUP_QUEUE
from tenants.scope import platform

MAKE_TASK = "operations.make_backup"
PROVE_TASK = "operations.prove_backup"

ASKED = Action("operations.backup_asked", "asked for the backup {object}", Kind.CREATE)
PROOF_ASKED = Action("operations.backup_proof_asked", "asked to prove the backup {object}")


def ask_for_backup(user: User) -> Backup:
    """Queue one. Raises `BackupError` when one waits or runs already, or none could be made."""
    with platform(), transaction.atomic():
        if Backup.objects.filter(state__in=(BackupState.WAITING, BackupState.RUNNING)).exists():
            raise AlreadyRunning("A backup is being made already. Nothing was started.")
        backup = making.new_backup(asked_by=user.display_name)
        record(ASKED, backup)
        procrastinate.configure_task(MAKE_TASK, queue=BACKUP_QUEUE).defer(backup_id=str(backup.pk))
    return backup


def ask_for_proof(backup: Backup) -> None:
    """Queue its proof. Raises `BackupError` when its file is gone or a proof is under way."""
    with platform(), transaction.atomic():
        asked = (
            Backup.objects.kept()
            .filter(pk=backup.pk)
            .exclude(proof_state__in=(ProofState.WAITING, ProofState.RUNNING))
            .update(proof_state=ProofState.WAITING, proof_message="")
        )
        if not asked:
            raise BackupError("It is being proven already, or its file is gone.")
        record(PROOF_ASKED, backup)
        procrastinate.configure_task(PROVE_TASK, queue=BACKUP_QUEUE).defer(backup_id=str(backup.pk))
