"""Proving backups: every kind of damage is found, and nothing is left behind."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError

from operations.backups import scratch
from operations.backups.models import Backup
from operations.backups.querysets import latest_proven
from operations.backups.tests.conftest import mails_about_failures, run
from operations.backups.tests.test_making import administer
from tenants.dumps import programs
from tenants.scope import platform
from testing.fixtures import World
from testing.organizations import database_name, made_organization, owner_rows


def scratch_places() -> list[str]:
    """What proofs left: databases of the server, folders of this machine."""
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"]) as administrator:
        rows = administrator.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)",
            [f"{database_name()}_proof"],
        ).fetchall()
    mine = Path(tempfile.gettempdir()).glob(f"{scratch.PREFIX}{os.getpid()}-*")
    return [name for (name,) in rows] + [path.name for path in mine]


def proof_of(backup: dict[str, Any]) -> Backup:
    with platform():
        return Backup.objects.get(name=backup["name"])


@pytest.fixture
def may_create_databases() -> Iterator[None]:
    administer("ALTER ROLE {} CREATEDB", "owner")
    yield
    administer("ALTER ROLE {} NOCREATEDB", "owner")


def test_a_whole_backup_is_proven_on_a_server_of_its_own(backup: dict[str, Any]) -> None:
    answer = run("verify_backup", "--latest")
    assert answer["proof"] == "proven"
    assert "a server of its own" in answer["message"]
    proven = latest_proven()
    assert proven is not None
    assert proven.name == backup["name"]
    assert scratch_places() == []


@pytest.mark.usefixtures("may_create_databases")
def test_a_whole_backup_is_proven_in_a_database_of_the_same_server(
    backup: dict[str, Any],
) -> None:
    assert "a scratch database" in run("verify_backup")["message"]
    assert scratch_places() == []


@pytest.mark.usefixtures("may_create_databases")
def test_an_organization_deleted_since_does_not_keep_a_backup_from_being_proven(
    filled: World,
) -> None:
    """Its role is gone from the server, and is made for the while."""
    with made_organization("initech") as gone:
        made = run("backup")
    assert run("verify_backup", made["name"])["proof"] == "proven"
    assert (
        owner_rows(
            "SELECT 1 FROM pg_roles WHERE rolname = %s", [f"{database_name()}_{gone.schema_name}"]
        )
        == []
    )


def test_the_backup_of_one_organization_is_proven(filled: World) -> None:
    made = run("backup", "--organization", "acme")
    assert run("verify_backup", made["name"])["proof"] == "proven"


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size * 7 // 10)


def flip_one_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut at 70 %": (cut, "cut off"),
    "one flipped bit": (flip_one_bit, "changed"),
    "empty": (lambda file: os.truncate(file, 0), "empty"),
    "gone": (lambda file: file.unlink(), "There is no"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_found(backup: dict[str, Any], file: Path, damage: str) -> None:
    harm, words = DAMAGES[damage]
    harm(file)
    with pytest.raises(CommandError, match=words):
        run("verify_backup", "--latest")
    assert proof_of(backup).proof_state == "failed"
    assert mails_about_failures() == 1
    assert scratch_places() == []


def test_another_key_is_found(backup: dict[str, Any], settings: Any) -> None:
    settings.BACKUP_KEY = base64.b64encode(b"k" * 32).decode()
    with pytest.raises(CommandError, match="another BACKUP_KEY"):
        run("verify_backup")
    assert proof_of(backup).proof_state == "failed"


def test_yesterdays_file_under_todays_name_is_found(file: Path, store: Path) -> None:
    today = run("backup")
    file.replace(store / today["name"])
    with pytest.raises(CommandError, match=f"but {file.name}, renamed"):
        run("verify_backup", "--latest")


def test_a_dump_without_one_organizations_schema_is_found(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, schema = programs.dump, filled.globex.schema_name

    def without(*arguments: str, **options: Any) -> Any:
        return whole(*arguments, f"--exclude-schema={schema}", **options)

    monkeypatch.setattr(programs, "dump", without)
    run("backup")
    with pytest.raises(CommandError, match=f"The schema {schema} is missing"):
        run("verify_backup")
    assert scratch_places() == []


def test_a_backup_of_a_database_that_had_lost_a_schema_is_found(filled: World) -> None:
    """The dump is what the database was, and the database was not whole."""
    with made_organization("initech") as organization:
        owner_rows(f"DROP SCHEMA {organization.schema_name} CASCADE")
        made = run("backup")
    with pytest.raises(CommandError, match="Initech has no schema"):
        run("verify_backup", made["name"])


def test_a_dump_that_misses_rows_is_found(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = programs.dump

    def without(*arguments: str, **options: Any) -> Any:
        return whole(*arguments, "--exclude-table-data=*.agents_agent", **options)

    monkeypatch.setattr(programs, "dump", without)
    run("backup")
    with pytest.raises(CommandError, match="agents_agent has 0 rows instead of 1"):
        run("verify_backup")


def test_a_dump_that_misses_policies_is_found(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = programs.dump

    def without(*arguments: str, **options: Any) -> Any:
        return whole(*arguments, "--no-policies", **options)

    monkeypatch.setattr(programs, "dump", without)
    run("backup")
    with pytest.raises(CommandError, match="The policies of the schema public"):
        run("verify_backup")


def test_a_ring_without_the_key_of_what_is_stored_is_found(
    backup: dict[str, Any], settings: Any
) -> None:
    settings.ENCRYPTION_KEYS = "2:" + base64.b64encode(b"r" * 32).decode()
    with pytest.raises(CommandError, match="not in ENCRYPTION_KEYS"):
        run("verify_backup")


def test_the_file_of_another_database_is_found(
    backup: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.backups.manifest.database_id", lambda _: "another/switchboard")
    with pytest.raises(CommandError, match="of another database"):
        run("verify_backup")


def test_a_name_and_latest_contradict_each_other(backup: dict[str, Any]) -> None:
    with pytest.raises(CommandError, match="either a NAME or --latest"):
        run("verify_backup", backup["name"], "--latest")
    assert proof_of(backup).proof_state == "none"


def test_without_a_backup_there_is_nothing_to_prove(store: Path) -> None:
    with pytest.raises(CommandError, match="There is no backup yet"):
        run("verify_backup")


def test_an_unknown_name_is_refused(backup: dict[str, Any]) -> None:
    with pytest.raises(CommandError, match="There is no other"):
        run("verify_backup", "other.backup")
