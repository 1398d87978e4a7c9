"""Restoring into an empty server: what is refused, and that nothing is changed then."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from agents.models import Agent
from operations.backups import manifest, scratch, storage
from operations.backups.tests.conftest import run
from tenants.db.environment_file import read_environment_file
from tenants.models import Organization
from tenants.pin import organization_context
from testing.organizations import database_name, made_organization


@pytest.fixture(scope="module")
def empty_server() -> Iterator[str]:
    with scratch.own_server() as admin_url:
        yield admin_url


def databases(admin_url: str) -> set[str]:
    with psycopg.connect(admin_url) as administrator:
        rows = administrator.execute("SELECT datname FROM pg_database").fetchall()
    return {name for (name,) in rows} - {"postgres", "template0", "template1"}


def drop(admin_url: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as administrator:
        administrator.execute(f"DROP DATABASE IF EXISTS {database_name()} WITH (FORCE)")


def restore(admin_url: str, tmp_path: Path, *arguments: str) -> dict[str, Any]:
    file = tmp_path / "database.env"
    chosen = arguments or ("--latest", "--yes")
    return run("restore", "--admin-url", admin_url, "--environment-file", str(file),
               "--reset-passwords", *chosen)  # fmt: skip


def test_it_restores_and_compares_and_hands_the_logins_over(
    backup: dict[str, Any], empty_server: str, tmp_path: Path
) -> None:
    answer = restore(empty_server, tmp_path)
    assert (answer["rows"], answer["problems"]) == (backup["rows"], [])
    urls = read_environment_file(tmp_path / "database.env")
    with psycopg.connect(urls["DATABASE_BACKUP_URL"]) as reader:
        row = reader.execute("SELECT count(*) FROM tenants_organization").fetchone()
    assert row is not None
    assert row[0] >= 2
    drop(empty_server)


def test_a_database_that_holds_anything_is_refused_and_left_alone(
    backup: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match=r"is not empty\. Nothing was changed"):
        restore(os.environ["DATABASE_ADMIN_URL"], tmp_path)
    assert not (tmp_path / "database.env").exists()


def test_it_asks_and_another_word_changes_nothing(
    backup: dict[str, Any], empty_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    with pytest.raises(CommandError, match="That is not its name"):
        restore(empty_server, tmp_path, "--latest")
    assert databases(empty_server) == set()


def test_a_damaged_file_changes_nothing(file: Path, empty_server: str, tmp_path: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)
    with pytest.raises(CommandError, match="cut off"):
        restore(empty_server, tmp_path)
    assert databases(empty_server) == set()


def test_what_differs_after_all_is_taken_back(
    backup: dict[str, Any], empty_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "differences", lambda *_: ["calls has 1 row instead of 2."])
    with pytest.raises(CommandError, match=r"instead of 2\. The database .* was dropped again"):
        restore(empty_server, tmp_path)
    assert databases(empty_server) == set()


def test_a_file_from_anywhere_is_restored(file: Path, empty_server: str, tmp_path: Path) -> None:
    moved = tmp_path / file.name
    file.rename(moved)
    answer = restore(empty_server, tmp_path, "--file", str(moved), "--yes")
    assert answer["name"] == file.name
    drop(empty_server)


def test_the_backup_of_one_organization_is_no_backup_of_everything(
    filled: object, empty_server: str, tmp_path: Path
) -> None:
    made = run("backup", "--organization", "acme")
    with pytest.raises(CommandError, match="of one organization only"):
        restore(empty_server, tmp_path, made["name"], "--yes")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["one.backup"],
        ["one.backup", "--latest", "--admin-url", "x", "--environment-file", "y"],
        ["--latest", "--file", "z", "--admin-url", "x", "--environment-file", "y"],
        ["--latest", "--admin-url", "postgresql://nowhere"],
        ["--latest", "--environment-file", "y", "--admin-url", ""],
        ["--list", "--latest"],
        ["--list", "--environment-file", "y"],
    ],
)
def test_half_given_and_contradictory_arguments_are_refused(
    store: Path, arguments: list[str]
) -> None:
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("restore", *arguments)


def test_the_storage_is_listed(backup: dict[str, Any]) -> None:
    listed: Any = run("restore", "--list")
    assert listed == storage.names() == [backup["name"]]


# --- One organization ----------------------------------------------------------------------------


@pytest.fixture
def initech(store: Path, settings: Any, tmp_path: Path) -> Iterator[Organization]:
    settings.BACKUP_DIR = str(tmp_path)
    with made_organization("initech") as organization:
        with organization_context(organization):
            Agent.objects.create(retell_agent_id="agent_1", name="as it was")
        yield organization


@pytest.mark.parametrize("of", [[], ["--organization", "initech"]])
def test_one_organization_comes_back_as_a_backup_has_it(
    initech: Organization, of: list[str]
) -> None:
    made = run("backup", *of)
    with organization_context(initech):
        Agent.objects.update(name="spoilt")
    call_command("delete_organization", "initech", confirm="initech", stdout=io.StringIO())
    output = io.StringIO()
    call_command("restore_organization", "initech", backup=made["name"], stdout=output)
    connection.close()  # it works as a role that was dropped
    with organization_context(initech):
        assert Agent.objects.get().name == "as it was"
    kept = output.getvalue().strip().rpartition(": ")[2]
    assert Path(kept).is_file()


def test_a_backup_without_the_organization_brings_nothing_back(initech: Organization) -> None:
    made = run("backup", "--organization", "acme")
    call_command("delete_organization", "initech", confirm="initech", stdout=io.StringIO())
    with pytest.raises(CommandError, match="does not hold Initech"):
        call_command("restore_organization", "initech", backup=made["name"])
