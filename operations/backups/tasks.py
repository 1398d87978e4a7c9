"""The worker's side of backups, in a queue of their own: they last."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections
from django.urls import reverse
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app

from accounts.models import User
from config import mail
from operations.backups import actions, making, proving, reporting, schedule
from operations.backups.exceptions import AlreadyRunning
from operations.backups.models import Backup, BackupState, ProofState
from operations.backups.reporting import Reporter
from operations.backups.schedule import BACKUP_QUEUE
from tenants.scope import door, platform


@app.periodic(cron="* * * * *")
@app.task(
    name="operations.backup_when_due",
    queue=BACKUP_QUEUE,
    queueing_lock="operations.backup_when_due",
    pass_context=True,
)
def backup_when_due(context: JobContext, timestamp: int) -> None:
    """Every minute: make the daily one when it is time, and prove what was not proven yet."""
    close_old_connections()
    if not schedule.is_configured():
        return
    _give_up_broken_off()
    if _is_busy():
        return
    now = timezone.now()
    if schedule.next_run(now) <= now:
        _make(making.new_backup(), context)
    with platform():
        newest = Backup.objects.whole().kept().stored_here().newest_first().first()
    if newest is not None and newest.proof_state == ProofState.NONE:
        _prove(newest, context)


def _is_busy() -> bool:
    with platform():
        running = Backup.objects.filter(state=BackupState.RUNNING)
        return (running | Backup.objects.filter(proof_state=ProofState.RUNNING)).exists()


def _give_up_broken_off() -> None:
    """What a killed worker left says that it runs; whoever gets the lock knows better."""
    with platform():
        running = Backup.objects.filter(state=BackupState.RUNNING).exists()
        proving_one = Backup.objects.filter(proof_state=ProofState.RUNNING).exists()
    with suppress(AlreadyRunning):
        if running:
            with making.reading_login(making.BACKUP_LOCK):
                making.give_up_broken_off()
    with suppress(AlreadyRunning):
        if proving_one:
            with making.reading_login(making.PROOF_LOCK):
                proving.give_up_broken_off()


@app.task(name=actions.MAKE_TASK, queue=BACKUP_QUEUE, pass_context=True)
def make_backup(context: JobContext, backup_id: str) -> None:
    """One that somebody asked for."""
    close_old_connections()
    with platform():
        backup = Backup.objects.filter(pk=UUID(backup_id), state=BackupState.WAITING).first()
    if backup is not None:
        _make(backup, context)


@app.task(name=actions.PROVE_TASK, queue=BACKUP_QUEUE, pass_context=True)
def prove_backup(context: JobContext, backup_id: str) -> None:
    close_old_connections()
    with platform():
        backup = Backup.objects.filter(pk=UUID(backup_id), proof_state=ProofState.WAITING).first()
    if backup is not None:
        _prove(backup, context)


def _make(backup: Backup, context: JobContext) -> None:
    try:
        making.make(backup, Reporter(should_stop=context.should_abort))
    except AlreadyRunning:
        return  # the one that runs is as good


def _prove(backup: Backup, context: JobContext) -> None:
    try:
        proving.prove(backup, Reporter(should_stop=context.should_abort))
    except AlreadyRunning:
        return


@app.task(name=reporting.TELL_TASK, retry=mail.MAIL_RETRY)
def tell_of_backup(backup_id: str) -> None:
    """To every super admin: a backup failed, or could not be proven."""
    with platform():
        backup = Backup.objects.get(pk=UUID(backup_id))
    with door():
        people = list(User.objects.filter(is_super_admin=True, is_active=True))
    proof_failed = backup.proof_state == ProofState.FAILED
    for person in people:
        tell(person, backup, proof_failed=proof_failed)


def tell(person: User, backup: Backup, *, proof_failed: bool) -> None:
    what = "could not be restored to prove it" if proof_failed else "failed"
    mail.send(
        "notice",
        to=person.email,
        language=person.language,
        context={
            "title": f"A backup {what}",
            "paragraphs": [
                f"The backup {backup.name} {what}.",
                backup.proof_message if proof_failed else backup.message,
                "Older backups are as they were. Look at it before the next one is due.",
            ],
            "action_label": "Open the backups",
            "action_url": settings.PUBLIC_BASE_URL
            + reverse("operations:backups", urlconf="config.urls_operator"),
        },
    )
