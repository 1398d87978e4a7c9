"""Suspending, archiving, deleting and bringing back an organization."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from psycopg import sql

from agents.models import Agent
from calls.models import Call, RetellAlert
from tenants import provisioning
from tenants.dumps import programs
from tenants.exceptions import DumpError
from tenants.models import DeletedOrganization, Organization
from tenants.pin import organization_context
from testing.fixtures import CanaryClient
from testing.organizations import owner_rows, role_exists, schema_exists

CANARY = "canary-of-initech-5d20"


def run(command: str, **options: Any) -> str:
    output = io.StringIO()
    call_command(command, "initech", stdout=output, **options)
    return output.getvalue()


def status() -> str:
    return str(Organization.objects.using("owner").get(slug="initech").status)


def fill(organization: Organization) -> None:
    with organization_context(organization):
        Agent.objects.create(retell_agent_id="agent_1", name=CANARY)
        Call.objects.create(retell_call_id="call_1", transcript=CANARY, details={"a": [1.5]})
        RetellAlert.objects.create(incident_id="incident_1", name="Ünï\u2028code")


def rows_of(schema: str) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    names = owner_rows("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
    query = sql.SQL("SELECT t::text FROM {} t ORDER BY 1")
    return {
        name: [row for (row,) in owner_rows(query.format(sql.Identifier(schema, name)))]
        for (name,) in names
    }


# --- Closed for now, or for good -----------------------------------------------------------------


@pytest.mark.parametrize("command", ["suspend_organization", "archive_organization"])
def test_a_closed_organization_answers_404(initech: Organization, command: str) -> None:
    run(command)
    assert CanaryClient(initech.host).get("/sign-in/").status_code == 404


@pytest.mark.parametrize("command", ["suspend_organization", "archive_organization"])
def test_a_closed_organization_can_be_opened_again(initech: Organization, command: str) -> None:
    run(command)
    run("resume_organization")
    assert CanaryClient(initech.host).get("/sign-in/").status_code == 200


def test_a_suspended_organization_keeps_its_reason(initech: Organization) -> None:
    run("suspend_organization", reason="Unpaid.")
    assert Organization.objects.using("owner").get(slug="initech").suspended_reason == "Unpaid."


@pytest.mark.parametrize(
    ("before", "command"),
    [
        ([], "resume_organization"),
        (["suspend_organization"], "suspend_organization"),
        (["archive_organization"], "suspend_organization"),
        (["archive_organization"], "archive_organization"),
    ],
)
def test_a_move_that_makes_no_sense_is_refused(
    initech: Organization, before: list[str], command: str
) -> None:
    for step in before:
        run(step)
    with pytest.raises(CommandError, match="Nothing was changed"):
        run(command)


def test_an_unknown_slug_is_one_sentence(initech: Organization) -> None:
    with pytest.raises(CommandError, match="There is no organization with the slug “initrode”"):
        call_command("suspend_organization", "initrode")


# --- Deleted, and back ---------------------------------------------------------------------------


@pytest.fixture
def deleted(initech: Organization, backups: Path) -> Organization:
    fill(initech)
    run("delete_organization", confirm="initech")
    return initech


def dump_of(organization: Organization) -> Path:
    kept = DeletedOrganization.objects.using("owner").get(organization=organization)
    return Path(kept.dump_path)


def test_a_wrong_slug_deletes_nothing(initech: Organization, backups: Path) -> None:
    with pytest.raises(CommandError, match="Nothing was deleted"):
        run("delete_organization", confirm="initec")
    assert (status(), schema_exists(initech.schema_name)) == ("active", True)


def test_the_slug_is_asked_for(
    initech: Organization, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "something else")
    with pytest.raises(CommandError, match="Nothing was deleted"):
        run("delete_organization")
    assert schema_exists(initech.schema_name)


def test_a_deleted_organization_has_no_schema_and_no_role(deleted: Organization) -> None:
    assert status() == "deleted"
    assert not schema_exists(deleted.schema_name)
    assert not role_exists(deleted.schema_name)


def test_a_deleted_organization_answers_404(deleted: Organization) -> None:
    assert CanaryClient(deleted.host).get("/sign-in/").status_code == 404


def test_it_is_not_deleted_twice(deleted: Organization) -> None:
    with pytest.raises(CommandError, match="deleted already"):
        run("delete_organization", confirm="initech")


def test_restoring_brings_every_row_back(initech: Organization, backups: Path) -> None:
    fill(initech)
    before = rows_of(initech.schema_name)
    run("delete_organization", confirm="initech")
    run("restore_organization")
    assert rows_of(initech.schema_name) == before
    assert status() == "active"


def test_a_restored_organization_works_again(deleted: Organization) -> None:
    run("restore_organization")
    with organization_context(deleted):
        Agent.objects.create(retell_agent_id="agent_2")
        assert Call.objects.get().transcript == CANARY


def test_only_a_deleted_organization_is_restored(initech: Organization) -> None:
    with pytest.raises(CommandError, match="is not deleted"):
        run("restore_organization")


def test_the_dump_is_encrypted_and_private(deleted: Organization) -> None:
    dump = dump_of(deleted)
    content = dump.read_bytes()
    assert CANARY.encode() not in content
    assert b"PGDMP" not in content
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600
    assert stat.S_IMODE(dump.parent.stat().st_mode) == 0o700


def _flip_bit(dump: Path) -> None:
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "flipped bit": _flip_bit,
    "truncated": lambda dump: os.truncate(dump, dump.stat().st_size * 7 // 10),
    "empty": lambda dump: os.truncate(dump, 0),
    "missing": lambda dump: dump.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_dump_is_found(deleted: Organization, damage: str) -> None:
    DAMAGES[damage](dump_of(deleted))
    with pytest.raises(CommandError, match="missing or changed"):
        run("restore_organization")
    assert (status(), schema_exists(deleted.schema_name)) == ("deleted", False)
    assert not role_exists(deleted.schema_name)


def test_a_dump_of_another_organization_is_not_restored(deleted: Organization) -> None:
    with pytest.raises(DumpError, match="another organization"):
        list(provisioning._unseal(dump_of(deleted), uuid4()))


def test_nothing_is_deleted_without_a_key_for_the_dump(
    initech: Organization, backups: Path, settings: Any
) -> None:
    settings.BACKUP_KEY = ""
    with pytest.raises(CommandError, match="BACKUP_KEY"):
        run("delete_organization", confirm="initech")
    assert (status(), schema_exists(initech.schema_name)) == ("active", True)


def test_nothing_is_deleted_when_the_dump_fails(
    initech: Organization, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "environment_of", lambda _: {"PGHOST": "/nowhere"})
    with pytest.raises(CommandError, match="pg_dump failed"):
        run("delete_organization", confirm="initech")
    assert (status(), schema_exists(initech.schema_name)) == ("active", True)
    assert list(backups.iterdir()) == []


def test_a_deletion_is_final_after_thirty_days(deleted: Organization) -> None:
    dump = dump_of(deleted)
    assert provisioning.purge_deleted() == 0
    DeletedOrganization.objects.using("owner").update(
        purge_after=timezone.now() - timedelta(seconds=1)
    )
    assert provisioning.purge_deleted() == 1
    assert not dump.exists()
    assert not Organization.objects.using("owner").filter(slug="initech").exists()
