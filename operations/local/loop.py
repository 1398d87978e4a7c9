"""The supervisor's one loop: output, ends of processes, signals. One thread, on purpose."""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

from operations.local.console import Console, Progress
from operations.local.errors import LocalError
from operations.local.processes import Child, Launch, start
from operations.local.records import RUN_MARK, Record, Records

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TURN_SECONDS = 0.1
READ_SIZE = 65536


class Stopped(BaseException):
    """Someone asked the supervisor to stop."""


class Loop:
    """Follows the started processes; every wait of the supervisor is a turn of this loop."""

    def __init__(self, console: Console, records: Records, run: str) -> None:
        self.console = console
        self.records = records
        self.run = run
        self.children: list[Child] = []
        self.selector = selectors.DefaultSelector()
        self.stop_asked = False
        self.stopping = False

    def listen(self) -> None:
        """Take the signals that ask to stop; one that the caller ignores (nohup) stays ignored."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self.selector.register(reader, selectors.EVENT_READ)
        for number in STOP_SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # only wakes the loop

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_asked = True

    def start(self, launch: Launch) -> Child:
        marked = {**launch.environment, RUN_MARK: self.run}
        child = start(replace(launch, environment=marked))
        self.children.append(child)
        self.records.add(Record.of(child.name, child.pid, launch.stop_signal, self.run))
        if child.process.stdout:
            os.set_blocking(child.process.stdout.fileno(), False)
            self.selector.register(child.process.stdout, selectors.EVENT_READ, child)
        return child

    def turn(self, seconds: float = TURN_SECONDS) -> None:
        """Relay output for at most this long; raises Stopped when asked to stop."""
        for key, _events in self.selector.select(seconds):
            if isinstance(key.data, Child):
                self._read(key.data)
            else:
                os.read(key.fd, READ_SIZE)
        if (self.stop_asked or self.console.is_closed()) and not self.stopping:
            raise Stopped

    def _read(self, child: Child) -> None:
        assert child.process.stdout
        data = os.read(child.process.stdout.fileno(), READ_SIZE)
        child.log.write(data)
        *lines, child.rest = (child.rest + data).split(b"\n")
        if not data:
            self.selector.unregister(child.process.stdout)
            lines = [child.rest] if child.rest else []
        self.console.relay(child.name, lines)

    def forget(self, child: Child) -> None:
        """Drop a child that has ended, with its last lines."""
        if child.process.stdout:
            if child.process.stdout in self.selector.get_map():
                self._drain(child)
            child.process.stdout.close()
        child.log.close()
        self.children.remove(child)
        self.records.remove(child.pid)

    def _drain(self, child: Child) -> None:
        assert child.process.stdout
        try:
            while child.process.stdout in self.selector.get_map():
                self._read(child)
        except BlockingIOError:  # a grandchild still holds the pipe
            self.selector.unregister(child.process.stdout)

    def complete(self, step: str, launch: Launch) -> Child:
        """Run something to its end, showing its progress; the caller looks at how it ended."""
        child = self.start(launch)
        progress = Progress(self.console, step)
        while not child.has_ended():
            self.turn()
            progress.tick()
        self.forget(child)
        if child.process.returncode == 0:
            progress.done()
        return child

    def wait(
        self,
        step: str,
        is_done: Callable[[], bool],
        *,
        limit: float = float("inf"),
    ) -> None:
        """Turn until the step is done, showing its progress."""
        progress = Progress(self.console, step)
        while not is_done():
            if progress.seconds > limit:
                raise LocalError(f"{step}: not done after {limit:.0f} s; everything was stopped.")
            self.turn()
            progress.tick()
        progress.done()

    def end(self, children: list[Child], patience: float) -> None:
        """Ask these to stop, in order; kill the families of those that take too long."""
        families = [(child, _record_of(self.records, child)) for child in children]
        for child, record in families:
            if not child.has_ended():
                child.process.send_signal(record.stop_signal)
        self._await_end(children, patience)
        for child, record in families:
            record.end(patience=0)
            child.process.wait()
            self.forget(child)

    def _await_end(self, children: list[Child], patience: float) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and not all(child.has_ended() for child in children):
            self.turn()


def _record_of(records: Records, child: Child) -> Record:
    return next(record for record in records.records if record.pid == child.pid)
