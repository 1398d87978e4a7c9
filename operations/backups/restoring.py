"""Restoring a backup into an empty database, whose logins are ready.

Everything is made by the owner login, as it was before; grants and policies are the dump's, the
organizations' roles are made from the manifest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
from psycopg import sql

from operations.backups import manifest
from operations.backups.archive import Archive
from operations.backups.exceptions import BackupError
from operations.backups.making import counted
from operations.backups.manifest import ORGANIZATION, Connection, Manifest, Progress
from tenants.db.roles import role_name
from tenants.dumps import programs

# What an administrator sets, and `setup_database` has set already: the owner may not.
_ADMINISTRATORS = re.compile(
    r"^\d+; \d+ \d+ (ACL pg_catalog |(ACL|COMMENT) - SCHEMA public |SCHEMA - public )"
)
_ROLE_EXISTS = "SELECT 1 FROM pg_roles WHERE rolname = %s"
_IS_EMPTY = """
SELECT NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema')
AND NOT EXISTS (SELECT FROM pg_namespace WHERE starts_with(nspname, 'org_'))
"""


def connected(url: str) -> Connection:
    """Raises `BackupError` when the server cannot be reached."""
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise BackupError(f"The database server cannot be reached: {reason}") from error
    return connection


def is_empty(connection: Connection) -> bool:
    """Whether the database holds nothing of anybody's."""
    row = connection.execute(_IS_EMPTY, []).fetchone()
    return bool(row and row[0])


def make_roles(connection: Connection, expected: Manifest, *, database: str) -> list[str]:
    """Make the organizations' roles that are missing, as the owner login; their names."""
    made = []
    for suffix, role in expected.roles.items():
        name = role_name(database, suffix)
        if connection.execute(_ROLE_EXISTS, [name]).fetchone():
            continue
        login = sql.SQL("LOGIN" if "LOGIN" in role.attributes else "NOLOGIN")
        connection.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(name), login))
        made.append(name)
    for suffix, role in expected.roles.items():
        for member in role.members:
            if suffix.startswith(ORGANIZATION) or member.startswith(ORGANIZATION):
                _grant(connection, role_name(database, suffix), role_name(database, member))
    return made


def _grant(connection: Connection, role: str, member: str) -> None:
    names = sql.Identifier(role), sql.Identifier(member)
    connection.execute(sql.SQL("GRANT {} TO {}").format(*names))


def fill(archive: Archive, *, owner_url: str, size: int, progress: Progress) -> None:
    """Restore what it holds through the owner login. Raises `DumpError`; what was restored until
    then stays. The archive must have been checked to its end before, which told the `size` of its
    dump in bytes.
    """
    environment = programs.environment_of_url(owner_url)
    with connected(owner_url) as connection:
        version = connection.info.server_version
    programs.restore(
        lambda: counted(archive.dump(), lambda done: progress("Restoring", done, size)),
        wanted=lambda line: not _ADMINISTRATORS.match(line),
        environment=environment,
        server_version=version,
        in_one_transaction=False,  # that would take a lock for everything there is
    )
    with connected(owner_url) as connection:
        connection.execute("ANALYZE")


def compare(
    connection: Connection, expected: Manifest, *, progress: Progress, only: str = ""
) -> list[str]:
    """What differs between the restored database and what its manifest says, as sentences."""
    manifest.prepare_session(connection)
    with connection.transaction():
        found = manifest.measure(
            connection, app_version="", progress=progress, only=only, database=expected.database
        )
    return manifest.differences(expected, found)


def shortened(found: list[str]) -> Iterator[str]:
    yield from found[: manifest.MOST_DIFFERENCES]
    if len(found) > manifest.MOST_DIFFERENCES:
        yield f"And {len(found) - manifest.MOST_DIFFERENCES} more."
