"""`make clean-local`: stop what runs and delete `.local` with the database in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

from operations.local.account import Account
from operations.local.console import Console
from operations.local.errors import LocalError
from operations.local.folders import Folders
from operations.local.home import Home
from operations.local.supervisor import Supervisor, hold_lock, holder

STOP_SECONDS = 20


def clean(clone: Path, console: Console) -> None:
    for folders in (Folders.for_tests(clone), Folders.for_run(clone)):
        if folders.local.is_dir():
            stop_running(folders, console)
            with Supervisor(folders, console).running():  # ends what a kill left
                _remove_outside(folders)
    local = Folders.for_run(clone).local
    if local.exists():
        shutil.rmtree(local)
    console.say(f"{local} is deleted; the next `make run` starts anew.")


def stop_running(folders: Folders, console: Console) -> None:
    """Ask a running supervisor to stop and wait until its lock is free."""
    deadline = time.monotonic() + STOP_SECONDS
    while True:
        try:
            with hold_lock(folders):
                return
        except LocalError:
            if time.monotonic() > deadline:
                raise
        _ask_to_stop(folders, console)
        time.sleep(0.5)


def _ask_to_stop(folders: Folders, console: Console) -> None:
    with folders.lock.open() as file:
        pid = holder(file)
    if pid:
        console.say(f"Stopping process {pid} …")
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _remove_outside(folders: Folders) -> None:
    if folders.engines.exists():
        account = Account.for_engines()
        Home.open(folders, account).remove(account)
