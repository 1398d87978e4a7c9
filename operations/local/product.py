"""`make run`: the engines, the steps that prepare the data, and the processes of the Procfile."""

from __future__ import annotations

import http.client
import json
import math
import os
import shlex
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from operations.local.console import Console
from operations.local.environment import (
    addresses,
    demo_retell,
    read_environment,
    without_libpq_settings,
    write_environment,
)
from operations.local.errors import LocalError
from operations.local.folders import Folders
from operations.local.only_engines import start_engines
from operations.local.processes import Child, Launch
from operations.local.supervisor import Supervisor

SERVICES = ("feed", "web", "live", "worker", "retell")  # in the order in which they are stopped
LONGEST_PAUSE_SECONDS = 30
CALM_SECONDS = 60
FIRST_STARTS = 3  # of web, which has never answered yet
HEALTH_SECONDS = 120


def run_product(clone: Path, console: Console) -> None:
    """Run everything until a signal; raises LocalError when it cannot."""
    folders = Folders.for_run(clone)
    folders.create()
    settings = addresses(os.environ)
    supervisor = Supervisor(folders, console)
    began = time.monotonic()
    with supervisor.running():
        check_ports(settings)
        start_engines(supervisor, os.environ)
        product = Product(supervisor)
        product.settle_demo_retell()
        product.prepare_data()
        product.serve()
        console.say(product.welcome(time.monotonic() - began))
        while True:
            product.turn()


def check_ports(settings: Mapping[str, str]) -> None:
    for name in ("PORT", "LIVE_PORT"):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", int(settings[name])))
            except OSError as error:
                raise LocalError(
                    f"Port {settings[name]} ({name}) cannot be used: {error.strerror}; nothing was "
                    f"started: end what uses it, or choose another, such as `make run {name}="
                    f"{int(settings[name]) + 100}`."
                ) from None


@dataclass
class Service:
    """A process that is started again when it ends."""

    launch: Launch
    child: Child | None = None
    began: float = 0
    failures: int = 0
    next_start: float = 0
    over: bool = False

    def count_failure(self) -> float:
        """Returns the pause before the next start: 1, 2, 4 and so on seconds."""
        now = time.monotonic()
        self.failures = 1 if now - self.began > CALM_SECONDS else self.failures + 1
        pause = min(2.0 ** (self.failures - 1), LONGEST_PAUSE_SECONDS)
        self.next_start = now + pause
        return pause


@dataclass
class Product:
    """The Django side: steps that end, services that do not."""

    supervisor: Supervisor
    services: list[Service] = field(default_factory=list)
    healthy: bool = False

    @property
    def folders(self) -> Folders:
        return self.supervisor.folders

    def environment(self) -> dict[str, str]:
        """What every process gets: the file decides, so that `manage.py` beside it agrees."""
        caller = without_libpq_settings(os.environ)
        path = f"{Path(sys.executable).parent}{os.pathsep}{caller.get('PATH', os.defpath)}"
        ours = {"PATH": path, "HOST": "127.0.0.1", "PYTHONUNBUFFERED": "1"}
        for name in ("DATABASE_URL", "MAKELEVEL", "MAKEFLAGS"):
            caller.pop(name, None)  # DATABASE_URL was the login that makes the others
        return {**caller, **ours, **read_environment(self.folders.environment)}

    def _launch(self, name: str, command: list[str]) -> Launch:
        return Launch(
            name,
            command,
            environment=self.environment(),
            folder=self.folders.clone,
            log=self.folders.logs / f"{name}.log",
            shown=True,
        )

    def settle_demo_retell(self) -> None:
        file = self.folders.environment
        values = read_environment(file)
        write_environment(file, {**values, **demo_retell(values)})

    def prepare_data(self) -> None:
        admin_url = read_environment(self.folders.environment)["DATABASE_ADMIN_URL"]
        file = str(self.folders.environment)
        arguments = ["--admin-url", admin_url, "--environment-file", file]
        if not os.environ.get("DATABASE_URL"):  # our own engine: nobody else uses its logins
            arguments.append("--reset-passwords")
        self._step("setup_database", *arguments)
        self._step("release")
        if not self.folders.demo_loaded.exists():
            self._step("load_demo")
            self.folders.demo_loaded.touch()

    def _step(self, command: str, *arguments: str) -> None:
        """Run a management command to its end."""
        launch = self._launch(command, [sys.executable, "manage.py", command, *arguments])
        child = self.supervisor.loop.complete(f"Running {command}", launch)
        if child.process.returncode:
            raise LocalError(
                f"`manage.py {command}` {child.ending()}; everything was stopped and the data was "
                f"kept: see the lines above or {launch.log}."
            )

    def serve(self) -> None:
        """Start the services and wait until the product answers."""
        commands = read_procfile(self.folders.clone / "Procfile")
        for name, command in (("feed", "demo_feed"), ("retell", "demo_retell")):
            commands[name] = f"exec {shlex.quote(sys.executable)} manage.py {command}"
        for name in SERVICES:
            launch = self._launch(name, ["/bin/sh", "-c", commands[name]])
            # Web has the processors to itself until it answers; the others are then up in a moment.
            self.services.append(Service(launch, next_start=0 if name == "web" else math.inf))
        self._start_due()
        self.supervisor.loop.wait("Waiting for the product", self._answers, limit=HEALTH_SECONDS)
        self.healthy = True
        for service in self.services:
            service.next_start = 0
        self._start_due()

    def turn(self) -> None:
        """Follow everything for a moment, and start again what has ended."""
        self.supervisor.loop.turn()
        self.supervisor.restart_ended_engines()
        for service in self.services:
            if service.child and service.child.has_ended():
                self._note_end(service, service.child)
        self._start_due()

    def _start_due(self) -> None:
        now = time.monotonic()
        for service in self.services:
            if not service.child and not service.over and service.next_start <= now:
                service.began = now
                service.child = self.supervisor.loop.start(service.launch)

    def _note_end(self, service: Service, child: Child) -> None:
        self.supervisor.loop.end([child], patience=0)  # and what it left running
        service.child = None
        if child.name == "feed" and child.process.returncode == 0:
            service.over = True  # there is no demo to feed
            return
        pause = service.count_failure()
        if child.name == "web" and not self.healthy and service.failures >= FIRST_STARTS:
            raise LocalError(
                f"{child.name} {child.ending()}, as it did {service.failures} times; everything "
                f"was stopped and the data was kept: see {child.launch.log}."
            )
        self.supervisor.console.say(
            f"{child.name} {child.ending()}; starting it again in {pause:.0f} s."
        )

    def _answers(self) -> bool:
        self.turn()
        port = int(self.environment()["PORT"])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/health", headers={"Host": f"localhost:{port}"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def welcome(self, seconds: float) -> str:
        environment = self.environment()
        url = environment["PUBLIC_BASE_URL"]
        lines = ["", f"Switchboard runs at {url} (ready in {seconds:.0f} s). Ctrl-C ends it."]
        lines += sign_ins(self.folders.demo)
        if not environment.get("EMAIL_URL"):  # else it goes there; and only this machine may read
            port = environment["PORT"]
            lines.append(f"  http://localhost:{port}/dev/mailbox/  the mail it sends, kept here")
        return "\n".join([*lines, ""])


def sign_ins(path: Path) -> list[str]:
    """How to sign in, as the demo left it."""
    try:
        entries = json.loads(path.read_text())
        return [
            f"  {entry['url']}  {entry['email']}  password {entry['password']}  {entry['note']}"
            for entry in entries
        ]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def read_procfile(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    pairs = (line.partition(":") for line in lines if ":" in line and not line.startswith("#"))
    return {name.strip(): command.strip() for name, _colon, command in pairs}
