"""A stub project in a folder of its own, run by the real supervisor with real engines."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from operations.local.account import Account
from operations.local.errors import LocalError
from operations.local.folders import CLONE, Folders
from operations.local.home import Home
from operations.local.records import Records, await_end

PROCFILE = """\
web: exec python manage.py web
live: exec sleep 1000
worker: exec sleep 1000
"""
READY = "Ctrl-C ends"


@dataclass
class Project:
    """A clone with a stub `manage.py`."""

    folder: Path
    port: int
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def folders(self) -> Folders:
        return Folders.for_run(self.folder)

    @property
    def output(self) -> Path:
        return self.folder / "output"

    def command(self, name: str) -> list[str]:
        return [sys.executable, "-m", "operations.local", f"--clone={self.folder}", name]

    def environment(self) -> dict[str, str]:
        dropped = ("DATABASE_URL", "REDIS_URL", "LIVE_PORT", "MAKELEVEL")
        kept = {key: value for key, value in os.environ.items() if key not in dropped}
        return {**kept, "PORT": str(self.port)}

    def start(self, command: list[str] | None = None) -> subprocess.Popen[bytes]:
        """Start `run` in a process group of its own and wait until it serves."""
        with self.output.open("wb") as output:
            process = subprocess.Popen(
                command or self.command("run"),
                cwd=CLONE,
                env=self.environment(),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.started.append(process)
        wait_until(lambda: READY in self.output.read_text() or process.poll() is not None)
        assert READY in self.output.read_text(), self.output.read_text()
        return process

    def refuse(self) -> str:
        """Start `run` where it must give up; returns its one sentence."""
        done = subprocess.run(
            self.command("run"),
            cwd=CLONE,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1, done.stdout
        assert "Traceback" not in done.stderr
        sentences = done.stderr.strip().splitlines()
        assert len(sentences) == 1, done.stderr
        return sentences[0]

    def pids(self) -> dict[str, int]:
        entries = json.loads(self.folders.records.read_text())
        return {entry["name"]: entry["pid"] for entry in entries}

    def families(self) -> list[psutil.Process]:
        leaders = [psutil.Process(pid) for pid in self.pids().values()]
        return leaders + [child for one in leaders for child in one.children(recursive=True)]

    def clean(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.terminate()
            process.wait(20)
        if self.folders.local.is_dir():
            self._remove_outside()
        shutil.rmtree(self.folder.parent)

    def _remove_outside(self) -> None:
        for record in Records(self.folders.records).load():
            record.end(patience=5)
        with contextlib.suppress(LocalError):  # a test may have damaged what tells of it
            account = Account.for_engines()
            Home.open(self.folders, account).remove(account)


@pytest.fixture
def make_project() -> Iterator[Callable[[str], Project]]:
    """Makes projects in reach of every account, as a clone usually is; the argument names it."""
    made = []

    def make(name: str = "clone", parent: Path | None = None) -> Project:
        base = Path(tempfile.mkdtemp(prefix="switchboard-test-", dir=parent))
        if parent is None:
            base.chmod(0o755)
        project = Project(base / name, free_port())
        project.folder.mkdir()
        stub = Path(__file__).with_name("stub_manage.py")
        shutil.copy(stub, project.folder / "manage.py")
        (project.folder / "Procfile").write_text(PROCFILE)
        made.append(project)
        return project

    yield make
    for project in made:
        project.clean()


@pytest.fixture
def project(make_project: Callable[[], Project]) -> Project:
    return make_project()


def free_port() -> int:
    """A port such that the next one is free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.05)


def all_ended(processes: list[psutil.Process], seconds: float = 15) -> bool:
    return await_end(processes, seconds)


STOPS = {
    "Ctrl-C": signal.SIGINT,
    "terminate": signal.SIGTERM,
    "closed terminal": signal.SIGHUP,
}
