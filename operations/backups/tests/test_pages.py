"""The page of backups: what it says, and what can be asked for there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from operations.backups.actions import MAKE_TASK, PROVE_TASK
from operations.backups.models import Backup
from operations.readiness.categories import data
from tenants.scope import platform
from testing.fixtures import CanaryClient, ClientFactory, World

PAGE = "/backups/"


@pytest.fixture
def sam(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.sam)


def made(number: int = 1, **fields: Any) -> Backup:
    now = timezone.now() - timedelta(minutes=number)
    values: dict[str, Any] = {
        "name": f"{number}.backup", "state": "done", "snapshot_at": now, "started_at": now,
        "finished_at": now + timedelta(seconds=30), "size_bytes": 1024 * 1024 * number,
        "tables": 87, "rows": 99_000, "proof_state": "proven",
        "proof_message": "Restored and compared.",
    }  # fmt: skip
    with platform():
        return Backup.objects.create(**(values | fields))


def text(client: CanaryClient) -> str:
    return str(client.get(PAGE).content.decode())


def jobs(task: str) -> int:
    with platform():
        return int(ProcrastinateJob.objects.filter(task_name=task).count())


def test_without_any_it_says_what_makes_the_first(sam: CanaryClient) -> None:
    assert "No backup yet" in text(sam)


def test_a_proven_backup_shows_its_size_rows_and_proof(sam: CanaryClient) -> None:
    made(3)
    shown = text(sam)
    assert "99,000" in shown
    assert "3 MB" in shown
    assert "Proven" in shown


def test_a_backup_has_a_page_with_its_name_and_what_was_found(sam: CanaryClient) -> None:
    backup = made(3)
    shown = sam.get(f"/backups/{backup.pk}/").content.decode()
    assert "3.backup" in shown
    assert "Restored and compared." in shown
    assert "Prove now" in shown


def test_the_trend_of_sizes_is_drawn_from_two_on(sam: CanaryClient) -> None:
    made(1)
    assert "chart-plot" not in text(sam)
    made(2)
    assert "chart-plot" in text(sam)


def test_two_and_forty_backups_take_the_same_queries(sam: CanaryClient) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connections["default"]) as captured:
            sam.get(PAGE)
        return len([query for query in captured if "operations_backup" in query["sql"]])

    made(1), made(2)
    text(sam)
    before = queries()
    for number in range(3, 41):
        made(number)
    assert queries() == before


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "failed", "message": "pg_dump failed: no room."}, "pg_dump failed: no room."),
        ({"proof_state": "failed", "proof_message": "cut off"}, "could not be proven: cut off"),
        ({"proof_state": "none"}, "No backup was proven yet"),
        ({"snapshot_at": timezone.now() - timedelta(days=2)}, "no backup of the last day"),
    ],
)
def test_what_is_wrong_stands_on_top(sam: CanaryClient, fields: dict[str, Any], words: str) -> None:
    made(1, **fields)
    assert words in " ".join(text(sam).split())


def test_a_backup_on_its_way_shows_how_far_it_is_and_is_asked_for_again(
    sam: CanaryClient,
) -> None:
    made(1, state="running", step="Dumping", done=25, total=100)
    shown = text(sam)
    assert "Dumping, 25 %" in shown
    assert 'hx-trigger="every 2s"' in shown


def test_a_page_where_nothing_happens_is_left_alone(sam: CanaryClient) -> None:
    made(1)
    assert "every 2s" not in text(sam)


def test_back_up_now_queues_one(sam: CanaryClient) -> None:
    assert sam.post("/backups/new/").status_code == 302
    with platform():
        assert Backup.objects.get().asked_by == "Sam"
    assert jobs(MAKE_TASK) == 1


def test_a_second_click_queues_no_second_one(sam: CanaryClient) -> None:
    sam.post("/backups/new/")
    answer = sam.post("/backups/new/", follow=True)
    assert "A backup is being made already" in answer.content.decode()
    assert jobs(MAKE_TASK) == 1


def test_prove_now_queues_a_proof_once(sam: CanaryClient) -> None:
    backup = made(1)
    for _ in range(2):
        sam.post(f"/backups/{backup.pk}/prove/")
    assert jobs(PROVE_TASK) == 1
    with platform():
        assert Backup.objects.get().proof_state == "waiting"


def test_a_backup_that_failed_is_not_proven(sam: CanaryClient) -> None:
    backup = made(1, state="failed")
    answer = sam.post(f"/backups/{backup.pk}/prove/", follow=True)
    assert "its file is gone" in answer.content.decode()
    assert jobs(PROVE_TASK) == 0


def test_only_operators_see_backups(world: World, browser_of: ClientFactory) -> None:
    alice = browser_of(world.people.alice, world.acme)
    assert alice.get(PAGE).status_code == 404


# --- For those who watch ------------------------------------------------------------------------


def test_without_a_backup_its_measurement_is_not_well(world: World) -> None:
    assert not data.backup_fresh().is_well
    assert not data.backup_proven().is_well


@pytest.mark.parametrize(
    ("fields", "is_well"),
    [
        ({"proven_at": timezone.now()}, True),
        ({"proof_state": "none"}, False),
        ({"proof_state": "failed"}, False),
        ({"snapshot_at": timezone.now() - timedelta(days=2)}, False),
        ({"state": "failed"}, False),
    ],
)
def test_a_backup_is_well_when_it_is_fresh_and_proven(
    world: World, fields: dict[str, Any], is_well: bool
) -> None:
    made(1, **fields)
    measured = (data.backup_fresh(), data.backup_proven())
    assert all(one.is_well for one in measured) is is_well
