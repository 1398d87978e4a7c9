"""Second factors, addresses, the audit log, and limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from auditlog.registry import auditlog
from django.core.cache import caches
from django.db import connection, connections, transaction
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.actions import members, sign_in
from accounts.models import Role, User
from audit.models import Entry
from audit.tests.chains import entries
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, ClientFactory, World
from testing.retell import body_of, post

# --- device.verify_token() -----------------------------------------------------------------------


@pytest.fixture
def dana(committed: World) -> Iterator[tuple[User, TOTPDevice]]:
    """A person with an authenticator app; committed, and removed afterwards."""
    user = members.add_member(
        committed.acme, email="dana@example.com", role=Role.VIEWER, password=PASSWORD
    )
    with door():
        device = TOTPDevice.objects.create(user=user, name="Phone", confirmed=True)
    yield user, device
    with platform():
        user.delete()


def test_trap_device_verify_token_accepts_a_code_in_parallel(
    dana: tuple[User, TOTPDevice],
) -> None:
    """It accepted one code 16 of 16 times: `django_otp.verify_token()` locks the device's row."""
    user, device = dana

    def attempt(_: int) -> bool:
        try:
            return sign_in.verify_code(user, f"{totp(device.bin_key):06d}") is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(attempt, range(16))) == 1


def test_trap_device_verify_token_failures_are_rolled_back_with_the_request(
    world: World, settings: Any
) -> None:
    """A rollback takes counters in rows along; guesses are counted in the cache before them."""
    settings.SECOND_FACTOR_LIMITS = ("2/5m",)
    with door():
        TOTPDevice.objects.create(user=world.people.alice, name="Phone", confirmed=True)
    client = CanaryClient(world.acme.host)
    client.post("/sign-in/", {"email": "alice@example.com", "password": PASSWORD})
    statuses = []
    for _ in range(3):
        with transaction.atomic():
            statuses.append(client.post("/sign-in/code/", {"code": "000000"}).status_code)
            transaction.set_rollback(True)
    assert statuses == [200, 200, 429]


# --- The first element of X-Forwarded-For --------------------------------------------------------

FORGED = ["192.0.2.{}", "192.0.2.{}, 203.0.113.9", "garbage-{}", "{}\x00", "999.1.1.{}, ::1"]


@pytest.mark.parametrize("forged", FORGED)
def test_trap_first_forwarded_address_bypasses_limits(world: World, forged: str) -> None:
    """The client writes it: limits count the socket's peer."""
    statuses = [
        CanaryClient(world.acme.host)
        .post("/sign-in/", {"email": f"{n}@x.example", "password": "x"},
              headers={"X-Forwarded-For": forged.format(n)})
        .status_code
        for n in range(11)
    ]  # fmt: skip
    assert statuses == [200] * 10 + [429]


def test_trap_first_forwarded_address_bypasses_the_apis_limits(
    world: World, browser_of: ClientFactory, settings: Any
) -> None:
    """As DRF's own throttles read it."""
    settings.API_READ_LIMIT = "2/m"
    sam = browser_of(world.people.sam)
    statuses = [
        sam.get("/api/cache/stats", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code
        for n in range(3)
    ]
    assert statuses == [200, 200, 429]


@pytest.mark.parametrize("forged", FORGED)
def test_trap_first_forwarded_address_stands_in_the_audit_log(world: World, forged: str) -> None:
    """auditlog wrote what the client chose, and failed on garbage: ours writes the peer."""
    client = CanaryClient(world.acme.host)
    credentials = {"email": "alice@example.com", "password": PASSWORD}
    headers = {"X-Forwarded-For": forged.format(1)}
    response = client.post("/sign-in/", credentials, headers=headers, REMOTE_ADDR="203.0.113.7")
    assert response.status_code == 302
    assert entries(world.acme)[-1].remote_addr == "203.0.113.7"


# --- auditlog ------------------------------------------------------------------------------------


def test_trap_auditlog_mask_fields_keeps_half_of_a_secret(world: World) -> None:
    """Nothing is registered with it, so nothing is masked by halves."""
    registered = [model for model in auditlog.get_models() if model is not Entry]
    assert registered == []


def test_trap_auditlog_writes_no_part_of_a_secret(world: World, browser_of: ClientFactory) -> None:
    """A changed password leaves an entry, and neither half of its hash."""
    alice = browser_of(world.people.alice, world.acme)
    alice.post("/account/password/", {"old": PASSWORD, "password": "seven unrelated words of mine",
                                      "again": "seven unrelated words of mine"})  # fmt: skip
    with door():
        stored = User.objects.get(pk=world.people.alice.pk).password
    log = json.dumps([[e.code, e.changes, e.additional_data] for e in entries(world.acme)])
    assert "accounts.password_changed" in log
    assert stored[: len(stored) // 2] not in log
    assert stored[len(stored) // 2 :] not in log


def test_trap_auditlog_actor_is_lost_with_the_person(world: World) -> None:
    """A foreign key set to NULL would rewrite chained rows: the actor is an id and a label."""
    client = CanaryClient(world.acme.host)
    client.post("/sign-in/", {"email": "bob@example.com", "password": PASSWORD})
    before = entries(world.acme)[-1]
    with platform():
        User.objects.get(pk=world.people.bob.pk).delete()
    after = entries(world.acme)[-1]
    assert (after.actor_id, after.actor_label) == (world.people.bob.pk, before.actor_label)
    assert bytes(after.hash) == bytes(before.hash)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint"
            " WHERE conrelid = 'public.audit_entry'::regclass AND contype = 'f'"
        )
        assert cursor.fetchall() == []


# --- django-ratelimit without Redis --------------------------------------------------------------


@pytest.fixture
def redis_gone(settings: Any) -> None:
    """Nobody listens where the limits are counted."""
    away = {**settings.CACHES["limits"], "LOCATION": "redis://127.0.0.1:9/0"}
    settings.CACHES = {**settings.CACHES, "limits": away}


@pytest.mark.usefixtures("redis_gone")
def test_trap_ratelimit_without_redis_pages_are_open(
    world: World, browser_of: ClientFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """It raises, or limits everybody: pages and passwords fail open, and the log says so."""
    alice = browser_of(world.people.alice, world.acme)
    assert [alice.get("/agents/").status_code for _ in range(3)] == [200] * 3
    credentials = {"email": "alice@example.com", "password": PASSWORD}
    assert CanaryClient(world.acme.host).post("/sign-in/", credentials).status_code == 302
    assert "rate limit not counted" in caplog.text


@pytest.mark.usefixtures("redis_gone")
def test_trap_ratelimit_without_redis_refused_webhooks_stay_refused(world: World) -> None:
    """Neither a 500 nor a 429: the same 401, and signed ones are taken."""
    forged = [post(world, b"", header="v=1,d=" + "0" * 64).status_code for _ in range(3)]
    assert forged == [401] * 3
    assert post(world, body_of()).status_code == 204


@pytest.mark.usefixtures("redis_gone")
def test_trap_ratelimit_without_redis_second_factors_are_closed(world: World) -> None:
    """A code is short: uncounted, nobody tries one."""
    with door():
        device = TOTPDevice.objects.create(user=world.people.alice, name="Phone", confirmed=True)
    client = CanaryClient(world.acme.host)
    client.post("/sign-in/", {"email": "alice@example.com", "password": PASSWORD})
    response = client.post("/sign-in/code/", {"code": f"{totp(device.bin_key):06d}"})
    assert response.status_code == 429
    assert client.get("/").status_code == 302


def test_trap_ratelimit_answers_403_without_a_time_to_come_back(
    world: World, browser_of: ClientFactory, settings: Any
) -> None:
    """Its decorator answers 403: ours is 429 with `Retry-After` and a page."""
    settings.PAGE_LIMIT = "1/15m"
    alice = browser_of(world.people.alice, world.acme)
    alice.get("/agents/")
    response = alice.get("/agents/")
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 15 * 60
    assert b"Too many" in response.content


def test_redis_is_really_gone(redis_gone: None) -> None:
    """The tests above are about something."""
    caches["limits"].set("x", 1)
    assert caches["limits"].get("x") is None
