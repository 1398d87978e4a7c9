"""Migrating organizations: one query when nothing is to do, replay for all after the first."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import ProgrammingError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from psycopg import sql

import agents.migrations
from tenants import migrator
from tenants.db.roles import role_name
from tenants.models import Organization
from testing.fixtures import World
from testing.organizations import database_name, owner_rows

NEXT = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("agents", "{leaf}")]
    operations = [
        migrations.AddField("agent", "share", models.CharField(max_length=9, db_default="50%")),
        migrations.AddField("agent", "note", models.CharField(max_length=9, default="it's 5%")),
        migrations.AddConstraint(
            "agent",
            models.CheckConstraint(
                condition=~models.Q(note__contains="_%"), name="note_has_no_sign"
            ),
        ),
        migrations.CreateModel("Remark", [("id", models.BigAutoField(primary_key=True))]),
    ]
"""
FAILING = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("agents", "9999_next")]
    operations = [migrations.RunSQL("ALTER TABLE agents_agent DROP COLUMN nothing_of_this_name")]
"""
COLUMNS = (
    "SELECT column_name, column_default FROM information_schema.columns"
    " WHERE table_schema = %s AND table_name = 'agents_agent' ORDER BY 1"
)
CHECKS = (
    "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = %s::regnamespace AND conname = 'note_has_no_sign'"
)


@pytest.fixture
def owner(committed: World) -> Iterator[BaseDatabaseWrapper]:
    """The owner's connection in a transaction that is rolled back, schemas and all."""
    with transaction.atomic(using=migrator.OWNER):
        yield connections[migrator.OWNER]
        transaction.set_rollback(True, using=migrator.OWNER)


@pytest.fixture
def next_migration(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The agents' migrations with one more behind them."""
    folder = tmp_path / "agents_with_one_more"
    shutil.copytree(Path(agents.migrations.__path__[0]), folder)
    leaf = max(file.stem for file in folder.glob("0*.py"))
    (folder / "9999_next.py").write_text(NEXT.format(leaf=leaf))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    settings.MIGRATION_MODULES = {"agents": folder.name}
    yield f"{folder.name}.9999_next"
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]


def nothing(_: str) -> None:
    """Reports to nobody."""


def test_with_nothing_to_migrate_there_is_one_query(owner: BaseDatabaseWrapper) -> None:
    with CaptureQueriesContext(owner) as queries:
        assert migrator.migrate_organizations(nothing) == 0
    assert len(queries) == 1


def test_a_new_migration_changes_the_fingerprint(next_migration: str) -> None:
    with_it = migrator.current_fingerprint()
    assert len(with_it) == 64
    assert with_it != _fingerprint_without()


def _fingerprint_without() -> str:
    with override_settings(MIGRATION_MODULES={}):
        return migrator.current_fingerprint()


def test_only_the_first_of_a_fingerprint_is_migrated_by_django(
    owner: BaseDatabaseWrapper, next_migration: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated = _spy(monkeypatch, "migrate_schema")
    replayed = _spy(monkeypatch, "replay")
    assert migrator.migrate_organizations(nothing) == 2
    assert (len(migrated), len(replayed)) == (1, 1)


def _spy(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    schemas: list[str] = []
    original = getattr(migrator, name)

    def spy(schema: str, *arguments: Any) -> Any:
        schemas.append(schema)
        return original(schema, *arguments)

    monkeypatch.setattr(migrator, name, spy)
    return schemas


def test_the_replayed_schema_equals_the_migrated_one(
    owner: BaseDatabaseWrapper, next_migration: str, committed: World
) -> None:
    migrator.migrate_organizations(nothing)
    first, second = committed.acme.schema_name, committed.globex.schema_name
    assert owner_rows(COLUMNS, [first]) == owner_rows(COLUMNS, [second])
    assert owner_rows(CHECKS, [first]) == owner_rows(CHECKS, [second]) != []
    assert ("share", "'50%'::character varying") in owner_rows(COLUMNS, [second])


def test_a_migration_that_fails_halfway_leaves_all_schemas_as_they_were(
    owner: BaseDatabaseWrapper, next_migration: str, tmp_path: Path, committed: World
) -> None:
    last = tmp_path / "agents_with_one_more" / "9999_z_fails.py"
    last.write_text(FAILING)
    before = owner_rows(COLUMNS, [committed.acme.schema_name])
    with pytest.raises(ProgrammingError):
        migrator.migrate_organizations(nothing)
    assert owner_rows(COLUMNS, [committed.acme.schema_name]) == before
    last.unlink()
    migrator.migrate_organizations(nothing)
    for organization in (committed.acme, committed.globex):
        names = [name for name, _ in owner_rows(COLUMNS, [organization.schema_name])]
        assert "note" in names


def test_both_carry_the_new_fingerprint_and_none_is_left(
    owner: BaseDatabaseWrapper, next_migration: str
) -> None:
    migrator.migrate_organizations(nothing)
    found = set(Organization.objects.using("owner").values_list("migration_fingerprint", flat=True))
    assert found == {migrator.current_fingerprint()}
    assert migrator.migrate_organizations(nothing) == 0


def test_both_record_the_migration_in_their_own_schema(
    owner: BaseDatabaseWrapper, next_migration: str, committed: World
) -> None:
    migrator.migrate_organizations(nothing)
    for organization in (committed.acme, committed.globex):
        table = sql.Identifier(organization.schema_name, "django_migrations")
        query = sql.SQL("SELECT count(*) FROM {} WHERE name = %s").format(table)
        assert owner_rows(query, ["9999_next"]) == [(1,)]


def test_a_new_table_is_its_organizations_own(
    owner: BaseDatabaseWrapper, next_migration: str, committed: World
) -> None:
    migrator.migrate_organizations(nothing)
    for organization in (committed.acme, committed.globex):
        role = role_name(database_name(), organization.schema_name)
        table = f"{organization.schema_name}.agents_remark"
        query = "SELECT has_table_privilege(%s, %s, 'INSERT')"
        assert owner_rows(query, [role, table]) == [(True,)]


def test_a_fresh_schema_has_the_new_migration(
    owner: BaseDatabaseWrapper, next_migration: str
) -> None:
    assert "9999_next" in migrator.schema_template().statements


def test_recorded_sql_names_no_schema(committed: World) -> None:
    statements = migrator.schema_template().statements
    assert migrator.TEMPLATE_SCHEMA not in statements
    assert "org_" not in statements
