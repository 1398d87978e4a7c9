"""How far a backup or its proof is, and how it ended: in its row, in the log, by mail."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from django.db import DatabaseError, transaction
from django.utils import timezone
from procrastinate.contrib.django import app as procrastinate

from audit.actions import record
from audit.vocabulary import Action, Kind
from operations.backups.exceptions import AlreadyRunning, BackupError, Interrupted
from operations.backups.models import Backup, BackupState, ProofState
from tenants.exceptions import DumpError
from tenants.scope import platform

logger = logging.getLogger(__name__)

TELL_TASK = "operations.tell_of_backup"
SAVE_EVERY_SECONDS = 0.5

MADE = Action("operations.backup_made", "made the backup {object}", Kind.CREATE)
FAILED = Action("operations.backup_failed", "could not make the backup {object}")
PROVEN = Action("operations.backup_proven", "proved the backup {object} by restoring it")
NOT_PROVEN = Action("operations.backup_not_proven", "could not prove the backup {object}")

Show = Callable[[str, int, int], None]


class Reporter:
    """Keeps a backup's row up to date while it is made or proven; saves at most twice a second.

    `show` hears every step as well, for a terminal. `should_stop`: whether the worker ends.
    """

    def __init__(
        self, *, show: Show | None = None, should_stop: Callable[[], bool] = lambda: False
    ) -> None:
        self._show = show
        self._should_stop = should_stop
        self._backup: Backup | None = None
        self._saved_at = 0.0

    def begin(self, backup: Backup) -> None:
        backup.state, backup.started_at = BackupState.RUNNING, timezone.now()
        self._start(backup, "state", "started_at")

    def begin_proof(self, backup: Backup) -> None:
        backup.proof_state, backup.proof_started_at = ProofState.RUNNING, timezone.now()
        backup.proof_message = ""
        self._start(backup, "proof_state", "proof_started_at", "proof_message")

    def _start(self, backup: Backup, *fields: str) -> None:
        self._backup = backup
        with platform():
            backup.save(update_fields=fields)

    def step(self, name: str, done: int, total: int) -> None:
        """`done` of `total`, 0 while unknown. Raises `BackupError` when the worker is to end."""
        if self._should_stop():
            raise Interrupted("The worker was stopped meanwhile.")
        if self._show:
            self._show(name, done, total)
        if self._backup is None or time.monotonic() - self._saved_at < SAVE_EVERY_SECONDS:
            return
        self._saved_at = time.monotonic()
        with platform():
            Backup.objects.filter(pk=self._backup.pk).update(step=name, done=done, total=total)

    def end(self, backup: Backup, *, state: BackupState) -> None:
        """It is made, or it failed."""
        backup.state, backup.finished_at = state, timezone.now()
        with platform(), transaction.atomic():
            _close(backup)
            record(MADE if state == BackupState.DONE else FAILED, backup)

    def end_proof(self, backup: Backup, *, state: ProofState, message: str) -> None:
        backup.proof_state, backup.proof_message = state, message
        backup.proven_at = timezone.now() if state == ProofState.PROVEN else None
        with platform(), transaction.atomic():
            _close(backup)
            if state != ProofState.NONE:
                record(PROVEN if state == ProofState.PROVEN else NOT_PROVEN, backup)

    @contextmanager
    def failing(self, backup: Backup, doing: str) -> Iterator[None]:
        """Around making a backup: what fails is written down, told, and raised as `BackupError`.

        That another one runs, or that the worker ends, is no failure, so nobody is told.
        """
        try:
            yield
        except AlreadyRunning:
            with platform():
                backup.delete()
            raise
        except Exception as error:
            message = sentence(error, doing)
            backup.message = message
            _give_up(lambda: self.end(backup, state=BackupState.FAILED))
            if not isinstance(error, Interrupted):
                _give_up(lambda: tell(backup))
            raise BackupError(message) from error


def _close(backup: Backup) -> None:
    backup.step, backup.done, backup.total = "", 0, 0
    backup.save(force_update=True)


def tell(backup: Backup) -> None:
    """Mail every super admin."""
    with platform():
        procrastinate.configure_task(TELL_TASK).defer(backup_id=str(backup.pk))


def _give_up(write: Callable[[], None]) -> None:
    """What is written of a failure, where the database can have caused it."""
    try:
        write()
    except DatabaseError:
        logger.exception("the failure could not be written down")


def sentence(error: Exception, doing: str) -> str:
    """What to tell of it; an error that nobody foresaw stands whole in the log only."""
    if isinstance(error, DumpError):
        logger.error("a backup failed", extra={"cause": str(error)})
        return str(error)
    logger.error("a backup failed", exc_info=error)
    if isinstance(error, psycopg.OperationalError):
        return "The database could not be reached, or broke the connection off."
    return f"An error of {doing} on our side, of the kind {type(error).__name__}; see the log."
