"""The system page, and what it can do about jobs that failed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob
from redis.exceptions import ConnectionError as CacheGone

from audit.models import Entry
from config import presence
from operations import failed_jobs, measuring, metrics, system
from operations.health import MEASUREMENTS, Measurement
from operations.health.rounds import Rounds
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.retell import receive

URL = "/system/"
JOB = (
    "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, queueing_lock)"
    " VALUES ('default', 'accounts.send_invitation', '{}', %s, %s) RETURNING id"
)


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this had been found: measuring sees nothing of a test's transaction."""
    found = [
        Measurement("worker", is_well=False, found="No worker is running.", fix="Start it."),
        Measurement("database", is_well=True, found="The database answers."),
    ]
    monkeypatch.setattr(system, "measurements", Rounds(lambda: found))


@pytest.fixture
def operator(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.sam)


def shown(operator: CanaryClient, **headers: str) -> str:
    response = operator.get(URL, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def make_job(status: str = "failed", lock: str | None = None) -> int:
    with platform(), connection.cursor() as cursor:
        cursor.execute(JOB, [status, lock])
        (number,) = cursor.fetchone() or (0,)
    return int(number)


def state_of(job_id: int) -> str | None:
    with platform():
        return ProcrastinateJob.objects.filter(pk=job_id).values_list("status", flat=True).first()


def audited(code: str) -> list[str]:
    with platform():
        return list(Entry.objects.filter(code=code).values_list("object_repr", flat=True))


def test_it_says_what_is_not_well_and_how_to_mend_it(operator: CanaryClient) -> None:
    text = shown(operator)
    assert "No worker is running." in text
    assert "Start it." in text
    assert f"1 / {len(MEASUREMENTS)}" in text
    assert "It could not be measured in time." in text


def test_it_shows_processes_queues_and_versions(operator: CanaryClient) -> None:
    presence.beat("web", time.time())
    make_job("todo")
    text = shown(operator)
    for word in ("web", "default", "owner", "PostgreSQL", "switchboard@"):
        assert word in text


def test_it_refreshes_its_upper_part_by_itself(operator: CanaryClient) -> None:
    part = shown(operator, **{"HX-Request": "true"})
    assert part.lstrip().startswith('<div class="stack" id="system"')
    assert "Versions" not in part


def test_it_shows_what_became_of_deliveries(operator: CanaryClient, world: World) -> None:
    with organization_context(world.acme):
        receive(world, b"no json")
        measuring.measure(world.acme)
    text = shown(operator)
    assert "Acme" in text
    assert "KB" in text or "MB" in text


def test_it_works_without_redis(operator: CanaryClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> Any:
        raise CacheGone

    monkeypatch.setattr(presence, "everyone", away)
    monkeypatch.setattr(system, "get_redis_connection", away)
    text = shown(operator)
    assert "Redis does not answer, so which processes run is not known." in text
    assert "Pages go on without it; nothing is lost." in text


def test_it_says_so_when_postgresql_does_not_count_statements(operator: CanaryClient) -> None:
    assert system.slow_queries() is None
    assert "CREATE EXTENSION pg_stat_statements" in shown(operator)


# --- Failed jobs ---------------------------------------------------------------------------------


def test_a_failed_job_runs_again(operator: CanaryClient) -> None:
    job = make_job()
    assert f"retry-{job}" in shown(operator)
    assert operator.post(f"/system/jobs/{job}/retry/").status_code == 302
    assert state_of(job) == "todo"
    assert audited("operations.job_retried") == [f"accounts.send_invitation ({job})"]


def test_a_failed_job_is_discarded(operator: CanaryClient) -> None:
    job = make_job()
    operator.post(f"/system/jobs/{job}/discard/")
    assert state_of(job) is None
    assert audited("operations.job_discarded") == [f"accounts.send_invitation ({job})"]


@pytest.mark.parametrize("what", ["retry", "discard"])
@pytest.mark.parametrize("status", ["todo", "doing"])
def test_only_what_failed_can_be_touched(operator: CanaryClient, what: str, status: str) -> None:
    job = make_job(status)
    answer = operator.post(f"/system/jobs/{job}/{what}/", follow=True)
    assert "somebody was faster. Nothing was done." in answer.content.decode()
    assert state_of(job) == status


def test_a_job_that_waits_already_is_not_doubled(operator: CanaryClient) -> None:
    make_job("todo", "one-at-a-time")
    job = make_job("failed", "one-at-a-time")
    answer = operator.post(f"/system/jobs/{job}/retry/", follow=True)
    assert "Discard it instead." in answer.content.decode()
    assert state_of(job) == "failed"
    assert audited("operations.job_retried") == []


def test_failed_jobs_are_counted_for_alerts(world: World) -> None:
    make_job()
    with platform():
        found = {sample.name: sample.value for sample in metrics._work()}
        assert found["switchboard_failed_jobs"] == failed_jobs.failed().count() == 1
