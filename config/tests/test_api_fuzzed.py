"""Schemathesis against the running product, with a key of each kind: all its checks, stateful too.

Bounded by FUZZ_SECONDS for each kind of key; `make fuzz-api` takes longer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.actions import members
from accounts.models import Role, User
from accounts.scopes import OF_ORGANIZATIONS, Scope
from agents.models import Agent
from calls.tests.records import make_calls
from config.api import document
from tenants.models import Organization, OrganizationStatus
from tenants.pin import organization_context
from tenants.scope import platform
from testing.api import key_of
from testing.fixtures import PASSWORD, World
from testing.organizations import made_organization
from testing.servers import Servers, running_servers

SECONDS = int(os.environ.get("FUZZ_SECONDS", "25"))
# Nothing is limited but by the time there is.
UNLIMITED = {
    "API_READ_LIMIT": "1000000/m", "API_WRITE_LIMIT": "1000000/m", "EXPORT_LIMIT": "1000000/h",
    "SIGN_IN_LIMIT": "1000000/m", "SIGN_IN_ACCOUNT_LIMIT": "1000000/m",
}  # fmt: skip
CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
READING = frozenset(scope for scope in OF_ORGANIZATIONS if scope.value.endswith(":read"))
KINDS = {
    "all": OF_ORGANIZATIONS,
    "reading": READING,
    "masked": frozenset({Scope.CALLS_READ, Scope.EXPORTS}),
}


@pytest.fixture(scope="module")
def unlimited(django_db_setup: World) -> Iterator[Servers]:
    with running_servers({**os.environ, **UNLIMITED}) as started:
        yield started


@pytest.fixture
def fuzzed(committed: World) -> Iterator[Organization]:
    """An organization of its own, because anything may happen to it."""
    with made_organization("fuzzed") as made:
        with platform():
            organization = Organization.objects.get(pk=made.pk)
        members.add_member(
            organization, email="fay@example.com", role=Role.ADMIN, password=PASSWORD, name="Fay"
        )
        with organization_context(organization):
            Agent.objects.create(retell_agent_id="agent_1", name="Desk")
            make_calls(5)
        yield organization
    with platform():
        User.objects.filter(email="fay@example.com").delete()


def _attack(
    servers: Servers, host: str, name: str, credential: str, folder: Path, *more: str
) -> subprocess.CompletedProcess[str]:
    """In a folder of its own, where it keeps what it found."""
    program = str(Path(sys.executable).parent / "st")
    return subprocess.run(
        [
            program, "--config-file", str(CONFIGURATION), "run", str(document.FOLDER / name),
            "--url", f"http://127.0.0.1:{servers.web_port}",
            "--header", f"Host:{host}:{servers.web_port}",
            "--header", f"Authorization:Bearer {credential}",
            "--checks", "all", "--max-time", str(SECONDS), "--seed", "20261130",
            "--generation-database", "none", "--no-color", *more,
        ],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip


def test_schemathesis_finds_nothing_with_the_token_of_a_person(
    unlimited: Servers, fuzzed: Organization, tmp_path: Path
) -> None:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{unlimited.web_port}/api/v1/token",
        data=json.dumps({"email": "fay@example.com", "password": PASSWORD}).encode(),
        headers={
            "Host": f"fuzzed.localhost:{unlimited.web_port}", "Content-Type": "application/json",
        },
    )  # fmt: skip
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 - as above
        token = json.load(answer)["access"]
    done = _attack(unlimited, "fuzzed.localhost", "openapi.json", token, tmp_path)
    assert done.returncode == 0, done.stdout[-8000:]


@pytest.mark.parametrize("kind", KINDS)
def test_schemathesis_finds_nothing(
    unlimited: Servers, fuzzed: Organization, tmp_path: Path, kind: str
) -> None:
    key = key_of(fuzzed, *KINDS[kind]).text
    done = _attack(unlimited, "fuzzed.localhost", "openapi.json", key, tmp_path)
    assert done.returncode == 0, done.stdout[-8000:]


def test_schemathesis_finds_nothing_on_the_operator_host(
    unlimited: Servers, committed: World, tmp_path: Path
) -> None:
    """Suspending included; making organizations takes a worker, and is tested by itself."""
    made = key_of(None, Scope.ORGANIZATIONS_READ, Scope.ORGANIZATIONS_WRITE)
    try:
        done = _attack(
            unlimited, "localhost", "openapi-operator.json", made.text, tmp_path,
            "--exclude-operation-id", "create_organization",
        )  # fmt: skip
    finally:
        with platform():
            made.row.delete()
            Organization.objects.update(status=OrganizationStatus.ACTIVE, suspended_reason="")
    assert done.returncode == 0, done.stdout[-8000:]
