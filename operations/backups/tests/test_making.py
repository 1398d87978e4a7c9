"""Making backups: whole, encrypted, or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from psycopg import sql

from agents.models import Agent
from operations.backups import making, storage
from operations.backups.archive import Archive
from operations.backups.models import Backup
from operations.backups.querysets import latest_backup
from operations.backups.tests.conftest import mails_about_failures, run
from tenants.db.roles import role_name
from tenants.dumps import programs
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import CANARIES, World
from testing.organizations import database_name


def administer(statement: str, suffix: str) -> None:
    """As the administrator of the server, about one role of this database."""
    role = sql.Identifier(role_name(database_name(), suffix))
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as administrator:
        administrator.execute(sql.SQL(statement).format(role))


def failed() -> Backup:
    with platform():
        return Backup.objects.get(state="failed")


def test_every_row_of_both_organizations_is_in_the_manifest(
    backup: dict[str, Any], filled: World
) -> None:
    manifest = Archive.stored(backup["name"]).manifest()
    for organization in (filled.acme, filled.globex):
        assert manifest.tables[f"{organization.schema_name}.agents_agent"][0] == 1
        assert organization.schema_name in manifest.roles
    assert manifest.tables["public.tenants_organization"][0] >= 2
    assert backup["rows"] == manifest.rows


def test_nothing_of_it_can_be_read_without_the_key(file: Path) -> None:
    content = file.read_bytes()
    assert b"PGDMP" not in content
    assert not [canary for canary in CANARIES.values() if canary.encode() in content]
    assert b"agents_agent" not in content


def test_only_its_owner_may_read_the_file(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_backup_is_remembered_with_its_size_and_age(backup: dict[str, Any], file: Path) -> None:
    latest = latest_backup()
    assert latest is not None
    assert (latest.name, latest.size_bytes) == (backup["name"], file.stat().st_size)
    assert latest.snapshot_at is not None
    assert latest.proof_state == "none"


def test_a_second_backup_stands_beside_the_first(file: Path, store: Path) -> None:
    run("backup")
    assert len(storage.names()) == 2
    assert file.exists()


def test_a_dump_that_fails_leaves_no_file_and_older_backups_alone(
    file: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()
    monkeypatch.setattr(programs, "environment_of_url", lambda _: {"PGHOST": "/nowhere"})
    with pytest.raises(CommandError, match="pg_dump failed"):
        run("backup")
    assert [path.name for path in store.iterdir()] == [file.name]
    assert file.read_bytes() == before


def test_a_failure_is_written_down_and_mailed(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "environment_of_url", lambda _: {"PGHOST": "/nowhere"})
    with pytest.raises(CommandError):
        run("backup")
    assert "pg_dump failed" in failed().message
    assert mails_about_failures() == 1


def test_a_dump_that_breaks_in_its_middle_leaves_nothing(
    filled: World, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = programs.dump

    def half(*arguments: str, **options: Any) -> Any:
        chunks = whole(*arguments, **options)
        yield next(chunks)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(programs, "dump", half)
    with pytest.raises(CommandError, match="No space left"):
        run("backup")
    assert list(store.iterdir()) == []


def test_a_disk_without_room_is_named(filled: World, store: Path, settings: Any) -> None:
    store.parent.mkdir(exist_ok=True)
    store.write_text("a file where the folder should be")
    with pytest.raises(CommandError, match="did not take it"):
        run("backup")
    store.unlink()


@pytest.mark.parametrize("setting", ["BACKUP_KEY", "DATABASE_BACKUP_URL"])
def test_half_a_set_of_settings_is_refused_before_anything_is_done(
    filled: World, settings: Any, setting: str
) -> None:
    setattr(settings, setting, "")
    with pytest.raises(CommandError, match=setting):
        run("backup")
    with platform():
        assert not Backup.objects.exists()


def test_a_login_that_does_not_see_every_row_is_refused(filled: World, store: Path) -> None:
    administer("ALTER ROLE {} NOBYPASSRLS", "backup")
    try:
        with pytest.raises(CommandError, match="may not read everything"):
            run("backup")
    finally:
        administer("ALTER ROLE {} BYPASSRLS", "backup")
    assert not store.exists()


def test_two_at_a_time_are_refused(filled: World) -> None:
    with (
        making.reading_login(making.BACKUP_LOCK),
        pytest.raises(CommandError, match="Another one is running"),
    ):
        run("backup")
    with platform():
        assert not Backup.objects.exists()
    assert mails_about_failures() == 0


def test_what_a_killed_process_left_is_cleared_by_the_next(filled: World, store: Path) -> None:
    store.mkdir()
    (store / f"old{storage.SUFFIX}{storage.PART}").write_bytes(b"half")
    with platform():
        Backup.objects.create(name="old", state="running")
    run("backup")
    assert failed().message == making.BROKEN_OFF
    assert mails_about_failures() == 1
    assert not list(store.glob(f"*{storage.PART}"))


@pytest.mark.parametrize("command", ["backup", "verify_backup"])
def test_a_database_that_is_away_is_one_sentence(command: str) -> None:
    nowhere = "postgresql://nobody:x@127.0.0.1:9/nowhere"
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": nowhere, "DATABASE_BACKUP_URL": nowhere},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "The database does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_backup_of_one_organization_holds_no_other_ones(filled: World) -> None:
    made = run("backup", "--organization", "acme")
    manifest = Archive.stored(made["name"]).manifest()
    assert manifest.schemas == [filled.acme.schema_name]
    assert {name.partition(".")[0] for name in manifest.tables} == {filled.acme.schema_name}
    assert filled.globex.schema_name not in manifest.roles


def test_an_unknown_organization_is_refused(filled: World) -> None:
    with pytest.raises(CommandError, match="no organization with the slug “initrode”"):
        call_command("backup", organization="initrode")


def test_rows_that_come_meanwhile_are_not_in_the_snapshot(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest and the dump are of one moment, however long both take."""
    whole = programs.dump

    def later(*arguments: str, **options: Any) -> Any:
        with organization_context(filled.acme):
            Agent.objects.create(retell_agent_id="agent_2", name="came later")
        return whole(*arguments, **options)

    monkeypatch.setattr(programs, "dump", later)
    made = run("backup")
    assert run("verify_backup", made["name"])["proof"] == "proven"
