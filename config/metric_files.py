"""Where processes of one host keep what they count, so that one answer of `/metrics` shows all.

prometheus-client adds files up that processes write through shared memory, one set a process. Its
own way names them by process id: the files of every process that ever ran stay behind, or what
they counted is lost and Prometheus sees a jump. Here a process takes the first slot that nobody
holds, and goes on counting where the one before it ended: as many files as processes run at once,
and no count goes backwards. A slot is held by a lock, which also a `kill -9` lets go of.

Room for the files is taken at once: growing into a full disk would end the process.
"""

from __future__ import annotations

import fcntl
import logging
import os
from itertools import count
from pathlib import Path
from typing import Any

from django.conf import settings
from prometheus_client import values

logger = logging.getLogger(__name__)

KINDS = ("counter", "histogram")
FILE_BYTES = 1024**2


class _Slot:
    """Of this process; a forked child takes another."""

    def __init__(self) -> None:
        self.pid = 0
        self.name = ""
        self.lock = -1

    def take(self) -> str:
        if self.pid != os.getpid():
            self.name = self._first_free()
            self.pid = os.getpid()
        return self.name

    def _first_free(self) -> str:
        """Raises `OSError` when there is no room, or no folder that could be written to."""
        folder = Path(settings.METRICS_DIR)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in count():
            name = f"slot{number}"
            try:
                lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            except PermissionError:
                continue  # somebody else's, such as that of a command which root ran
            if _is_locked(lock):
                for kind in KINDS:
                    _reserve(folder / f"{kind}_{name}.db")
                self.lock = lock
                return name
            os.close(lock)
        raise AssertionError  # count() has no end


def _is_locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _reserve(path: Path) -> None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(handle, 0, FILE_BYTES)
    finally:
        os.close(handle)


_slot = _Slot()


class _Values:
    """What prometheus-client makes its numbers of; decided with the first of them.

    Without the folder this process counts for itself: nothing that is worth more than its count
    may fail for it.
    """

    def __init__(self) -> None:
        self._make: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._make = self._make or self._decide()
        return self._make(*args, **kwargs)

    def _decide(self) -> Any:
        try:
            _slot.take()
        except OSError:
            logger.warning("METRICS_DIR cannot be used, so this process counts for itself")
            return values.MutexValue
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)
        make: Any = values.MultiProcessValue  # comes without types
        return make(_slot.take)


def install() -> None:
    """Before the first metric is defined."""
    values.ValueClass = _Values()


def readable() -> list[str]:
    """The files of all slots that this process may read."""
    files = sorted(Path(settings.METRICS_DIR).glob("*_slot*.db"))
    return [str(file) for file in files if os.access(file, os.R_OK) and file.stat().st_size]
