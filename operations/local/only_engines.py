"""The engines without the product: for work with `manage.py`, and for tests."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from urllib.parse import quote

from operations.local.console import Console
from operations.local.engines import Site, embedded_engines
from operations.local.environment import (
    addresses,
    generated_keys,
    read_environment,
    write_environment,
)
from operations.local.folders import Folders
from operations.local.supervisor import Supervisor

UNUSED_CHECK_SECONDS = 0.5


def run_engines(clone: Path, console: Console) -> None:
    """Run the product's engines until a signal."""
    folders = Folders.for_run(clone)
    folders.create()
    supervisor = Supervisor(folders, console)
    with supervisor.running():
        start_engines(supervisor, os.environ)
        console.say(f"The engines run; their addresses are in {folders.environment}. Ctrl-C ends.")
        while True:
            supervisor.loop.turn()
            supervisor.restart_ended_engines()


def start_engines(supervisor: Supervisor, environ: Mapping[str, str]) -> None:
    """Start the engines that are not given, and write all addresses and keys for the product."""
    folders = supervisor.folders
    kept = read_environment(folders.environment)
    given = given_addresses(environ)
    settings = {
        **generated_keys(),
        "BACKUP_STORAGE": f"file://{quote(str(folders.backups))}",
        **kept,
        "ENVIRONMENT": "development",
        **addresses(environ),
    }
    if len(given) < 2:
        site = Site.open(folders)
        for path in site.home.forgotten(folders):
            supervisor.console.say(f"An earlier database is kept in {path}; delete it if unneeded.")
        engines = embedded_engines(site, durable=True, given=given)
        for engine in engines:
            supervisor.start_engine(engine)
        given |= {engine.variable: engine.url for engine in engines}
    write_environment(folders.environment, {**settings, **given})


def given_addresses(environ: Mapping[str, str]) -> dict[str, str]:
    """Servers that the caller brings: DATABASE_URL is then a login that may create roles."""
    given = {}
    if environ.get("DATABASE_URL"):
        given["DATABASE_ADMIN_URL"] = environ["DATABASE_URL"]
    if environ.get("REDIS_URL"):
        given["REDIS_URL"] = environ["REDIS_URL"]
    return given


def run_test_engines(clone: Path, console: Console) -> None:
    """Run engines that need not survive a power cut, for as long as a test run uses them."""
    folders = Folders.for_tests(clone)
    folders.create()
    supervisor = Supervisor(folders, console)
    with supervisor.running(), folders.users.open("a") as users:
        engines = embedded_engines(Site.open(folders), durable=False, given={})
        for engine in engines:
            supervisor.start_engine(engine)
        write_environment(folders.environment, {engine.variable: engine.url for engine in engines})
        while not _nobody_holds(users):
            supervisor.loop.turn(UNUSED_CHECK_SECONDS)
            supervisor.restart_ended_engines()
        folders.environment.unlink()
        supervisor.stop()  # still holding the lock: the next test run waits until all has ended


def _nobody_holds(users: IO[str]) -> bool:
    """Take the lock that every test run shares; possible only when none is left."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
