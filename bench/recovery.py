"""Measures how long a backup, its proof and a restore into an empty server take, and their memory.

    python -m bench.recovery

Needs the engines of `make run`, whose database it reads. The backup goes into a temporary folder;
the row about it is removed at the end. Prints a table, as docs/backup-and-recovery.md shows it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

from bench import product

MB = 1024 * 1024


@dataclass(frozen=True)
class Step:
    seconds: float  # of the whole command, its start included
    memory_mb: float  # the most the process itself took
    answer: dict[str, Any]


def measured(environment: dict[str, str], *arguments: str) -> Step:
    """Run a command with --json in a process of its own."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments, "--json"],
        cwd=product.REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"manage.py {arguments[0]} failed: {output.decode()}")
    return Step(time.monotonic() - began, usage.ru_maxrss / 1024, json.loads(output))


def restored(environment: dict[str, str], folder: Path, name: str) -> Step:
    from operations.backups.scratch import own_server

    without = {key: value for key, value in environment.items() if not key.startswith("DATABASE_")}
    with own_server() as admin_url:
        return measured(
            without | {"ENVIRONMENT": "test"},  # the file of `make run` must not complete it
            *("restore", name, "--admin-url", admin_url, "--yes"),
            *("--environment-file", str(folder / "database.env")),
        )


def forget(name: str) -> None:
    product.shell(
        "from operations.models import Backup; from tenants.scope import platform\n"
        f"with platform(): Backup.objects.filter(name='{name}').delete()"
    )


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        environment = {**os.environ, **product.environment(), "BACKUP_STORAGE": f"file://{folder}"}
        backup = measured(environment, "backup")
        name = str(backup.answer["name"])
        try:
            proof = measured(environment, "verify_backup", name)
            back = restored(environment, folder, name)
        finally:
            forget(name)
    show(backup, proof, back)


def show(backup: Step, proof: Step, back: Step) -> None:
    made = backup.answer
    print(
        f"{made['tables']} tables, {made['rows']:,} rows,"
        f" a database of {made['database_bytes'] / MB:.0f} MB,"
        f" a backup of {made['size_bytes'] / MB:.0f} MB\n"
    )
    print("| step | seconds | memory of the process, MB |\n|---|---|---|")
    for label, step in (("backup", backup), ("verify_backup", proof), ("restore", back)):
        print(f"| `{label}` | {step.seconds:.0f} | {step.memory_mb:.0f} |")


if __name__ == "__main__":
    main()
