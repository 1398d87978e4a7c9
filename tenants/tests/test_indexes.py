"""Indexes of large tables are built after the migration, beside live traffic."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connections
from django.test.utils import CaptureQueriesContext

import agents.migrations
from tenants import indexes, migrator
from tenants.models import Organization
from testing.fixtures import World
from testing.organizations import made_organization, owner_rows

ONE = 'CREATE INDEX "one" ON "calls_call" ("started_at")'
TWO = 'CREATE INDEX "two" ON "calls_call" ("agent_id" text_pattern_ops)'


def plan(*statements: str) -> tuple[list[str], list[str]]:
    """What is sent at once, and what is left for later, with calls_call large."""
    sorted_ = indexes.Plan(frozenset({"calls_call"}))
    now = [one for statement in statements for one in sorted_.take(statement)]
    return now, sorted_.later


def test_an_index_of_a_large_table_is_left_for_later() -> None:
    assert plan('ALTER TABLE "calls_call" ADD COLUMN "x" int', ONE, TWO) == (
        ['ALTER TABLE "calls_call" ADD COLUMN "x" int'],
        [ONE, TWO],
    )


@pytest.mark.parametrize(
    "statement",
    [
        'CREATE INDEX "one" ON "agents_agent" ("name")',
        'CREATE UNIQUE INDEX "one" ON "calls_call" ("started_at")',
        'CREATE INDEX "one" ON "calls_call" ("a"); UPDATE calls_call SET a = 1',
        "UPDATE calls_call SET note = 'CREATE INDEX'",
    ],
)
def test_everything_else_is_sent_at_once(statement: str) -> None:
    assert plan(statement) == ([statement], [])


@pytest.mark.parametrize(
    "after",
    [
        'DROP INDEX IF EXISTS "one"',
        'ALTER INDEX "one" RENAME TO "three"',
        'ALTER TABLE "calls_call" RENAME COLUMN "started_at" TO "began_at"',
        'ALTER TABLE "calls_call" DROP COLUMN "started_at" CASCADE',
        'DROP TABLE "calls_call" CASCADE',
    ],
)
def test_what_a_later_statement_stands_on_is_built_before_it(after: str) -> None:
    assert plan(ONE, after) == ([ONE, after], [])


def test_a_default_that_is_dropped_needs_no_index() -> None:
    drop = 'ALTER TABLE "calls_call" ALTER COLUMN "x" DROP DEFAULT'
    assert plan(ONE, drop) == ([drop], [ONE])


NEXT = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("agents", "{leaf}")]
    operations = [
        migrations.AddField("agent", "note", models.CharField(max_length=9, default="none")),
        migrations.AddIndex("agent", models.Index(fields=["note"], name="agent_note")),
    ]
"""
VALID = (
    "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE c.relname = 'agent_note' AND c.relnamespace = %s::regnamespace"
)


@pytest.fixture
def pair(
    committed: World, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Organization, Organization]]:
    """Organizations, really committed, one migration behind, all of whose tables are large."""
    with made_organization("behind") as first, made_organization("second") as second:
        folder = tmp_path / "agents_with_an_index"
        shutil.copytree(Path(agents.migrations.__path__[0]), folder)
        leaf = max(file.stem for file in folder.glob("0*.py"))
        (folder / "9999_next.py").write_text(NEXT.format(leaf=leaf))
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()
        settings.MIGRATION_MODULES = {"agents": folder.name}
        monkeypatch.setattr(indexes, "LARGE_TABLE_BYTES", 0)
        yield first, second
        for name in [name for name in sys.modules if name.startswith(folder.name)]:
            del sys.modules[name]


@pytest.fixture
def behind(pair: tuple[Organization, Organization]) -> Organization:
    return pair[0]


def bring_up(*organizations: Organization) -> None:
    """As one release does."""
    target, recorded = migrator.current_fingerprint(), dict[str, list[str]]()
    for organization in organizations:
        migrator.migrate_organization(organization, target, recorded, lambda _: None)


def is_valid(organization: Organization) -> list[bool]:
    return [valid for (valid,) in owner_rows(VALID, [organization.schema_name])]


def stored(organization: Organization) -> Organization:
    return Organization.objects.using("owner").get(pk=organization.pk)


def test_it_is_built_concurrently(behind: Organization) -> None:
    with CaptureQueriesContext(connections["owner"]) as queries:
        bring_up(behind)
    sent = [str(query["sql"]) for query in queries if "agent_note" in str(query["sql"])]
    assert any(one.startswith("CREATE INDEX CONCURRENTLY") for one in sent)
    assert not any(one.startswith('CREATE INDEX "') for one in sent)
    assert is_valid(behind) == [True]
    assert stored(behind).indexes_to_build == []


def test_a_replayed_migration_builds_it_concurrently_too(
    pair: tuple[Organization, Organization],
) -> None:
    bring_up(*pair)
    assert [is_valid(organization) for organization in pair] == [[True], [True]]


def test_a_schema_that_carries_more_than_is_noted_is_no_example_for_others(
    pair: tuple[Organization, Organization],
) -> None:
    """As after the way back to an older version, whose `release` noted its own level."""
    first, second = pair
    before = first.migration_fingerprint
    bring_up(first)
    first.migration_fingerprint = before
    bring_up(first, second)
    assert [is_valid(organization) for organization in pair] == [[True], [True]]


def test_a_release_that_was_broken_off_goes_on(
    behind: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(indexes, "build", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bring_up(behind)
    left = stored(behind)
    assert left.migration_fingerprint == migrator.current_fingerprint()
    assert len(left.indexes_to_build) == 1
    assert is_valid(behind) == []
    bring_up(left)
    assert is_valid(behind) == [True]


def test_a_half_built_index_is_built_anew(
    behind: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a broken-off concurrent build leaves it: there, but not valid."""
    monkeypatch.setattr(indexes, "LARGE_TABLE_BYTES", 2**60)
    bring_up(behind)
    unique = 'CREATE UNIQUE INDEX CONCURRENTLY "half" ON "agents_agent" ((1))'
    insert = (
        "INSERT INTO agents_agent (id, retell_agent_id, retell_name, name, note)"
        " VALUES (gen_random_uuid(), %s, '', '', '')"
    )
    with migrator.in_schema(behind.schema_name) as connection, connection.cursor() as cursor:
        for name in ("a", "b"):
            cursor.execute(insert, [name])
        with pytest.raises(IntegrityError):
            cursor.execute(unique)
        indexes.build(connection, 'CREATE INDEX "half" ON "agents_agent" ("note")')
    assert owner_rows(VALID.replace("agent_note", "half"), [behind.schema_name]) == [(True,)]


def test_a_migration_and_its_note_are_one(
    behind: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next release would take a migrated schema for one that is behind, and record
    nothing for the others."""
    monkeypatch.setattr(migrator, "_note", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bring_up(behind)
    columns = (
        "SELECT 1 FROM information_schema.columns WHERE table_schema = %s"
        " AND table_name = 'agents_agent' AND column_name = 'note'"
    )
    assert owner_rows(columns, [behind.schema_name]) == []


def test_a_table_in_use_is_waited_for(
    behind: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a backup, which reads every table in one transaction."""
    monkeypatch.setattr(migrator, "LOCK_TIMEOUT", "200ms")
    reader = connections["owner"].copy()
    said: list[str] = []

    def report(line: str) -> None:
        said.append(line)
        reader.close()

    monkeypatch.setattr(migrator, "LOCK_PAUSE_SECONDS", 0)
    try:
        with reader.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(f"LOCK TABLE {behind.schema_name}.agents_agent IN ACCESS SHARE MODE")
        migrator.migrate_organization(behind, migrator.current_fingerprint(), {}, report)
    finally:
        reader.close()
    assert said[0].startswith("A table is in use")
    assert is_valid(behind) == [True]
