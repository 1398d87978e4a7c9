"""Counting never gets in the way of what is counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import metric_files

COUNT = """
import django; django.setup()
from config.metrics import JOBS, own_metrics
JOBS.labels("a-test", "succeeded").inc(2)
(job,) = (m for m in own_metrics() if m.name == "switchboard_jobs")
print(sum(s.value for s in job.samples if s.name.endswith("_total")))
"""


def counted(folder: Path) -> str:
    environment = os.environ | {"METRICS_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", COUNT], env=environment, check=True, capture_output=True, text=True,
        timeout=180,
    )  # fmt: skip
    return done.stdout.strip()


def test_a_process_goes_on_where_the_one_before_ended(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    assert [counted(folder), counted(folder)] == ["2.0", "4.0"]
    assert sorted(file.name for file in folder.glob("*.lock")) == ["slot0.lock"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


def test_without_a_folder_a_process_counts_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert counted(tmp_path / "file" / "below") == "2.0"


def test_room_is_taken_before_it_is_needed(tmp_path: Path) -> None:
    """A file that grows into a full disk ends the process that writes to it."""
    metric_files._reserve(tmp_path / "counter_slot0.db")
    found = (tmp_path / "counter_slot0.db").stat()
    assert found.st_size == metric_files.FILE_BYTES
    assert found.st_blocks * 512 >= metric_files.FILE_BYTES


@pytest.mark.parametrize("held", [1, 3])
def test_processes_at_the_same_time_take_slots_of_their_own(
    tmp_path: Path, settings: object, held: int
) -> None:
    settings.METRICS_DIR = str(tmp_path)  # type: ignore[attr-defined]
    slots = [metric_files._Slot() for _ in range(held)]
    assert [slot.take() for slot in slots] == [f"slot{number}" for number in range(held)]
    for slot in slots:
        os.close(slot.lock)
