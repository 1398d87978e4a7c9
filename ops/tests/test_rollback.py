"""The way back: the old code goes on working on tables that a newer version has migrated."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings

from ops import rehearse_rollback
from testing.databases import drop_rehearsal
from testing.fixtures import World

ROOT = Path(settings.BASE_DIR)
# What the made-up next version adds: to every organization, and to the shared schema.
ORGANIZATIONS = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("webhooks", "{leaf}")]
    operations = [
        migrations.AddField("delivery", "next_note", models.TextField(default="", db_default="")),
        migrations.AddIndex("delivery", models.Index(fields=["next_note"], name="next_note")),
    ]
"""
SHARED = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("tenants", "{leaf}")]
    operations = [
        migrations.AddField("organization", "next_note", models.TextField(db_default=""))
    ]
"""


def add_migration(folder: Path, app: str, text: str) -> None:
    migrations = folder / app / "migrations"
    leaf = max(file.stem for file in migrations.glob("0*.py"))
    (migrations / "9999_next.py").write_text(text.format(leaf=leaf))


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """This version with one more migration of each kind, in a folder of its own."""
    folder = tmp_path / "next"
    ignored = shutil.ignore_patterns(".*", "var", "node_modules", "screenshots", "__pycache__")
    shutil.copytree(ROOT, folder, ignore=ignored)
    add_migration(folder, "webhooks", ORGANIZATIONS)
    add_migration(folder, "tenants", SHARED)
    return folder


def test_the_old_version_works_on_the_next_ones_tables(
    next_version: Path, committed: World
) -> None:
    names = ("DATABASE_ADMIN_URL", "REDIS_URL")
    said: list[str] = []
    try:
        answers = rehearse_rollback.rehearse(
            ROOT, next_version, {name: os.environ[name] for name in names}, said.append
        )
    finally:
        drop_rehearsal(f"rehearsal_{os.getpid()}")
    assert set(answers) == {204}
    assert "1 organization(s) migrated" in said[1]
