"""What is measured of the running product, each against the real engines."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone
from psycopg import sql
from redis.exceptions import ConnectionError as CacheGone

from config import presence
from operations import measuring
from operations.health import MEASUREMENTS, cache, database, host, roles, work
from operations.health.measurement import span
from operations.models import HealthLevel, OrganizationHealth
from tenants.db.roles import role_name
from tenants.models import Organization, OrganizationStatus
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import World
from testing.organizations import database_name
from testing.retell import receive


def execute(statement: str, *parameters: int) -> None:
    with platform(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def unmade_organization() -> Organization:
    """Its row says that it is ready, and nothing else is."""
    with platform():
        return Organization.objects.create(
            name="Initech", slug="initech", status=OrganizationStatus.ACTIVE
        )


def test_each_measurement_is_known_by_its_code(world: World) -> None:
    assert [measure().code for measure in MEASUREMENTS.values()] == list(MEASUREMENTS)


@pytest.mark.parametrize("code", ["database", "migrations", "roles", "redis", "queue", "clock"])
def test_a_product_that_was_just_set_up_is_well(world: World, code: str) -> None:
    found = MEASUREMENTS[code]()
    assert found.is_well, found


def test_settings_that_lose_data_are_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "switched_off", lambda: ["fsync"])
    found = database.durability()
    assert not found.is_well
    assert "fsync is off" in found.found


# --- Migrations and roles ------------------------------------------------------------------------


def test_a_schema_that_is_behind_is_found(world: World) -> None:
    unmade_organization()
    found = database.migrations()
    assert not found.is_well
    assert found.found.endswith("migrations: 1.")
    assert "release" in found.fix


def test_a_migration_missing_in_the_shared_schema_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = database._known_migrations()
    monkeypatch.setattr(database, "_known_migrations", lambda: known | {("calls", "9999_later")})
    assert not database.migrations().is_well


def test_a_database_ahead_of_this_version_is_well(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = database._known_migrations()
    newest = max(key for key in known if key[0] == "calls")
    monkeypatch.setattr(database, "_known_migrations", lambda: known - {newest})
    monkeypatch.setattr(database, "_fingerprint", lambda: "of the version before")
    assert database.migrations().is_well


def test_migrations_take_the_same_queries_for_any_number(
    world: World, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(4):  # two, and those of the transaction around them
        database.migrations()


def test_an_organization_without_schema_and_role_is_found(world: World) -> None:
    unmade_organization()
    found = roles.roles()
    assert not found.is_well
    assert "1 without a schema; 1 without a database role" in found.found


def test_a_role_without_its_grants_or_memberships_is_found(committed: World) -> None:
    owner: Any = connections["owner"]
    schema = committed.acme.schema_name
    role = sql.Identifier(role_name(database_name(), schema))
    group = sql.Identifier(role_name(database_name(), "organizations"))
    table = sql.Identifier(schema, "calls_call")
    with owner.cursor() as cursor:
        try:
            cursor.execute(sql.SQL("REVOKE SELECT ON {} FROM {}").format(table, role))
            cursor.execute(sql.SQL("REVOKE {} FROM {}").format(group, role))
            found = roles.roles()
        finally:
            cursor.execute(sql.SQL("GRANT {} TO {}").format(group, role))
            cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(table, role))
    assert not found.is_well
    assert "1 whose role is not a member" in found.found
    assert "1 whose role may not use its own schema" in found.found
    assert roles.roles().is_well


# --- Worker, scheduler, queue, deliveries --------------------------------------------------------

BEAT = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s * interval '1 s')"
DEFER = "INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp) VALUES ('t', %s)"
JOB = (
    "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, scheduled_at)"
    " VALUES ('default', 't', '{}', 'todo', now() - %s * interval '1 s')"
)


@pytest.mark.parametrize(("age", "is_well"), [(3, True), (work.WORKER_SILENT_SECONDS + 5, False)])
def test_a_worker_that_gives_no_sign_is_dead(world: World, age: int, is_well: bool) -> None:
    execute("DELETE FROM procrastinate_workers")
    execute(BEAT, age)
    assert work.worker().is_well == is_well


def test_without_a_worker_it_says_how_to_start_one(world: World) -> None:
    execute("DELETE FROM procrastinate_workers")
    found = work.worker()
    assert (found.is_well, found.found) == (False, "No worker is running.")
    assert "Start the process `worker`" in found.fix


@pytest.mark.parametrize(
    ("age", "is_well"), [(30, True), (work.SCHEDULER_SILENT_SECONDS + 5, False)]
)
def test_a_scheduler_that_enqueues_nothing_stands_still(
    world: World, age: int, is_well: bool
) -> None:
    execute("DELETE FROM procrastinate_periodic_defers")
    assert not work.scheduler().is_well
    execute(DEFER, int(time.time()) - age)
    assert work.scheduler().is_well == is_well


@pytest.mark.parametrize(
    ("age", "is_well"), [(-60, True), (5, True), (work.QUEUE_SECONDS + 5, False)]
)
def test_a_job_that_is_due_for_long_is_found(world: World, age: int, is_well: bool) -> None:
    execute(JOB, age)
    assert work.queue().is_well == is_well


def health_of(organization: Organization, **values: Any) -> None:
    empty = {
        "measured_at": timezone.now(), "level": HealthLevel.OK, "is_connected": True,
        "has_gap": False, "quarantined": 0, "failed": 0, "refused": 0, "findings": 0,
    }  # fmt: skip
    with platform():
        OrganizationHealth.objects.create(organization=organization, **empty | values)


@pytest.mark.parametrize(("minutes", "is_well"), [(5, True), (20, False)])
def test_a_delivery_that_nobody_tries_again_is_found(
    world: World, minutes: int, is_well: bool
) -> None:
    health_of(world.acme, overdue_since=timezone.now() - timedelta(minutes=minutes))
    assert work.deliveries().is_well == is_well


def test_what_was_not_applied_is_measured_of_each_organization(world: World) -> None:
    with organization_context(world.acme):
        receive(world, b"no json")
        measuring.measure(world.acme)
    with platform():
        health = OrganizationHealth.objects.get(pk=world.acme.pk)
    assert (health.received, health.in_quarantine, health.unapplied) == (1, 1, 0)
    assert health.size_bytes > 100_000


# --- Redis, live, the host -----------------------------------------------------------------------


def away(*_: Any) -> Any:
    raise CacheGone


def test_redis_that_does_not_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "get_redis_connection", away)
    found = cache.redis()
    assert not found.is_well
    assert "Nothing is lost" in found.fix


def test_live_is_there_once_it_said_so() -> None:
    assert not cache.live().is_well
    presence.beat("live", time.time())
    assert cache.live().is_well


def test_an_installation_may_run_without_live(settings: Any) -> None:
    settings.LIVE_EXPECTED = False
    assert cache.live().is_well


def test_without_redis_nobody_knows_of_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "everyone", away)
    assert "not known" in cache.live().found


@pytest.mark.parametrize(
    ("free", "total", "is_well"),
    [(1, 10, True), (10, 1000, True), (9, 1000, False), (0, 10, False)],
)
def test_a_disk_with_little_room_is_found(
    monkeypatch: pytest.MonkeyPatch, free: int, total: int, is_well: bool
) -> None:
    gigabytes = {"product": (free * 1024**3, total * 1024**3)}
    monkeypatch.setattr(host, "disks", lambda: gigabytes)
    assert host.disk().is_well == is_well


def test_a_clock_that_is_off_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_redis_ahead", lambda: -61.0)
    found = host.clock()
    assert (found.is_well, found.found) == (
        False, "This host's clock is 61 seconds from that of Redis.",
    )  # fmt: skip


def test_the_clock_is_known_without_redis(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "get_redis_connection", away)
    assert host.clock().is_well


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.6, "1 second"), (61, "61 seconds"), (120, "2 minutes"), (7300, "2 hours"), (2e5, "2 days")],
)
def test_lengths_of_time_are_said_in_words(seconds: float, text: str) -> None:
    assert span(seconds) == text
