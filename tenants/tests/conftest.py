"""What several tests of organizations need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenants.models import Organization
from testing.fixtures import World
from testing.organizations import made_organization


@pytest.fixture
def backups(settings: Any, tmp_path: Path) -> Path:
    """Where dumps go meanwhile."""
    settings.BACKUP_DIR = str(tmp_path)
    return tmp_path / "deleted"


@pytest.fixture
def initech(committed: World) -> Iterator[Organization]:
    """A third organization, dropped afterwards."""
    with made_organization("initech") as organization:
        yield organization
