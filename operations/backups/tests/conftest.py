"""A folder for backups, and two organizations with rows to back up."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.models import Agent
from config.storage_addresses import StorageAddress
from operations.backups.models import Backup
from operations.backups.reporting import TELL_TASK
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import CANARIES, World

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def store(committed: World, settings: Any, tmp_path: Path) -> Iterator[Path]:
    """Where backups go meanwhile; the rows about them go afterwards."""
    settings.BACKUP_STORAGE = StorageAddress(folder=tmp_path / "store")
    yield tmp_path / "store"
    with platform():
        Backup.objects.all().delete()
        connections["default"].cursor().execute(
            "DELETE FROM procrastinate_jobs WHERE task_name = %s", [TELL_TASK]
        )


@pytest.fixture
def filled(store: Path, committed: World) -> World:
    for organization in (committed.acme, committed.globex):
        with organization_context(organization):
            Agent.objects.create(retell_agent_id="agent_1", name=CANARIES[organization.slug])
    return committed


def run(command: str, *arguments: str, **options: Any) -> dict[str, Any]:
    """What a command answers with --json."""
    output = io.StringIO()
    call_command(command, *arguments, "--json", stdout=output, stderr=io.StringIO(), **options)
    answer: dict[str, Any] = json.loads(output.getvalue())
    return answer


def mails_about_failures() -> int:
    """Jobs that would tell the super admins."""
    with platform():
        return int(ProcrastinateJob.objects.filter(task_name=TELL_TASK).count())


@pytest.fixture
def backup(filled: World) -> dict[str, Any]:
    """A whole backup of what `filled` holds."""
    return run("backup")


@pytest.fixture
def file(backup: dict[str, Any], store: Path) -> Path:
    return store / str(backup["name"])
