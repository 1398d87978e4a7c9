"""`web` is reloaded and replaced behind nginx while webhooks and pages come in: nothing is lost."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from testing.fixtures import World
from testing.organizations import owner_rows
from testing.proxies import Site, deliver
from testing.retell import body_of
from testing.units import Unit

SENDERS = 4
RELOAD_SECONDS = 180


@dataclass
class Traffic:
    """What several clients were answered, and how requests ended that were not."""

    deliveries: Counter[int] = field(default_factory=Counter)
    pages: Counter[int] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


def _repeat(traffic: Traffic, answers: Counter[int], ask: Callable[[], int]) -> None:
    while not traffic.over.is_set():
        try:
            answers[ask()] += 1
        except Exception as error:  # noqa: BLE001 - whatever broke, the request was lost
            traffic.broken.append(repr(error))


@contextmanager
def traffic_at(site: Site, world: World) -> Iterator[Traffic]:
    """Clients that deliver and read pages as fast as they are answered, until the end."""
    traffic, numbers = Traffic(), itertools.count()
    clients = [site.client() for _ in range(SENDERS)]
    reader = site.client("acme.localhost")

    def send(number: int) -> Callable[[], int]:
        def post() -> int:
            body = body_of(call_id=f"call_replaced_{next(numbers)}")
            return deliver(clients[number], world, body).status_code

        return post

    def read() -> int:
        return reader.get("/sign-in/").status_code

    threads = [
        threading.Thread(target=_repeat, args=(traffic, traffic.deliveries, send(number)))
        for number in range(SENDERS)
    ]
    threads.append(threading.Thread(target=_repeat, args=(traffic, traffic.pages, read)))
    for thread in threads:
        thread.start()
    try:
        yield traffic
    finally:
        traffic.over.set()
        for thread in threads:
            thread.join()
        for client in (*clients, reader):
            client.close()


def stored(world: World) -> int:
    schema = world.acme.schema_name
    query = f"SELECT count(*) FROM {schema}.webhooks_delivery WHERE state = 'applied'"  # noqa: S608
    return int(owner_rows(query)[0][0])


def assert_nothing_was_lost(traffic: Traffic, world: World) -> None:
    assert traffic.broken == []
    assert set(traffic.deliveries) == {204}
    assert set(traffic.pages) == {200}
    assert stored(world) == traffic.deliveries[204] > 0


def workers_of(unit: Unit) -> set[int]:
    assert unit.process
    return {child.pid for child in psutil.Process(unit.process.pid).children()}


def reload_and_wait(unit: Unit) -> None:
    before = workers_of(unit)
    unit.reload()
    deadline = time.monotonic() + RELOAD_SECONDS
    while before & workers_of(unit):
        assert time.monotonic() < deadline, "the old workers did not end"
        time.sleep(0.1)


def test_a_graceful_reload_loses_nothing(behind_nginx: Site, committed: World) -> None:
    with traffic_at(behind_nginx, committed) as traffic:
        for unit in behind_nginx.web:
            reload_and_wait(unit)
    assert_nothing_was_lost(traffic, committed)


def test_replacing_one_instance_after_the_other_loses_nothing(
    behind_nginx: Site, committed: World
) -> None:
    with traffic_at(behind_nginx, committed) as traffic:
        for unit in behind_nginx.web:
            unit.restart()
    assert_nothing_was_lost(traffic, committed)


def test_a_new_version_of_live_closes_pages_sockets_and_answers_again(
    behind_nginx: Site, committed: World
) -> None:
    behind_nginx.live.restart()
    with behind_nginx.client("acme.localhost") as client:
        assert client.get("/live/").status_code == 426
