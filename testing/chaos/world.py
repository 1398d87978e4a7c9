"""The product that is broken: engines, web, worker and live of its own, in `.local/chaos`."""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from operations.local.account import Account
from operations.local.console import Console
from operations.local.errors import LocalError
from operations.local.folders import CLONE, Folders, write_private
from operations.local.home import Home
from operations.local.only_engines import start_engines
from operations.local.processes import Child, Launch
from operations.local.product import Product, read_procfile
from operations.local.supervisor import Supervisor, hold_lock
from testing.chaos.book import Line
from testing.chaos.stored import Stored, connected, read_stored

ORGANIZATIONS = ("birch", "maple", "rowan")
SERVICES = ("web", "live", "worker")
DATABASE = "switchboard"
PATIENCE_SECONDS = 240
SENDING_SECONDS = 600
# As a service manager does before it starts again what ended.
RESTART_PAUSE_SECONDS = 1.0


class World:
    """Everything that runs, and how to kill and start it. One thread, on purpose: see Loop."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.folders = supervisor.folders
        self.product = Product(supervisor)
        self.services: dict[str, Child] = {}
        self.sender: Child | None = None
        self.lines: list[Line] = []
        self.schemas: dict[str, str] = {}
        self.retell_url = f"http://127.0.0.1:{_free_port()}"

    # --- Beginning -------------------------------------------------------------------------------

    def begin(self) -> None:
        """Engines, database, organizations, processes; until the product answers."""
        ports = {"PORT": str(_free_port()), "LIVE_PORT": str(_free_port())}
        start_engines(self.supervisor, ports)
        self.folders.demo_loaded.touch()  # no demo here
        self.product.prepare_data()
        write_private(self.keys_file, "{}")
        self.start_retell([])
        for slug in ORGANIZATIONS:
            self._create_organization(slug)
        write_private(self.lines_file, json.dumps([vars(line) for line in self.lines]))
        for name in SERVICES:
            self.start(name)
        self.until("Waiting for the product", self.answers)

    def _create_organization(self, slug: str) -> None:
        key = f"key_{slug}_{secrets.token_hex(8)}"
        self.add_key(slug, key)
        created = self.manage_json(
            *("create_organization", "--name", slug.title(), "--slug", slug),
            *("--admin-email", f"{slug}@example.com", "--retell-api-key", key, "--json"),
        )
        self.schemas[slug] = created["schema"]
        url = urlsplit(created["webhook_url"])
        self.lines.append(Line(slug, url.netloc, url.path, key))

    def environment(self) -> dict[str, str]:
        return {
            **self.product.environment(),
            "DEBUG": "false",
            "LOG_LEVEL": "WARNING",
            "EMAIL_URL": "dummymail://",
            "RETELL_BASE_URL": self.retell_url,
            "RETELL_LIST_BUDGET": "1000",
            "RETELL_GENERAL_BUDGET": "5000",
            "REFUSE_FORGETFUL_DATABASE": "true",
            "BACKUP_DIR": str(self.folders.local / "backups"),
        }

    @property
    def lines_file(self) -> Path:
        return self.folders.local / "lines.json"

    @property
    def port(self) -> int:
        return int(self.product.environment()["PORT"])

    # --- Retell's API ----------------------------------------------------------------------------

    @property
    def keys_file(self) -> Path:
        return self.folders.local / "keys.json"

    def add_key(self, slug: str, key: str) -> None:
        """Retell's API reads the file at each request."""
        keys = json.loads(self.keys_file.read_text())
        write_private(self.keys_file, json.dumps({**keys, slug: key}))

    def start_retell(self, plans: list[Path]) -> None:
        """Retell's API, which knows the calls of these plans."""
        if "retell" in self.services:
            self.kill("retell")
        port = self.retell_url.rpartition(":")[2]
        command = [sys.executable, "-m", "testing.chaos.retell", port, str(self.keys_file)]
        self._launch("retell", [*command, *map(str, plans)])
        self.until("Waiting for Retell's API", lambda: _listens(int(port)))

    # --- Processes -------------------------------------------------------------------------------

    def start(self, name: str, more: Mapping[str, str] | None = None) -> None:
        """A process of the Procfile."""
        command = ["/bin/sh", "-c", read_procfile(CLONE / "Procfile")[name]]
        self._launch(name, command, more or {})

    def _launch(
        self, name: str, command: list[str], more: Mapping[str, str] | None = None
    ) -> Child:
        self.services[name] = self.run(name, command, more=more)
        return self.services[name]

    def run(
        self,
        name: str,
        command: list[str],
        *,
        folder: Path = CLONE,
        more: Mapping[str, str] | None = None,
    ) -> Child:
        """A process that is not started again when it ends."""
        return self.supervisor.loop.start(
            Launch(
                name,
                command,
                environment={**self.environment(), **(more or {})},
                folder=folder,
                log=self.folders.logs / f"{name}.log",
            )
        )

    def kill(self, *names: str) -> None:
        """`kill -9` of services or engines with all of their children, all at once."""
        children = [self.services.pop(name) for name in names if name in self.services]
        engines = self.supervisor.engines
        children += [engines[name][1] for name in names if name in engines]
        for process in [member for child in children for member in family(child)]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        for child in children:
            child.process.wait()
        self.supervisor.loop.end(children, patience=0)

    def start_engine(self, name: str) -> None:
        self.supervisor.start_engine(self.supervisor.engines[name][0])

    def engine(self, name: str) -> Child:
        return self.supervisor.engines[name][1]

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Run a management command to its end; what it printed."""
        name = f"manage-{arguments[0]}"
        log = self.folders.logs / f"{name}.log"
        log.unlink(missing_ok=True)
        child = self.run(name, [sys.executable, "manage.py", *arguments])
        self.until(f"Running {arguments[0]}", child.has_ended, quiet=True)
        self.supervisor.loop.forget(child)
        if check and child.process.returncode:
            raise LocalError(f"`manage.py {arguments[0]}` {child.ending()}; see {log}.")
        return log.read_text()

    def manage_json(self, *arguments: str) -> dict[str, Any]:
        """The JSON object that a command prints last."""
        *_, last = self.manage(*arguments).splitlines()
        found: dict[str, Any] = json.loads(last)
        return found

    # --- Traffic ---------------------------------------------------------------------------------

    def send(self, plan: Path, ledger: Path) -> None:
        """Begin to send; see `until_sent`."""
        files = (str(self.lines_file), str(plan), str(ledger))
        command = [sys.executable, "-m", "testing.chaos.sender", str(self.port), *files]
        self.sender = self.run("sender", command)

    def until_sent(self) -> None:
        """Begin no more calls; until every event of the others was acknowledged or given up."""
        if self.sender is None:
            return
        self.sender.process.send_signal(signal.SIGTERM)
        self.until("Sending", self.sender.has_ended, limit=SENDING_SECONDS, quiet=True)
        self.supervisor.loop.forget(self.sender)
        if self.sender.process.returncode:
            raise LocalError(f"The sender {self.sender.ending()}; see {self.sender.launch.log}.")
        self.sender = None

    # --- Time ------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Follow everything for a moment, and start again what ended without being killed."""
        self.supervisor.loop.turn()
        for name, child in list(self.services.items()):
            if child.has_ended():
                self.supervisor.loop.end([child], patience=0)
                launch = child.launch
                pause = time.monotonic() + RESTART_PAUSE_SECONDS
                while time.monotonic() < pause:
                    self.supervisor.loop.turn()
                self.services[name] = self.supervisor.loop.start(launch)

    def wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.turn()

    def wait_for_answers(self, seconds: float) -> None:
        """No longer than this; see `answers`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.answers():
            self.turn()

    def until(
        self,
        step: str,
        is_done: Callable[[], bool],
        *,
        limit: float = PATIENCE_SECONDS,
        quiet: bool = False,
    ) -> None:
        """Raises LocalError when it is not done in time."""
        end = time.monotonic() + limit
        while not is_done():
            if time.monotonic() > end:
                raise LocalError(f"{step}: not done after {limit:.0f} s.")
            self.turn()
        if not quiet:
            self.supervisor.console.say(f"{step}: done.")

    # --- Sabotage --------------------------------------------------------------------------------

    def make_forgetful(self) -> None:
        """PostgreSQL confirms commits before they are on disk, as it must not in production."""
        with self.database() as connection:
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("SELECT pg_reload_conf()")

    # --- Looking ---------------------------------------------------------------------------------

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/health", headers={"Host": f"localhost:{self.port}"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def database(self) -> contextlib.AbstractContextManager[psycopg.Connection[Any]]:
        return connected(self.environment()["DATABASE_ADMIN_URL"], DATABASE)

    def stored(self) -> dict[str, Stored]:
        with self.database() as connection:
            return {slug: read_stored(connection, it) for slug, it in self.schemas.items()}


@contextlib.contextmanager
def running_world(*, keep: bool) -> Iterator[World]:
    """A fresh one; everything ends with the block, and its folder goes unless it is to be kept."""
    folders = Folders(CLONE, CLONE / ".local" / "chaos")
    folders.create()
    supervisor = Supervisor(folders, Console(descriptor=2))
    with supervisor.running():
        _empty(folders)
        world = World(supervisor)
        world.begin()
        yield world
    if not keep:
        with hold_lock(folders):
            _empty(folders)
        shutil.rmtree(folders.local)


def _empty(folders: Folders) -> None:
    """Delete what an earlier run left, the lock and the records of processes aside."""
    if folders.engines.exists():
        account = Account.for_engines()
        Home.open(folders, account).remove(account)
    for path in folders.local.iterdir():
        if path not in (folders.lock, folders.records):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    folders.create()


def family(child: Child) -> list[psutil.Process]:
    """A process and all of its descendants."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(child.pid)
        return [process, *process.children(recursive=True)]
    return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
