"""Many threads, few connections, three organizations, cancelled statements: no foreign row.

`RESULTS=50000` raises the number of results looked at; a page of the real server counts for 20.
"""

from __future__ import annotations

import http.client
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.access import SESSION_HOST_KEY, host_key
from accounts.models import User
from accounts.sessions import SessionStore
from agents.models import Agent
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import door
from testing.fixtures import CANARIES, World
from testing.organizations import database_name, made_organization

RESULTS = int(os.environ.get("RESULTS", "6000"))
THREADS = 32
# Django does not translate what is raised while a server-side cursor is closed.
CANCELLED = (DatabaseError, psycopg.Error)
CONNECTIONS = 6


@pytest.fixture
def three(committed: World) -> Iterator[list[Organization]]:
    """Three organizations; the one agent of each is named after it."""
    with made_organization("initech") as initech:
        organizations = [committed.acme, committed.globex, initech]
        for organization in organizations:
            with organization_context(organization):
                Agent.objects.create(retell_agent_id="agent_1", name=organization.slug)
        yield organizations


@contextmanager
def shared_connections() -> Iterator[SimpleQueue[BaseDatabaseWrapper]]:
    """A few connections that threads take turns with, in whatever state they were left."""
    pool: SimpleQueue[BaseDatabaseWrapper] = SimpleQueue()
    made = [connections.create_connection("default") for _ in range(CONNECTIONS)]
    for connection in made:
        connection.inc_thread_sharing()
        pool.put(connection)
    yield pool
    for connection in made:
        connection.close()


def _cancel_statements(stop: Event, cancelled: list[int]) -> None:
    """Cancel whatever application connections are doing, as fast as PostgreSQL takes it."""
    query = (
        "SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = %s AND usename = %s AND random() < 0.5"
    )
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as administrator:
        while not stop.wait(0.004):
            row = administrator.execute(
                query, [database_name(), f"{database_name()}_runtime"]
            ).fetchone()
            cancelled.append(row[0] if row else 0)


@contextmanager
def statements_being_cancelled() -> Iterator[list[int]]:
    stop, cancelled = Event(), [0]
    thread = Thread(target=_cancel_statements, args=(stop, cancelled))
    thread.start()
    try:
        yield cancelled
    finally:
        stop.set()
        thread.join()


# What a request may do with its connection between two questions.
def _plain() -> list[str]:
    return list(Agent.objects.values_list("name", flat=True))


def _in_transaction() -> list[str]:
    with transaction.atomic():
        return _plain()


def _rolled_back() -> list[str]:
    with transaction.atomic():
        _plain()
        transaction.set_rollback(True)
    return _plain()


def _savepoint_rolled_back() -> list[str]:
    with transaction.atomic():
        with transaction.atomic():
            _plain()
            transaction.set_rollback(True)
        return _plain()


def _error_swallowed() -> list[str]:
    with transaction.atomic(), suppress(DatabaseError):
        Agent.objects.extra(where=["1/0 = 1"]).exists()
    return _plain()


def _through_the_door() -> list[str]:
    with door():
        User.objects.exists()
    return _plain()


def _server_side_cursor() -> list[str]:
    return list(Agent.objects.values_list("name", flat=True).iterator(chunk_size=10))


HABITS: tuple[Callable[[], list[str]], ...] = (
    _plain,
    _in_transaction,
    _rolled_back,
    _savepoint_rolled_back,
    _error_swallowed,
    _through_the_door,
    _server_side_cursor,
)


def _answers(
    pool: SimpleQueue[BaseDatabaseWrapper],
    organizations: list[Organization],
    wanted: int,
    seed: int,
) -> list[tuple[str, list[str]]]:
    """(organization, names found) for `wanted` questions that were answered."""
    chance = random.Random(seed)
    answers: list[tuple[str, list[str]]] = []
    while len(answers) < wanted:
        organization = chance.choice(organizations)
        connection = pool.get()
        connections["default"] = connection
        try:
            with organization_context(organization):
                answers.append((organization.slug, chance.choice(HABITS)()))
        except CANCELLED:
            pass
        finally:
            connection.close_if_unusable_or_obsolete()
            pool.put(connection)
    return answers


# A server-side cursor whose statement was cancelled is not closed by Django.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_thread_ever_sees_another_organizations_rows(three: list[Organization]) -> None:
    with (
        shared_connections() as pool,
        statements_being_cancelled() as cancelled,
        ThreadPoolExecutor(THREADS) as threads,
    ):
        share = -(-RESULTS // THREADS)
        runs = threads.map(lambda seed: _answers(pool, three, share, seed), range(THREADS))
        answers = [answer for run in runs for answer in run]
    assert len(answers) >= RESULTS
    assert [answer for answer in answers if answer[1] != [answer[0]]] == []
    assert sum(cancelled) > 0


# --- A real server -------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def server(committed: World, tmp_path: Path) -> Iterator[int]:
    """`web` as the Procfile starts it; its port."""
    lines = Path(settings.BASE_DIR, "Procfile").read_text().splitlines()
    command = next(line for line in lines if line.startswith("web:")).removeprefix("web:")
    port = _free_port()
    environment = os.environ | {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_WORKERS": "1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    with tmp_path.joinpath("web.log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            env=environment,
            cwd=settings.BASE_DIR,
            stdout=log,
            stderr=log,
        )
        try:
            _await(port)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def _await(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if _get(port, "localhost", "/health", "")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("web did not start")


def _get(port: int, host: str, path: str, cookie: str) -> tuple[int, str]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        client.request("GET", path, headers={"Host": host, "Cookie": cookie})
        answer = client.getresponse()
        return answer.status, answer.read().decode()
    finally:
        client.close()


def _cookie(user: User, organization: Organization) -> str:
    with door():
        session = SessionStore()
        session["_auth_user_id"] = str(user.pk)
        session["_auth_user_backend"] = "accounts.backends.DoorBackend"
        session["_auth_user_hash"] = user.get_session_auth_hash()
        session[SESSION_HOST_KEY] = host_key(organization)
        session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


@pytest.fixture
def visitors(committed: World) -> list[tuple[str, str, str, str]]:
    """Host, cookie, own canary, the other's: one signed-in member of each organization."""
    members = (
        (committed.acme, committed.people.alice, "globex"),
        (committed.globex, committed.people.charlie, "acme"),
    )
    for organization, _, _ in members:
        with organization_context(organization):
            Agent.objects.create(retell_agent_id="agent_1", name=CANARIES[organization.slug])
    return [
        (
            organization.host,
            _cookie(person, organization),
            CANARIES[organization.slug],
            CANARIES[other],
        )
        for organization, person, other in members
    ]


def test_no_page_of_a_real_server_holds_another_organizations_rows(
    server: int, visitors: list[tuple[str, str, str, str]]
) -> None:
    def visit(number: int) -> tuple[int, bool, bool]:
        host, cookie, own, other = visitors[number % 2]
        status, page = _get(server, host, "/agents/", cookie)
        return status, own in page, other in page

    with statements_being_cancelled() as cancelled, ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(visit, range(RESULTS // 20)))
    assert [answer for answer in answers if answer[2]] == []
    assert sum(1 for status, own, _ in answers if status == 200 and own) > len(answers) // 10
    assert {status for status, own, _ in answers if not own} <= {302, 404, 500, 503}
    assert sum(cancelled) > 0


def test_undisturbed_every_page_is_its_own(
    server: int, visitors: list[tuple[str, str, str, str]]
) -> None:
    def visit(number: int) -> bool:
        host, cookie, own, other = visitors[number % 2]
        status, page = _get(server, host, "/agents/", cookie)
        return status == 200 and own in page and other not in page

    with ThreadPoolExecutor(THREADS) as threads:
        assert all(threads.map(visit, range(RESULTS // 40)))
