"""When the worker makes the next backup, and what it does then."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, cast

import pytest
from django.core import mail as outbox
from hypothesis import given
from hypothesis import strategies as st
from procrastinate import JobContext

from operations.backups import tasks
from operations.backups.exceptions import BackupError
from operations.backups.models import Backup
from operations.backups.schedule import RETRY_AFTER, due_at
from operations.backups.tests.conftest import mails_about_failures, run
from tenants.dumps import programs
from tenants.scope import platform
from testing.fixtures import World

AT = time(2, 30)
NOW = datetime(2026, 5, 5, 12, 0, tzinfo=UTC)
MOMENTS = st.integers(0, 500_000).map(lambda minutes: NOW + timedelta(minutes=minutes))


def test_the_first_one_is_due_at_once() -> None:
    assert due_at(None, None, AT, NOW) == NOW


@given(MOMENTS, st.times())
def test_each_day_has_one(latest: datetime, at: time) -> None:
    due = due_at(latest, None, at, NOW)
    assert timedelta(0) < due - latest <= timedelta(days=1)
    assert due.time() == at


def test_what_was_missed_is_due_at_once() -> None:
    assert due_at(NOW - timedelta(days=3), None, AT, NOW) < NOW


def test_one_that_failed_is_tried_again_after_an_hour() -> None:
    failed = NOW - timedelta(minutes=10)
    assert due_at(NOW - timedelta(days=3), failed, AT, NOW) == failed + RETRY_AFTER


class Worker:
    """What a job asks of its context."""

    def __init__(self, *, is_ending: bool = False) -> None:
        self.is_ending = is_ending

    def should_abort(self) -> bool:
        return self.is_ending


def tick(*, is_ending: bool = False) -> None:
    """The job of every minute."""
    tasks.backup_when_due(cast(JobContext, Worker(is_ending=is_ending)), 0)


def states() -> list[tuple[str, str]]:
    with platform():
        return list(Backup.objects.values_list("state", "proof_state"))


def test_the_worker_makes_the_first_backup_and_proves_it(filled: World) -> None:
    tick()
    assert states() == [("done", "proven")]


def test_the_worker_makes_no_second_one_on_the_same_day(filled: World) -> None:
    run("backup")
    with platform():
        Backup.objects.update(proof_state="proven")
    tick()
    assert len(states()) == 1


def test_a_worker_without_the_backup_login_makes_none(filled: World, settings: Any) -> None:
    settings.DATABASE_BACKUP_URL = ""
    tick()
    assert states() == []


def test_a_worker_that_ends_breaks_its_backup_off(filled: World) -> None:
    with pytest.raises(BackupError, match="worker was stopped"):
        tick(is_ending=True)
    assert states() == [("failed", "none")]
    assert mails_about_failures() == 0


def test_a_worker_that_ends_leaves_its_proof_to_the_next(filled: World) -> None:
    run("backup")
    with pytest.raises(BackupError, match="worker was stopped"):
        tick(is_ending=True)
    assert states() == [("done", "none")]


def test_a_backup_in_another_storage_is_left_to_whoever_made_it(filled: World) -> None:
    run("backup")
    with platform():
        Backup.objects.update(storage="/elsewhere")
    tick()
    assert states() == [("done", "none")]


def test_what_a_killed_worker_left_is_given_up(filled: World) -> None:
    run("backup")
    with platform():
        Backup.objects.update(proof_state="running")
    tick()
    assert states() == [("done", "failed")]
    assert mails_about_failures() == 1


def test_every_super_admin_is_told_of_a_failure(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "environment_of_url", lambda _: {"PGHOST": "/nowhere"})
    with pytest.raises(BackupError):
        tick()
    with platform():
        backup = Backup.objects.get()
    tasks.tell_of_backup(str(backup.pk))
    assert [message.to for message in outbox.outbox] == [["sam@example.com"]]
    assert "pg_dump failed" in outbox.outbox[0].body
    assert "/backups/" in outbox.outbox[0].body
