"""Engines for the tests: shared by the test runs of a clone, ended with the last of them."""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import sys
import time
from pathlib import Path

from operations.local.environment import drop_libpq_settings, read_environment
from operations.local.errors import LocalError
from operations.local.folders import CLONE, Folders
from operations.local.processes import open_log

START_SECONDS = 90


@functools.cache
def start_test_engines() -> dict[str, str]:
    """Set and return DATABASE_ADMIN_URL and REDIS_URL; call it before the settings load.

    Engines that another test run of this clone already uses are used too. They end when the last
    test run ends, also of a `kill -9`. Raises LocalError when they do not start.
    """
    urls = use_test_engines(Folders.for_tests())
    os.environ.update(urls)
    drop_libpq_settings()
    return urls


def use_test_engines(folders: Folders) -> dict[str, str]:
    folders.create()
    # Stays open, and so locked, until this process ends, however it ends.
    users = os.open(folders.users, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(users, fcntl.LOCK_SH)  # waits while the engines of earlier runs are ending
    with folders.local.joinpath("start.lock").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not folders.environment.exists() or not _is_supervised(folders):
            _start(folders)
    return read_environment(folders.environment)


def _is_supervised(folders: Folders) -> bool:
    with folders.lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _start(folders: Folders) -> None:
    """Start the engines in a process of their own, which outlives this one if others need it."""
    folders.environment.unlink(missing_ok=True)
    log = folders.logs / "supervisor.log"
    with open_log(log) as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "operations.local", f"--clone={folders.clone}", "test-engines"],
            cwd=CLONE,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={key: value for key, value in os.environ.items() if key != "MAKELEVEL"},
        )
    _await(process, folders, log)
    process.returncode = 0  # it may outlive us, and Popen is not to warn of that


def _await(process: subprocess.Popen[bytes], folders: Folders, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not folders.environment.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise LocalError(f"The test engines did not start; see {log} for why.")
        time.sleep(0.05)
