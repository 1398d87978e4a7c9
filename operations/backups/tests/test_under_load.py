"""Backups while webhooks arrive: nobody waits, and what was acknowledged before is in them."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from operations.backups import restoring
from operations.backups.archive import Archive
from operations.backups.scratch import own_server, prepared
from testing.fixtures import World
from testing.retell import body_of, sign
from testing.servers import Servers

EVENTS_PER_SECOND = 50


@dataclass
class Sender:
    """Plays Retell: signed events at an even pace, one after the other."""

    servers: Servers
    token: str
    statuses: list[int] = field(default_factory=list)
    acknowledged: list[tuple[str, float]] = field(default_factory=list)  # call, when

    def send_until(self, process: subprocess.Popen[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.servers.web_port, timeout=30)
        began, number = time.monotonic(), 0
        while process.poll() is None:
            self._send(connection, f"call_{number:05d}")
            number += 1
            time.sleep(max(0.0, began + number / EVENTS_PER_SECOND - time.monotonic()))
        connection.close()

    def _send(self, connection: http.client.HTTPConnection, call: str) -> None:
        body = body_of("call_ended", call_id=call)
        headers = {"X-Retell-Signature": sign(body), "Content-Type": "application/json"}
        connection.request("POST", f"/webhooks/retell/{self.token}/", body, headers)
        answer = connection.getresponse()
        answer.read()
        self.statuses.append(answer.status)
        if answer.status == 204:
            self.acknowledged.append((call, time.time()))


@pytest.fixture
def sender(servers: Servers, filled: World) -> Sender:
    return Sender(servers, filled.webhook_tokens["acme"])


def start_backup(store: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "backup", "--json"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"BACKUP_STORAGE": f"file://{store}"},
        stdout=subprocess.DEVNULL,
    )


def calls_in(archive: Archive, schema: str) -> set[str]:
    """Restore it, and read the calls there."""
    expected = archive.manifest()
    query = sql.SQL("SELECT retell_call_id FROM {}").format(sql.Identifier(schema, "calls_call"))
    with own_server() as admin_url:
        place = prepared(admin_url, expected)
        restoring.fill(
            archive, owner_url=place.owner_url, size=archive.check(), progress=lambda *_: None
        )
        with psycopg.connect(place.owner_url) as owner:
            return {call for (call,) in owner.execute(query)}


def test_a_backup_under_fifty_events_a_second_loses_none_that_was_acknowledged(
    sender: Sender, store: Path, filled: World
) -> None:
    process = start_backup(store)
    sender.send_until(process)
    assert process.returncode == 0
    assert {status for status in sender.statuses if status >= 500} == set()
    (file,) = store.iterdir()
    archive = Archive.stored(file.name)
    snapshot_at = datetime.fromisoformat(archive.manifest().snapshot_at).timestamp()
    before = {call for call, at in sender.acknowledged if at < snapshot_at}
    held = calls_in(archive, filled.acme.schema_name)
    assert before
    assert before <= held
    after = {call for call, _ in sender.acknowledged} - before
    assert len(held) < len(before) + len(after), "the snapshot lies within the load"
