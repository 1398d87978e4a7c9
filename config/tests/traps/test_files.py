"""Secrets at rest, dumps, files for spreadsheets, and host names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from agents.models import Agent
from audit.actions import record
from audit.circumstances import Actor, circumstances
from audit.tests.chains import DONE
from config.csv_files import safe_cell
from tenants import encryption, provisioning
from tenants.dumps import programs
from tenants.encryption import DecryptionError
from tenants.exceptions import DumpError
from tenants.models import DeletedOrganization, Domain, Organization, WebhookEndpoint
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.organizations import made_organization, schema_exists

# --- Fernet with one key -------------------------------------------------------------------------


def test_trap_one_key_for_all_reads_another_organizations_secret(world: World) -> None:
    """One key opened everybody's: ours binds a secret to its organization."""
    with platform():
        theirs = WebhookEndpoint.objects.filter(organization=world.globex).first()
        assert theirs is not None
        assert theirs.token == world.webhook_tokens["globex"]
        moved = WebhookEndpoint(organization=world.acme, token_encrypted=theirs.token_encrypted)
    with pytest.raises(DecryptionError):
        moved.token  # noqa: B018 - reading it decrypts


def test_trap_one_key_for_all_reads_another_field(world: World) -> None:
    """And to its field: a webhook token is no signing key."""
    sealed = encryption.encrypt("secret", organization_id=world.acme.pk, field="webhook_token")
    with pytest.raises(DecryptionError):
        encryption.decrypt(sealed, organization_id=world.acme.pk, field="retell_key")


# --- pg_dump in a pipe ---------------------------------------------------------------------------


@pytest.fixture
def initech(committed: World, settings: Any, tmp_path: Path) -> Iterator[Organization]:
    """A third organization with a row, and a folder for its dump."""
    settings.BACKUP_DIR = str(tmp_path)
    with made_organization("initech") as organization:
        with organization_context(organization):
            Agent.objects.create(retell_agent_id="agent_1", name="kept")
        yield organization


def test_trap_pg_dump_failure_is_taken_for_a_dump(
    initech: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pg_dump | gzip` exits 0 with the database down: ours drops nothing without a dump."""
    environment = programs.environment_of("owner") | {"PGHOST": "127.0.0.1", "PGPORT": "9"}
    monkeypatch.setattr(programs, "environment_of", lambda _: environment)
    with pytest.raises(DumpError, match="pg_dump failed"):
        provisioning.delete_schema(initech)
    assert schema_exists(initech.schema_name)
    assert Organization.objects.using("owner").get(pk=initech.pk).status == "active"


@pytest.mark.parametrize("left", [0.0, 0.7, 0.999])
def test_trap_pg_dump_cut_in_its_middle_passes_for_whole(
    initech: Organization, left: float
) -> None:
    """`pg_restore -l` passes a file cut at 70 %: ours is sealed as a whole."""
    provisioning.delete_schema(initech)
    kept = DeletedOrganization.objects.using("owner").get(organization_id=initech.pk)
    path = Path(kept.dump_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * left)])
    with pytest.raises(DumpError, match="missing or changed"):
        provisioning.restore_schema(initech)
    assert not schema_exists(initech.schema_name)


def test_trap_pg_dump_is_proven_by_restoring_it(initech: Organization) -> None:
    """What came back is what was there."""
    provisioning.delete_schema(initech)
    provisioning.restore_schema(initech)
    connection.close()  # it works as a role that was dropped
    with organization_context(initech):
        assert Agent.objects.get().name == "kept"


# --- Formulas ------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_trap_formulas_run_from_a_csv_file(
    world: World, browser_of: ClientFactory, start: str
) -> None:
    """A spreadsheet runs what begins like one: an apostrophe makes it text."""
    text = f"{start}cmd|' /C calc'!A0"
    with platform(), circumstances(actor=Actor(text)):
        record(DONE, text, reason=text, organization=world.acme)
    response = browser_of(world.people.alice, world.acme).get("/audit/export/")
    rows = list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"), newline="")))
    cells = [cell for row in rows for cell in row if "calc" in cell]
    assert len(cells) >= 3
    assert not [cell for cell in cells if cell.startswith(start)]


def test_trap_formulas_leave_negative_numbers_numbers() -> None:
    """A credit of -12.50 must add up."""
    assert [safe_cell("-12.50"), safe_cell(-3)] == ["-12.50", -3]


# --- DomainMixin ---------------------------------------------------------------------------------

HOSTILE = ["evil.example", "*", "192.0.2.1", "a\nb.example", "localhost", "globex.localhost"]


@pytest.mark.parametrize("domain", HOSTILE)
def test_trap_domain_mixin_takes_anything_for_a_domain(
    world: World, browser_of: ClientFactory, domain: str
) -> None:
    """It stores newlines, `*` and addresses: no page of ours writes a domain."""
    values = {"domain": domain, "tenant": str(world.acme.pk), "is_primary": "on"}
    sam = browser_of(world.people.sam)
    assert sam.post("/admin/tenants/domain/add/", values).status_code == 403
    with platform():
        assert not Domain.objects.filter(domain=domain).exists()


@pytest.mark.parametrize("domain", HOSTILE)
def test_trap_domain_mixin_row_is_no_proof(world: World, domain: str) -> None:
    """A row shows nobody's pages before it is verified, and never those of another name."""
    with platform():
        Domain.objects.create(domain=domain, tenant=world.acme, is_primary=False)
    response = CanaryClient(domain.replace("\n", "")).get("/sign-in/")
    shown = getattr(response.wsgi_request, "organization", None)
    assert shown != world.acme


def test_trap_domain_mixin_verified_star_matches_only_itself(world: World) -> None:
    """Were one verified by mistake, it is no wildcard."""
    with platform():
        Domain.objects.create(
            domain="*.example.com", tenant=world.acme, is_primary=False, verified_at=timezone.now()
        )
    assert CanaryClient("anything.example.com").get("/sign-in/").status_code == 404
