"""Embedded PostgreSQL and Valkey: how each is prepared, started, asked and stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import psutil
import psycopg

from operations.local.account import Account
from operations.local.binaries import POSTGRESQL_MAJOR, Binaries
from operations.local.errors import LocalError
from operations.local.folders import Folders
from operations.local.home import Home
from operations.local.loop import Loop
from operations.local.processes import Launch
from operations.local.records import still_runs

DATABASE_LOGIN = "postgres"
START_SECONDS = 60
TAIL_LINES = 5
READY = b"+OK\r\n+PONG\r\n"  # Valkey's answer to a password and a ping
LOCK_TOLERANCE_SECONDS = 5


class Engine(Protocol):
    name: ClassVar[str]
    variable: ClassVar[str]  # the environment variable that gets its address
    stop_signal: ClassVar[int]

    @property
    def url(self) -> str: ...

    def running(self) -> psutil.Process | None:
        """A server that holds our data though no record of it is left."""

    def prepare(self, loop: Loop) -> None:
        """Everything before the start that takes no running server."""

    def launch(self) -> Launch: ...

    def is_ready(self) -> bool: ...


@dataclass(frozen=True)
class Site:
    """What both engines need to know about this clone."""

    folders: Folders
    account: Account
    home: Home
    binaries: Binaries

    @classmethod
    def open(cls, folders: Folders) -> Site:
        account = Account.for_engines()
        home = Home.open(folders, account)
        binaries = Binaries.installed()
        if not binaries.usable_by(account):
            binaries = binaries.copied_to(home.data_parent(folders, account))
        return cls(folders, account, home, binaries)

    def log(self, name: str) -> Path:
        return self.folders.logs / f"{name}.log"


class PostgreSQL:
    name: ClassVar[str] = "postgres"
    variable: ClassVar[str] = "DATABASE_ADMIN_URL"
    stop_signal: ClassVar[int] = signal.SIGINT  # "fast": ends sessions, writes everything

    def __init__(self, site: Site, *, durable: bool) -> None:
        self.site = site
        self.durable = durable
        self.parent = site.home.data_parent(site.folders, site.account)
        self.data = self.parent / "data"

    @property
    def url(self) -> str:
        home = self.site.home
        login = f"{DATABASE_LOGIN}:{home.database_password}"
        return f"postgresql://{login}@/postgres?host={home.sockets}"

    def prepare(self, loop: Loop) -> None:
        if not self.durable and not self._was_closed_well():
            shutil.rmtree(self.data)
        if not self.data.exists():
            self._initialize(loop)
        self._check_version()
        self._drop_foreign_locks()

    def _was_closed_well(self) -> bool:
        """Whether data written without fsync can be used again."""
        version = self.data / "PG_VERSION"
        if not version.exists() or version.read_text().strip() != POSTGRESQL_MAJOR:
            return not self.data.exists()
        return not (self.data / "postmaster.pid").exists()

    def _initialize(self, loop: Loop) -> None:
        """Make the cluster beside its place and move it there, so that a half-made one never is."""
        fresh = self.parent / "data.new"
        password = self.parent / "password"
        shutil.rmtree(fresh, ignore_errors=True)
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(self.site.home.database_password)
        self.site.account.own(password)
        try:
            self._initdb(loop, fresh, password)
        finally:
            password.unlink()
        fresh.rename(self.data)

    def _initdb(self, loop: Loop, folder: Path, password: Path) -> None:
        command = [
            str(self.site.binaries.postgresql / "initdb"),
            f"--pgdata={folder}",
            f"--pwfile={password}",
            f"--username={DATABASE_LOGIN}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        launch = Launch(
            "initdb",
            command if self.durable else [*command, "--no-sync"],
            environment=engine_environment(),
            account=self.site.account,
            log=self.site.log("initdb"),
        )
        child = loop.complete("Making the database's folder", launch)
        if child.process.returncode:
            raise LocalError(
                f"PostgreSQL could not make its data folder ({last_words(launch.log)}); nothing "
                f"else was changed: see {launch.log}."
            )

    def _check_version(self) -> None:
        try:
            version = (self.data / "PG_VERSION").read_text().strip()
        except OSError:
            raise LocalError(
                f"{self.data} is not a complete PostgreSQL data folder (no PG_VERSION); it was "
                "left as it is: restore it, or run `make clean-local` to start anew without it."
            ) from None
        if version != POSTGRESQL_MAJOR:
            raise LocalError(
                f"{self.data} was made by PostgreSQL {version} and this is {POSTGRESQL_MAJOR}; it "
                f"was left as it is: dump it with PostgreSQL {version} first if you need it, then "
                "run `make clean-local` to start anew."
            )

    def _drop_foreign_locks(self) -> None:
        """Remove lock files whose process is not our server; PostgreSQL would refuse to start.

        It refuses while anything has that process id: another process, or the server that was
        killed and that no parent has collected yet. Its own check for sessions left stays.
        """
        if self.running() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            for socket_file in Path(self.site.home.sockets).glob(".s.PGSQL.*"):
                socket_file.unlink()

    def running(self) -> psutil.Process | None:
        """The server that holds the data folder, by the id and start time in its lock file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            process = psutil.Process(int(lines[0]))
            same = abs(process.create_time() - int(lines[2])) < LOCK_TOLERANCE_SECONDS
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return process if same and still_runs(process) else None

    def launch(self) -> Launch:
        options = [f"--{name}={value}" for name, value in self._settings().items()]
        command = [str(self.site.binaries.postgresql / "postgres"), "-D", str(self.data), *options]
        return Launch(
            self.name,
            command,
            environment=engine_environment(),
            account=self.site.account,
            stop_signal=self.stop_signal,
            log=self.site.log(self.name),
            ends_last=True,
        )

    def _settings(self) -> dict[str, str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.site.home.sockets,
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "max_wal_size": "2GB",
            "max_locks_per_transaction": "256",  # many schemas of many tables each
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%u@%d ",
        }
        if not self.durable:
            settings |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
        return settings

    def is_ready(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if "authentication failed" in str(error):
                raise LocalError(
                    f"The database does not accept the password in {self.site.folders.engines}; "
                    "both were left as they are: restore the file that belongs to the data, or "
                    "run `make clean-local` to start anew without the stored data."
                ) from None
            return False
        return True


class Valkey:
    name: ClassVar[str] = "valkey"
    variable: ClassVar[str] = "REDIS_URL"
    stop_signal: ClassVar[int] = signal.SIGTERM

    def __init__(self, site: Site) -> None:
        self.site = site
        self.socket = Path(site.home.sockets) / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://:{self.site.home.cache_password}@{self.socket}?db=0"

    def running(self) -> psutil.Process | None:
        return None  # it holds nothing

    def prepare(self, _loop: Loop) -> None:
        self.socket.unlink(missing_ok=True)

    def launch(self) -> Launch:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "requirepass": self.site.home.cache_password,
            "dir": self.site.home.sockets,
            "save": '""',  # losing it loses nothing
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "allkeys-lru",
        }
        return Launch(
            self.name,
            [str(self.site.binaries.valkey), "-"],
            environment=engine_environment(),
            account=self.site.account,
            stop_signal=self.stop_signal,
            log=self.site.log(self.name),
            ends_last=True,
            # Settings go in through the standard input: arguments show in the process list.
            standard_input="".join(f"{key} {value}\n" for key, value in settings.items()),
        )

    def is_ready(self) -> bool:
        hello = f"AUTH {self.site.home.cache_password}\r\nPING\r\n".encode()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(str(self.socket))
                connection.sendall(hello)
                return connection.makefile("rb").read(len(READY)) == READY
            except OSError:
                return False


def embedded_engines(site: Site, *, durable: bool, given: Mapping[str, str]) -> list[Engine]:
    """The engines to start: those whose address is not given from outside."""
    engines: list[Engine] = []
    if "DATABASE_ADMIN_URL" not in given:
        engines.append(PostgreSQL(site, durable=durable))
    if "REDIS_URL" not in given:
        engines.append(Valkey(site))
    return engines


def engine_environment() -> dict[str, str]:
    """Nothing of the caller's: PGPORT and the like would change where the server listens."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def last_words(log: Path) -> str:
    """What a program said before it ended: its last error, or else its last line."""
    lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    errors = [line for line in lines[-TAIL_LINES:] if "FATAL:" in line or "error:" in line]
    return (errors or lines)[-1].rpartition("FATAL:")[2].strip().rstrip(".")
