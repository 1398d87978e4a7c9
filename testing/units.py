"""Runs the shipped systemd units as systemd would, on a machine without it.

Of a unit only what moves processes is read: commands, the folder for the socket, what of the
environment is taken away. The marked places of configurations are filled in with a test's own.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

OPS = Path(settings.BASE_DIR) / "ops"
MARKED = re.compile(r"(edit here: begin[ -]*\n)(.*?)(?=\n[^\n]*edit here: end)", re.DOTALL)
# Generous: machines that test are busy.
START_SECONDS = 180
STOP_SECONDS = 90


def fill_in(file: Path, text: str) -> str:
    """The file with another text in its one marked place."""
    filled, count = MARKED.subn(lambda found: found[1] + text, file.read_text())
    assert count == 1, f"{file} has {count} marked places"
    return filled


def marked_place(file: Path) -> str:
    found = MARKED.findall(file.read_text())
    assert len(found) == 1, f"{file} has {len(found)} marked places"
    return str(found[0][1])


def unit_values(name: str, key: str) -> list[str]:
    """Every value of a key in a unit file, `$$` read as `$`."""
    lines = (OPS / "systemd" / name).read_text().splitlines()
    return [
        line.partition("=")[2].replace("$$", "$") for line in lines if line.startswith(f"{key}=")
    ]


@dataclass
class Unit:
    """One service; `runtime` stands for /run, `group` is who else may use the socket."""

    file: str
    runtime: Path
    environment: Mapping[str, str]
    instance: str = ""
    group: int | None = None
    folder: Path = field(default_factory=lambda: Path(settings.BASE_DIR))
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self._runtime_directory() / "socket"

    def _runtime_directory(self) -> Path:
        (name,) = self._values("RuntimeDirectory")
        return self.runtime / Path(name).name

    def _values(self, key: str) -> list[str]:
        return [value.replace("%i", self.instance) for value in unit_values(self.file, key)]

    def _environment(self) -> dict[str, str]:
        taken = " ".join(self._values("UnsetEnvironment")).split()
        kept = {name: value for name, value in self.environment.items() if name not in taken}
        pid = str(self.process.pid) if self.process else ""
        return kept | {"RUNTIME_DIRECTORY": str(self._runtime_directory()), "MAINPID": pid}

    def _run(self, key: str) -> None:
        for command in self._values(key):
            subprocess.run(
                ["/bin/sh", "-c", command], env=self._environment(), cwd=self.folder, check=True,
                timeout=START_SECONDS,
            )  # fmt: skip

    def start(self) -> None:
        directory = self._runtime_directory()
        directory.mkdir(parents=True, mode=0o750)
        (command,) = self._values("ExecStart")
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"], env=self._environment(), cwd=self.folder
        )
        self._run("ExecStartPost")
        if self.group is not None:
            os.chown(directory, -1, self.group)
            if self.socket.exists():
                os.chown(self.socket, -1, self.group)

    def reload(self) -> None:
        self._run("ExecReload")

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self._run("ExecStop")
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=STOP_SECONDS)
        shutil.rmtree(self._runtime_directory())
        self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()


@contextmanager
def running(*units: Unit) -> Iterator[None]:
    with ExitStack() as stack:
        for unit in units:
            stack.callback(unit.stop)
            unit.start()
        yield
