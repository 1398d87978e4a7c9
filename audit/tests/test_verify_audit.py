"""`verify_audit`, its anchors, and the job that looks every day."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit import tasks
from audit.chain import digest
from audit.models import Entry, Head
from audit.tests.chains import append, entries, remove, restored
from tenants.models import Organization
from testing.fixtures import World
from testing.organizations import drop_organization, made_organization


@pytest.fixture
def initech(committed: World) -> Iterator[Organization]:
    """An organization with three committed entries."""
    with made_organization("initech") as organization:
        append(organization, 3)
        yield organization
        remove(organization)


def verify(*arguments: str) -> tuple[int, str]:
    """Exit status, and all that was said."""
    said = io.StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=said, stderr=said)
    except CommandError as error:
        return error.returncode, said.getvalue() + str(error)
    return 0, said.getvalue()


def tamper(owner: Organization) -> None:
    Entry.objects.using("owner").filter(organization_id=owner.pk, sequence=2).update(reason="x")


def test_whole_chains_are_said_to_be_as_written(initech: Organization) -> None:
    status, said = verify()
    assert status == 0
    assert "Initech: 3 entries, as written." in said
    assert "The operator's log: " in said
    assert "Acme: " in said


def test_a_tampered_entry_is_named_and_the_status_is_1(initech: Organization) -> None:
    with restored(initech):
        tamper(initech)
        status, said = verify()
    assert status == 1
    assert "Initech: Entry 2 of 20" in said
    assert "(Switchboard did something 2) was changed after it was written." in said
    assert "Acme: " in said


def test_one_organization_is_verified_alone(initech: Organization) -> None:
    with restored(initech):
        tamper(initech)
        assert verify("--organization", "acme")[0] == 0
        assert verify("--organization", "initech")[0] == 1


def test_an_unknown_organization_is_an_error(committed: World) -> None:
    assert verify("--organization", "nowhere") == (
        1,
        "There is no organization with the slug “nowhere”.",
    )


def rewrite(owner: Organization) -> None:
    """All of a chain with another text, hashes and head fitting."""
    before = bytes(32)
    for entry in entries(owner):
        entry.object_repr, entry.previous_hash = "nothing at all", before
        entry.hash = before = digest(entry)
        entry.save(using="owner")
    Head.objects.using("owner").filter(pk=str(owner.pk)).update(hash=before)


def test_anchors_find_a_chain_that_was_written_anew(initech: Organization, tmp_path: Path) -> None:
    file = tmp_path / "anchors.json"
    assert verify("--anchors", str(file))[0] == 0
    with restored(initech):
        rewrite(initech)
        assert verify()[0] == 0
        for _ in range(2):  # a broken chain is not noted as the new truth
            status, said = verify("--anchors", str(file))
            assert status == 1
            assert "the chain was written anew." in said


def test_anchors_find_a_chain_that_is_gone(initech: Organization, tmp_path: Path) -> None:
    file = tmp_path / "anchors.json"
    verify("--anchors", str(file))
    with restored(initech):
        remove(initech)
        status, said = verify("--anchors", str(file))
    assert status == 1
    assert "Initech: Entry 3 was there on " in said


def test_anchors_move_on_with_the_log(initech: Organization, tmp_path: Path) -> None:
    file = tmp_path / "anchors.json"
    for _ in range(2):
        append(initech)
        assert verify("--anchors", str(file))[0] == 0
        noted = json.loads(file.read_text())[str(initech.pk)]
        newest = entries(initech)[-1]
        assert (noted["sequence"], noted["hash"]) == (newest.sequence, bytes(newest.hash).hex())


def test_the_log_of_a_removed_organization_is_still_verified(
    initech: Organization, tmp_path: Path
) -> None:
    drop_organization(initech.schema_name)
    status, said = verify("--anchors", str(tmp_path / "anchors.json"))
    assert status == 0
    assert f"The removed organization {initech.pk}: 3 entries, as written." in said


@pytest.mark.parametrize("text", ["", "[]", "{", '{"operator": {}}', '{"x": 1}', "\x00"])
def test_a_file_that_holds_no_anchors_is_refused_and_kept(
    committed: World, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "anchors.json"
    file.write_text(text)
    assert verify("--anchors", str(file)) == (
        1,
        f"{file} cannot be read as anchors. Nothing was checked.",
    )
    assert file.read_text() == text


def test_a_file_that_cannot_be_written_is_an_error(committed: World, tmp_path: Path) -> None:
    status, said = verify("--anchors", str(tmp_path / "missing" / "anchors.json"))
    assert status == 1
    assert "cannot be written: No such file or directory." in said


def test_the_daily_job_is_content_with_whole_chains(initech: Organization) -> None:
    tasks.verify_chains(0)


def test_the_daily_job_logs_a_broken_chain_without_names(
    initech: Organization, caplog: pytest.LogCaptureFixture
) -> None:
    with restored(initech):
        tamper(initech)
        with pytest.raises(RuntimeError, match="1 chains of the audit log were tampered with"):
            tasks.verify_chains(0)
    logged: Any = caplog.records[-1]
    assert logged.levelno == logging.ERROR
    assert (logged.chain, logged.first, logged.breaks) == (str(initech.pk), 2, 1)
    assert "something" not in caplog.text
