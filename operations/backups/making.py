"""Making a backup: one snapshot, from which the manifest is counted and the dump is taken."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
from django.conf import settings
from django.utils import timezone

from operations.backups import archive, keeping, manifest, storage
from operations.backups.exceptions import AlreadyRunning, BackupError
from operations.backups.manifest import Connection, Manifest
from operations.backups.models import Backup, BackupState
from operations.backups.reporting import Reporter, tell
from tenants.dumps import programs
from tenants.dumps.sealing import Label
from tenants.models import Organization
from tenants.scope import platform

logger = logging.getLogger(__name__)

# One backup and one proof at a time; PostgreSQL lets go of them when the connection ends.
BACKUP_LOCK, PROOF_LOCK = 7_316_001, 7_316_002
# A table that a migration holds is waited for this long.
LOCK_WAIT = "60s"
BROKEN_OFF = "It was broken off: its process ended, or the database went away."


def new_backup(organization: Organization | None = None, *, asked_by: str = "") -> Backup:
    """A row that waits to be made."""
    now = timezone.now()
    with platform():
        backup = Backup(
            organization_id=organization.pk if organization else None,
            organization_name=organization.name if organization else "",
            asked_by=asked_by,
            storage=str(settings.BACKUP_STORAGE),
        )
        of = organization.schema_name if organization else settings.DATABASES["default"]["NAME"]
        backup.name = f"{now:%Y%m%dT%H%M%SZ}-{of}-{backup.pk.hex[-12:]}{storage.SUFFIX}"
        backup.save(force_insert=True)
    return backup


def check_settings() -> None:
    """Raises `BackupError` naming the first setting that is missing."""
    if not settings.BACKUP_KEY:
        raise BackupError(
            "BACKUP_KEY is not set, so nothing can be encrypted. Nothing was written. Set it to"
            " the base64 of 32 bytes, and keep a copy away from the backups."
        )
    if not settings.DATABASE_BACKUP_URL:
        raise BackupError(
            "DATABASE_BACKUP_URL is not set, so the database cannot be read as a whole."
            " manage.py setup_database makes that login and writes its address."
        )


@contextmanager
def reading_login(lock: int) -> Iterator[Connection]:
    """A connection of the backup login that holds `lock`. Raises `AlreadyRunning` when another one
    does, and `BackupError` when there is no such login or it may not read everything."""
    check_settings()
    with psycopg.connect(
        settings.DATABASE_BACKUP_URL, autocommit=True, connect_timeout=10
    ) as connection:
        manifest.prepare_session(connection)
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [lock]).fetchone()
        if not row or not row[0]:
            raise AlreadyRunning("Another one is running. Nothing was started.")
        yield connection


_MAY_READ = """
SELECT rolsuper OR (rolbypassrls AND pg_has_role(rolname, 'pg_read_all_data', 'USAGE'))
FROM pg_roles WHERE rolname = current_user
"""


def _check_login(connection: Connection) -> None:
    """Row-level security would leave rows out without an error."""
    row = connection.execute(_MAY_READ).fetchone()
    if not row or not row[0]:
        raise BackupError(
            "The backup login may not read everything. Run manage.py setup_database with a"
            " superuser's login: it needs pg_read_all_data and BYPASSRLS."
        )


def make(backup: Backup, reporter: Reporter) -> None:
    """Make it, and clean up behind it. Raises `BackupError`; then the row says why, older backups
    are as they were, and super admins are told."""
    with reporter.failing(backup, "making a backup"), reading_login(BACKUP_LOCK) as connection:
        give_up_broken_off()
        _check_login(connection)
        reporter.begin(backup)
        storage.remove_parts()
        _make(backup, connection, reporter)
    try:
        keeping.clean_up(backup.organization_id)
    except BackupError:
        logger.exception("old backups could not be removed")


def give_up_broken_off() -> None:
    """Rows of backups whose process died; called by who holds the lock, so none runs."""
    with platform():
        dead = list(Backup.objects.filter(state=BackupState.RUNNING))
    for backup in dead:
        backup.message = BROKEN_OFF
        Reporter().end(backup, state=BackupState.FAILED)
        tell(backup)


def _make(backup: Backup, connection: Connection, reporter: Reporter) -> None:
    only = ""
    if backup.organization_id is not None:
        with platform():
            only = Organization.objects.get(pk=backup.organization_id).schema_name
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    snapshot = _exported(connection)
    found = manifest.measure(
        connection, app_version=settings.RELEASE, progress=reporter.step, only=only
    )
    if only and not found.tables:
        raise BackupError(f"The schema {only} is missing: there is nothing to back up.")
    size = storage.put(backup.name, _sealed(backup, found, snapshot, reporter))
    connection.execute("ROLLBACK")
    _note(backup, found, size)
    reporter.end(backup, state=BackupState.DONE)


def _exported(connection: Connection) -> str:
    """The snapshot, by a name under which `pg_dump` can work in it as well."""
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None
    return str(row[0])


def _sealed(backup: Backup, found: Manifest, snapshot: str, reporter: Reporter) -> Iterator[bytes]:
    arguments = [f"--snapshot={snapshot}", f"--lock-wait-timeout={LOCK_WAIT}"]
    if found.only:
        arguments.append(f"--schema={found.only}")
    dump = programs.dump(
        *arguments, environment=programs.environment_of_url(settings.DATABASE_BACKUP_URL)
    )
    label = Label(
        kind=archive.KIND,
        dump_id=backup.name.removesuffix(storage.SUFFIX),
        database=found.database_id,
        subject=str(backup.organization_id or ""),
        made_at=found.snapshot_at,
    )
    expected = _size_before(backup)
    told = counted(dump, lambda done: reporter.step("Dumping", done, expected))
    return archive.seal(label, found, told)


def counted(chunks: Iterator[bytes], tell: Callable[[int], object]) -> Iterator[bytes]:
    """The chunks; `tell` hears how many bytes that were so far."""
    total = 0
    for chunk in chunks:
        total += len(chunk)
        tell(total)
        yield chunk


def _size_before(backup: Backup) -> int:
    """What the one before came to; 0 when there is none."""
    with platform():
        before = Backup.objects.filter(organization_id=backup.organization_id).kept().first()
    return before.size_bytes if before else 0


def _note(backup: Backup, found: Manifest, size: int) -> None:
    backup.snapshot_at = datetime.fromisoformat(found.snapshot_at)
    backup.size_bytes = size
    backup.database_bytes = found.database_bytes
    backup.tables = len(found.tables)
    backup.rows = found.rows
