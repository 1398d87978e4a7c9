"""Bringing everything back on a server that holds nothing of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from operations.backups import readiness, restoring, storage
from operations.backups.archive import Archive
from operations.backups.exceptions import BackupError
from operations.backups.manifest import ORGANIZATION, Manifest, Progress
from tenants.db.setup import Logins, prepare_database
from tenants.exceptions import DumpError

_MAJOR = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done; nothing was changed yet."""

    archive: Archive
    manifest: Manifest
    admin_url: str
    exists: bool  # the database, empty

    @property
    def text(self) -> str:
        found = self.manifest
        database = "the empty database" if self.exists else "the new database"
        return (
            f"{self.archive.name} holds everything as of {found.snapshot_at}:"
            f" {len(found.schemas)} organizations, {len(found.tables)} tables,"
            f" {found.rows:,} rows, made by version {found.app_version} on PostgreSQL"
            f" {found.server_version // _MAJOR}. It will be restored into {database}"
            f" {found.database} of the server in --admin-url, with its logins and roles."
        )


@dataclass(frozen=True, slots=True)
class Restored:
    """`problems`: what keeps the product from working on it, such as a missing key."""

    logins: Logins
    seconds: float
    problems: list[str]

    def as_json(self, plan: Plan) -> dict[str, Any]:
        return {
            "name": plan.archive.name,
            "snapshot_at": plan.manifest.snapshot_at,
            "database": plan.manifest.database,
            "tables": len(plan.manifest.tables),
            "rows": plan.manifest.rows,
            "seconds": round(self.seconds, 1),
            "problems": self.problems,
        }


def newest_of_everything() -> Archive | None:
    """The newest in the storage, without asking a database: those of one organization have its
    schema in their name."""
    whole = [name for name in storage.names() if f"-{ORGANIZATION}" not in name]
    return Archive.stored(whole[-1]) if whole else None


def plan(archive: Archive, admin_url: str) -> Plan:
    """Look whether it can be done. Raises `DumpError` for a file that is no whole backup of
    everything, or a server that will not do; nothing is changed."""
    expected = archive.manifest()
    if expected.only:
        raise BackupError(
            f"{archive.name} is of one organization only. Nothing was changed. It is restored into"
            " the running product, not into an empty server."
        )
    with restoring.connected(admin_url) as connection:
        version = connection.info.server_version
        if version // _MAJOR < expected.server_version // _MAJOR:
            raise BackupError(
                f"The server is PostgreSQL {version // _MAJOR}, older than the"
                f" {expected.server_version // _MAJOR} that was backed up. Nothing was changed."
            )
        exists = _exists(connection, expected.database)
    if exists:
        _refuse_filled(admin_url, expected.database)
    return Plan(archive, expected, admin_url, exists)


def _exists(connection: psycopg.Connection[Any], database: str) -> bool:
    query = "SELECT 1 FROM pg_database WHERE datname = %s"
    return connection.execute(query, [database]).fetchone() is not None


def _refuse_filled(admin_url: str, database: str) -> None:
    target = urlunsplit(urlsplit(admin_url)._replace(path=f"/{database}"))
    with restoring.connected(target) as connection:
        if not restoring.is_empty(connection):
            raise BackupError(
                f"The database {database} of this server is not empty. Nothing was changed: restore"
                " into another server, or drop that database first if you are sure."
            )


def restore(
    planned: Plan,
    *,
    known: dict[str, str],
    reset_passwords: bool,
    report: Callable[[str], None],
    progress: Progress,
) -> Restored:
    """Do it, and compare. Raises `DumpError` or `SetupError`; a database that was made for it is
    dropped again then, so that it can be repeated. `known`: addresses whose passwords stay."""
    began = time.monotonic()
    expected = planned.manifest
    progress("Reading the file", 0, 0)
    size = planned.archive.check()
    _check_again(planned)
    logins = prepare_database(
        planned.admin_url,
        database=expected.database,
        runtime_url=known.get("DATABASE_URL"),
        owner_url=known.get("DATABASE_OWNER_URL"),
        backup_url=known.get("DATABASE_BACKUP_URL"),
        reset_passwords=reset_passwords,
        report=report,
    )
    try:
        problems = _fill(planned, logins, size, progress)
    except (DumpError, psycopg.Error) as error:
        after = _take_back(planned)
        reason = str(error) if isinstance(error, DumpError) else "The database refused a statement."
        raise BackupError(f"{reason} {after}") from error
    return Restored(logins, time.monotonic() - began, problems)


def _check_again(planned: Plan) -> None:
    """Somebody may have thought about the question for long."""
    again = plan(planned.archive, planned.admin_url)
    if again.exists != planned.exists:
        raise BackupError(
            f"The database {planned.manifest.database} came or went meanwhile. Nothing was changed."
        )


def _fill(planned: Plan, logins: Logins, size: int, progress: Progress) -> list[str]:
    expected = planned.manifest
    with restoring.connected(logins.owner_url) as connection:
        restoring.make_roles(connection, expected, database=expected.database)
    restoring.fill(planned.archive, owner_url=logins.owner_url, size=size, progress=progress)
    with restoring.connected(logins.owner_url) as connection:
        found = restoring.compare(connection, expected, progress=progress)
        if found:
            raise BackupError(" ".join(restoring.shortened(found)))
        return readiness.problems(connection, expected)


def _take_back(planned: Plan) -> str:
    """Drop what was made; what that leaves, as a sentence."""
    name = planned.manifest.database
    if planned.exists or unquote(urlsplit(planned.admin_url).path.lstrip("/")) == name:
        return f"The database {name} is half restored: drop it, then repeat."
    with restoring.connected(planned.admin_url) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
    return f"The database {name} was dropped again; repeat with --reset-passwords."
