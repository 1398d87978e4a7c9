"""Which processes were started, so that the next start can end what a kill left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from operations.local.folders import write_private

# Start times come in clock ticks; an id is not used again for another process within this time.
SAME_START_SECONDS = 1.0
KILL_SECONDS = 2.0
POLL_SECONDS = 0.02
RUN_MARK = "SWITCHBOARD_RUN"


@dataclass(frozen=True)
class Record:
    """A process: its id alone could be another's by now, its start time tells them apart."""

    name: str
    pid: int
    started: float  # seconds since the machine started, so that a set clock changes nothing
    stop_signal: int
    run: str  # the mark of the run that started it, found again in its descendants' environment

    @classmethod
    def of(cls, name: str, pid: int, stop_signal: int, run: str) -> Record:
        return cls(name, pid, _started(psutil.Process(pid)), stop_signal, run)

    def process(self) -> psutil.Process | None:
        """The recorded process if it is still there."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            if abs(_started(process) - self.started) < SAME_START_SECONDS and still_runs(process):
                return process
        return None

    def family(self) -> list[psutil.Process]:
        """The process and what it started, also what outlived it in its session."""
        found = set()
        process = self.process()
        if process:
            found.add(process)
            with contextlib.suppress(psutil.Error):
                found.update(process.children(recursive=True))
        found.update(p for p in psutil.process_iter() if self._left_behind(p))
        return list(found)

    def _left_behind(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) == self.pid:
                return bool(process.environ().get(RUN_MARK) == self.run)
        return False

    def end(self, patience: float) -> None:
        """Ask the process to stop, wait, then kill what is left of its family."""
        members = self.family()
        leader = self.process()
        if leader:
            send(leader, self.stop_signal)
            send(leader, signal.SIGCONT)  # a suspended process could not act on it
            await_end([leader], patience)
        for process in members:
            send(process, signal.SIGKILL)
        await_end(members, KILL_SECONDS)


def _started(process: psutil.Process) -> float:
    return float(process.create_time() - psutil.boot_time())


class Records:
    """The file of recorded processes, rewritten at each change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: list[Record] = []

    def load(self) -> list[Record]:
        """What an earlier run left; an unreadable file is set aside and counts as empty."""
        try:
            return [Record(**entry) for entry in json.loads(self.path.read_text())]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError):
            self.path.replace(self.path.with_name(f"{self.path.name}.broken"))
            return []

    def add(self, record: Record) -> None:
        self.records.append(record)
        self._save()

    def remove(self, pid: int) -> None:
        self.records = [record for record in self.records if record.pid != pid]
        self._save()

    def clear(self) -> None:
        self.records = []
        self.path.unlink(missing_ok=True)

    def _save(self) -> None:
        entries = [asdict(record) for record in self.records]
        write_private(self.path, json.dumps(entries, indent=1))


def send(process: psutil.Process, number: int) -> None:
    """Signal a process; psutil compares the start time first, so another is never hit."""
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)


def await_end(processes: list[psutil.Process], seconds: float) -> bool:
    """Wait at most this long; returns whether all have ended."""
    deadline = time.monotonic() + seconds
    while any(map(still_runs, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def still_runs(process: psutil.Process) -> bool:
    """A zombie, ended but not collected by its parent yet, does not run any more."""
    with contextlib.suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
