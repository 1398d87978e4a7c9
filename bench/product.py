"""The product for the length of a measurement, on the engines of `make run`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from operations.local.environment import read_environment
from operations.local.folders import Folders
from operations.local.product import read_procfile

REPOSITORY = Path(__file__).resolve().parent.parent
# Deleting by command would first dump hundreds of megabytes.
DISCARD = """
from operations.demo.removing import discard
from tenants.models import Organization

discard(Organization.objects.using("owner").get(slug="{slug}"))
"""


def environment() -> dict[str, str]:
    """What `make run` wrote down; ends the program when it has not run."""
    found = read_environment(Folders.for_run().environment)
    if "DATABASE_OWNER_URL" not in found:
        raise SystemExit("Start `make run` first: the benchmark uses its PostgreSQL and Valkey.")
    return found


def command(process: str) -> list[str]:
    """A process as the Procfile starts it."""
    return ["/bin/sh", "-c", read_procfile(REPOSITORY / "Procfile")[process]]


def path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def manage(*arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def shell(code: str) -> str:
    return manage("shell", "--no-imports", "-c", code)


def discard(slug: str) -> None:
    """Take an organization away that was only measured with."""
    shell(DISCARD.format(slug=slug))
