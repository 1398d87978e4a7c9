"""From a backup and the documentation alone: its commands are read and run, then the product is
used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from operations.backups import scratch
from tenants.db.environment_file import read_environment_file
from testing.fixtures import World
from testing.retell import body_of, sign
from testing.servers import running_servers

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "backup-and-recovery.md"
MARK = "<!-- rehearsed by a test"
DATABASE_URLS = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_BACKUP_URL")


def commands() -> str:
    """The block of the documentation that brings everything back."""
    found = re.search(re.escape(MARK) + r".*?```sh\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def elsewhere(backup: dict[str, Any], store: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What an operator has after a fire: an empty server, the backups, the keys."""
    own = {key: value for key, value in os.environ.items() if key not in DATABASE_URLS}
    with scratch.own_server() as admin_url:
        yield own | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DATABASE_ADMIN_URL": admin_url,
            "ENVIRONMENT_FILE": str(tmp_path / "database.env"),
            "BACKUP_STORAGE": f"file://{store}",
        }


def follow(environment: dict[str, str]) -> dict[str, str]:
    """Run the documented commands; the environment to start the product with."""
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", commands()],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return environment | read_environment_file(Path(environment["ENVIRONMENT_FILE"]))


def test_the_documentation_brings_everything_back(elsewhere: dict[str, str], filled: World) -> None:
    environment = follow(elsewhere)
    body = body_of("call_ended", call_id="call_after_the_fire")
    with running_servers(environment) as servers:
        health = f"http://127.0.0.1:{servers.web_port}/health"
        with urllib.request.urlopen(health, timeout=10) as answer:
            assert answer.status == 200
        token = filled.webhook_tokens["acme"]
        request = urllib.request.Request(
            f"http://127.0.0.1:{servers.web_port}/webhooks/retell/{token}/",
            data=body,
            headers={"X-Retell-Signature": sign(body), "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own
            assert answer.status == 204
    assert calls(environment, filled.acme.schema_name) == ["call_after_the_fire"]
    assert agents(environment, filled.globex.schema_name) == 1


def calls(environment: dict[str, str], schema: str) -> list[str]:
    query = sql.SQL("SELECT retell_call_id FROM {}").format(sql.Identifier(schema, "calls_call"))
    with psycopg.connect(environment["DATABASE_OWNER_URL"]) as owner:
        return [call for (call,) in owner.execute(query)]


def agents(environment: dict[str, str], schema: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, "agents_agent"))
    with psycopg.connect(environment["DATABASE_OWNER_URL"]) as owner:
        row = owner.execute(query).fetchone()
    return int(row[0]) if row else 0
