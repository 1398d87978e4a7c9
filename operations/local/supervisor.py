"""Holds the clone's lock, runs the engines, and ends everything that was started."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import signal
import time
from collections.abc import Iterator
from typing import IO

from operations.local.console import Console
from operations.local.engines import START_SECONDS, Engine, last_words
from operations.local.errors import LocalError
from operations.local.folders import Folders
from operations.local.loop import Loop
from operations.local.processes import Child, follow_parent
from operations.local.records import Records, await_end, send

# Together below the 15 seconds after which nothing may run any more.
PROCESS_PATIENCE_SECONDS = 5
ENGINE_PATIENCE_SECONDS = 6
LEFTOVER_PATIENCE_SECONDS = 10
ENGINE_RESTARTS = 3
ENGINE_RESTARTS_WITHIN_SECONDS = 60


class Supervisor:
    """One at a time for a clone; everything it starts ends with it."""

    def __init__(self, folders: Folders, console: Console) -> None:
        self.folders = folders
        self.console = console
        self.records = Records(folders.records)
        self.loop = Loop(console, self.records, secrets.token_hex(8))
        self.engines: dict[str, tuple[Engine, Child]] = {}
        self.engine_restarts: list[float] = []

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Take the lock and the signals, end what an earlier run left; at the end end all."""
        with hold_lock(self.folders):
            self.loop.listen()
            if "MAKELEVEL" in os.environ:  # a killed `make` takes us along
                follow_parent(signal.SIGTERM, os.getppid())
            self._end_leftovers()
            try:
                yield
            finally:
                self.stop()

    def _end_leftovers(self) -> None:
        """Processes first and engines last, as in an orderly stop."""
        for record in reversed(self.records.load()):
            if record.family():
                self.console.say(f"Ending {record.name} ({record.pid}), left by an earlier run.")
                record.end(LEFTOVER_PATIENCE_SECONDS)
        self.records.clear()

    def start_engine(self, engine: Engine) -> None:
        """Start and wait until it answers; raises LocalError with its last words if it ends."""
        self._end_unrecorded(engine)
        engine.prepare(self.loop)
        child = self.loop.start(engine.launch())
        self.engines[engine.name] = (engine, child)

        def is_ready() -> bool:
            if child.has_ended():
                raise LocalError(
                    f"{engine.name} {child.ending()} while starting "
                    f"({last_words(child.launch.log)}); its data was left as it is: see "
                    f"{child.launch.log}."
                )
            return engine.is_ready()

        self.loop.wait(f"Starting {engine.name}", is_ready, limit=START_SECONDS)

    def _end_unrecorded(self, engine: Engine) -> None:
        process = engine.running()
        if process:
            self.console.say(f"Ending {engine.name} ({process.pid}), left by an earlier run.")
            send(process, engine.stop_signal)
            await_end([process], LEFTOVER_PATIENCE_SECONDS)

    def restart_ended_engines(self) -> None:
        """Start an engine again that ended; raises LocalError when that does not last."""
        for engine, child in list(self.engines.values()):
            if child.has_ended():
                self.console.say(f"{engine.name} {child.ending()}; starting it again.")
                self.loop.end([child], patience=0)
                self._count_restart(engine)
                self._start_again(engine)

    def _start_again(self, engine: Engine) -> None:
        """What a killed PostgreSQL leaves behind holds its memory until it has noticed."""
        ends = time.monotonic() + LEFTOVER_PATIENCE_SECONDS
        while True:
            try:
                return self.start_engine(engine)
            except LocalError:
                if time.monotonic() > ends:
                    raise
                self.loop.end([self.engines[engine.name][1]], patience=0)
                time.sleep(0.5)

    def _count_restart(self, engine: Engine) -> None:
        now = time.monotonic()
        since = now - ENGINE_RESTARTS_WITHIN_SECONDS
        self.engine_restarts = [*(at for at in self.engine_restarts if at > since), now]
        if len(self.engine_restarts) > ENGINE_RESTARTS:
            raise LocalError(
                f"{engine.name} ended more than {ENGINE_RESTARTS} times within "
                f"{ENGINE_RESTARTS_WITHIN_SECONDS} seconds; everything was stopped and the data "
                f"was kept: see {self.folders.logs / engine.name}.log."
            )

    def stop(self) -> None:
        """End everything: the processes in their order, the engines last."""
        self.loop.stopping = True
        children = self.loop.children
        processes = [child for child in children if not child.launch.ends_last]
        engines = [child for child in children if child.launch.ends_last]
        self.loop.end(processes, PROCESS_PATIENCE_SECONDS)
        self.loop.end(engines, ENGINE_PATIENCE_SECONDS)
        self.records.clear()


@contextlib.contextmanager
def hold_lock(folders: Folders) -> Iterator[None]:
    """Be the only supervisor of this clone; raises LocalError if there is one."""
    with folders.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError(_refusal(file, folders)) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)


def _refusal(file: IO[str], folders: Folders) -> str:
    pid = holder(file)
    return (
        f"`make run` is already running here (process {pid or 'unknown'} in {folders.clone}); it "
        "was left running: use that one, or stop it with Ctrl-C first."
    )


def holder(file: IO[str]) -> int | None:
    """The process id in a held lock file."""
    file.seek(0)
    text = file.read().strip()
    return int(text) if text.isdecimal() else None
