"""Starting one process and following it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from operations.local.account import Account

LARGEST_LOG = 10_000_000
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Launch:
    """How to start a process."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    stop_signal: int = signal.SIGTERM
    account: Account | None = None
    folder: Path = Path("/")
    standard_input: str = ""
    shown: bool = False  # whether its output also goes to the terminal
    ends_last: bool = False  # an engine: ended after the processes that use it


@dataclass
class Child:
    """A started process; `lines` collects its output up to the next line end."""

    launch: Launch
    process: subprocess.Popen[bytes]
    log: BinaryIO
    rest: bytes = field(default=b"")

    @property
    def name(self) -> str:
        return self.launch.name

    @property
    def pid(self) -> int:
        return self.process.pid

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def ending(self) -> str:
        """How it ended, for a sentence: "ended with code 1", "was ended by SIGKILL"."""
        code = self.process.returncode
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with code {code}"


def start(launch: Launch) -> Child:
    """Start in a session of its own, so that Ctrl-C reaches only the supervisor."""
    log = open_log(launch.log)
    process = subprocess.Popen(
        launch.command,
        cwd=launch.folder,
        env=dict(launch.environment),
        stdin=subprocess.PIPE if launch.standard_input else subprocess.DEVNULL,
        stdout=subprocess.PIPE if launch.shown else log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        umask=0o077 if launch.account else -1,
        preexec_fn=_before_exec(launch.stop_signal),
        **(launch.account.spawn_options() if launch.account else {}),
    )
    if process.stdin:
        process.stdin.write(launch.standard_input.encode())
        process.stdin.close()
    return Child(launch, process, log)


def open_log(path: Path) -> BinaryIO:
    """Append to a log; one grown too large becomes the previous log."""
    if path.exists() and path.stat().st_size > LARGEST_LOG:
        path.replace(path.with_name(f"{path.name}.previous"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb", 0)


def _before_exec(stop_signal: int) -> Callable[[], None]:
    """What the child does between fork and exec; the supervisor has no threads, so it may."""
    parent = os.getpid()

    def prepare() -> None:
        # A background job of a shell ignores these, and would hand that on.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
        follow_parent(stop_signal, parent)

    return prepare


def follow_parent(number: int, parent: int) -> None:
    """Get this signal when the parent dies, also of a `kill -9`."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it died before the call
            os.kill(os.getpid(), number)
