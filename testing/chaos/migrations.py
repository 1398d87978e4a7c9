"""A migration of the organizations that is killed between two of them, and run again."""

from __future__ import annotations

import contextlib
import shutil
import sys
from pathlib import Path

import psutil
from psycopg import sql

from operations.local.folders import CLONE
from testing.chaos.world import World, family

NAME = "9999_chaos"
TABLE = "calls_chaos"
COLUMN = "chaos"
# Of the copy that is migrated to; the rest is no part of the product.
LEFT_OUT = shutil.ignore_patterns(
    ".*", "var", "docs", "bench", "testing", "tests", "node_modules", "__pycache__"
)
# A table, a pause in which it is killed, a column. No SELECT: the migrator does not replay those.
MIGRATION = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("calls", "{latest}")]
    operations = [
        migrations.RunSQL("CREATE TABLE {table} (id int)"),
        migrations.RunSQL("DO $$ BEGIN PERFORM pg_sleep(3); END $$"),
        migrations.RunSQL("ALTER TABLE calls_call ADD COLUMN {column} int"),
    ]
"""


def kill_half_way(world: World) -> list[str]:
    """`kill -9` during the second organization; what is then half-made, and what still is later."""
    folder = _next_version(world)
    child = world.run("release", _release(), folder=folder)
    world.until("Waiting for a first migrated organization", lambda: bool(_whole(world)))
    for process in family(child):
        with contextlib.suppress(psutil.Error):
            process.kill()
    child.process.wait()
    world.supervisor.loop.end([child], patience=0)
    missed = len(_whole(world)) == len(world.schemas)
    problems = ["the migration was over before it was killed"] if missed else []
    # The killed one's session ends with its pause.
    world.until("Waiting for its session", lambda: not _is_migrating(world), quiet=True)
    problems += [f"half-migrated: {slug}" for slug in _half(world)]
    return problems + _finish(world, folder)


def _finish(world: World, folder: Path) -> list[str]:
    child = world.run("release", _release(), folder=folder)
    world.until("Migrating again", child.has_ended)
    world.supervisor.loop.forget(child)
    problems = [f"release {child.ending()}"] if child.process.returncode else []
    missing = world.schemas.keys() - _whole(world)
    return problems + [f"not migrated: {slug}" for slug in sorted(missing)]


def _release() -> list[str]:
    return [sys.executable, "manage.py", "release"]


def _next_version(world: World) -> Path:
    """A copy of the product with one more migration."""
    folder = world.folders.local / "next-version"
    shutil.copytree(CLONE, folder, ignore=LEFT_OUT)
    existing = sorted((folder / "calls" / "migrations").glob("[0-9]*.py"))
    text = MIGRATION.format(latest=existing[-1].stem, table=TABLE, column=COLUMN)
    existing[-1].with_name(f"{NAME}.py").write_text(text)
    return folder


def _signs(world: World) -> dict[str, list[bool]]:
    """Per organization: table, column and Django's note of the migration."""
    found = {}
    with world.database() as connection:
        for slug, schema in world.schemas.items():
            row = connection.execute(
                sql.SQL(
                    "SELECT to_regclass({table}) IS NOT NULL, EXISTS (SELECT FROM"
                    " information_schema.columns WHERE table_schema = {schema}"
                    " AND table_name = 'calls_call' AND column_name = {column}),"
                    " EXISTS (SELECT FROM {notes} WHERE app = 'calls' AND name = {name})"
                ).format(
                    table=sql.Literal(f"{schema}.{TABLE}"),
                    schema=sql.Literal(schema),
                    column=sql.Literal(COLUMN),
                    notes=sql.Identifier(schema, "django_migrations"),
                    name=sql.Literal(NAME),
                )
            ).fetchone()
            found[slug] = list(row or ())
    return found


def _whole(world: World) -> set[str]:
    return {slug for slug, signs in _signs(world).items() if all(signs)}


def _half(world: World) -> set[str]:
    return {slug for slug, signs in _signs(world).items() if any(signs) and not all(signs)}


def _is_migrating(world: World) -> bool:
    with world.database() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3)%'"
            " AND state <> 'idle' AND pid <> pg_backend_pid()"
        ).fetchone()
    return bool(row and row[0])
