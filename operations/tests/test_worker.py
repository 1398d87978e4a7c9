"""The worker's signs of life, as a real process gives and takes them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection

from operations.health import work
from tenants.scope import platform
from testing.fixtures import World

# Each has a worker of its own in the process: default, backups, notices, owner.
QUEUES = 4


def signs() -> int:
    """How many workers are registered."""
    with platform(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_workers")
        (number,) = cursor.fetchone() or (0,)
    return int(number)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@contextmanager
def running_worker() -> Iterator[subprocess.Popen[bytes]]:
    """For all queues: DATABASE_OWNER_URL is set in tests."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"], cwd=settings.BASE_DIR, env=os.environ
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def nobody(committed: World) -> None:
    with platform(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")


def test_one_that_is_stopped_is_gone_at_once(nobody: None) -> None:
    with running_worker() as worker:
        until(lambda: signs() == QUEUES)
        assert work.worker().is_well
        worker.terminate()
        assert worker.wait(timeout=60) == 0
    assert signs() == 0
    assert work.worker().found == "No worker is running."


def test_one_that_is_killed_leaves_its_last_sign_behind(nobody: None) -> None:
    with running_worker() as worker:
        until(lambda: signs() == QUEUES)
        worker.kill()
        worker.wait()
    assert signs() == QUEUES
    silence = work.worker_silence()
    assert silence is not None
    with platform(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '46 s'"
        )
    assert not work.worker().is_well
