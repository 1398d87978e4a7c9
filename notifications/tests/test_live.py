"""The live socket, over a real server and a real Valkey."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import websocket
from django.conf import settings

from notifications import signals, tickets
from notifications.consumers import CLOSE_EXPIRED, CLOSE_REFUSED, MIN_INTERVAL_SECONDS
from testing.fixtures import ClientFactory, World
from testing.live import LiveSocket, ticket_of
from testing.servers import Servers, free_port


@pytest.fixture
def acme_socket(servers: Servers, committed: World) -> Iterator[LiveSocket]:
    socket = LiveSocket(servers, ticket_of(committed.acme.pk))
    socket.settle()
    yield socket
    socket.close()


def test_a_change_reaches_the_organizations_open_page(
    acme_socket: LiveSocket, committed: World
) -> None:
    signals.changed(committed.acme.pk, "calls")
    assert acme_socket.hear() == {"topics": ["calls"]}


def test_a_change_of_another_organization_is_not_heard(
    acme_socket: LiveSocket, committed: World
) -> None:
    signals.changed(committed.globex.pk, "calls")
    signals.changed(committed.acme.pk, "deliveries")
    assert acme_socket.hear() == {"topics": ["deliveries"]}


SPEAKER = """
import django, time
django.setup()
from notifications import signals
for number in range(100):
    signals.changed("{organization}", "calls", "{name}")
    time.sleep(0.01)
signals.changed("{organization}", "last of {name}")
"""


def test_two_processes_together_are_heard_four_times_a_second_and_to_the_end(
    acme_socket: LiveSocket, committed: World
) -> None:
    texts = [SPEAKER.format(organization=committed.acme.pk, name=name) for name in "ab"]
    speakers = [
        subprocess.Popen([sys.executable, "-c", text], cwd=settings.BASE_DIR) for text in texts
    ]
    heard = acme_socket.hear(20)
    started = time.monotonic()
    said = [heard, *acme_socket.hear_all(1.5)]
    lasted = time.monotonic() - started - 1.5
    assert [speaker.wait(20) for speaker in speakers] == [0, 0]
    assert len(said) <= 2 + lasted / MIN_INTERVAL_SECONDS
    topics = {topic for one in said if isinstance(one, dict) for topic in one["topics"]}
    assert topics == {"a", "b", "calls", "last of a", "last of b"}


def test_of_two_hundred_signals_at_once_the_last_is_heard(
    acme_socket: LiveSocket, committed: World
) -> None:
    for number in range(200):
        signals.changed(committed.acme.pk, f"topic {number}")
    said = acme_socket.hear_all(1)
    topics = [topic for one in said if isinstance(one, dict) for topic in one["topics"]]
    assert len(said) <= 3
    assert set(topics) == {f"topic {number}" for number in range(200)}


@pytest.mark.parametrize("ticket", ["", "forged", ticket_of("x") + "x"])
def test_a_socket_without_a_valid_ticket_is_refused(servers: Servers, ticket: str) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException):
        LiveSocket(servers, ticket)


def test_a_ticket_that_is_over_is_refused(servers: Servers) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException):
        LiveSocket(servers, ticket_of("x", ends_at=time.time() - 1))


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://globex.localhost", "http://localhost", "null", "http://[", ""],
)
def test_a_page_of_another_host_is_refused(servers: Servers, origin: str, committed: World) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException):
        LiveSocket(servers, ticket_of(committed.acme.pk), origin=origin)


def test_a_ticket_is_worth_nothing_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    text = ticket_of("organization")
    assert tickets.read(text) is not None
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + tickets.VALID_SECONDS + 2)
    assert tickets.read(text) is None


# --- Renewing ------------------------------------------------------------------------------------


def soon_over(servers: Servers, world: World, seconds: float) -> LiveSocket:
    """A socket whose ticket is over soon, so that a new one is asked for at once."""
    socket = LiveSocket(servers, ticket_of(world.acme.pk, ends_at=time.time() + seconds))
    while socket.hear(3) != {"renew": True}:
        pass
    return socket


def test_a_socket_is_closed_when_its_ticket_is_over(servers: Servers, committed: World) -> None:
    assert soon_over(servers, committed, 3).hear(4) == CLOSE_EXPIRED


def test_a_renewed_ticket_keeps_the_socket_open(servers: Servers, committed: World) -> None:
    socket = soon_over(servers, committed, 3)
    socket.say({"ticket": ticket_of(committed.acme.pk)})
    assert socket.hear_all(4) == []
    socket.close()


def test_a_new_ticket_that_lasts_no_longer_keeps_nothing_open(
    servers: Servers, committed: World
) -> None:
    """As at the end of an operator's visit."""
    ends_at = time.time() + 3
    socket = LiveSocket(servers, ticket_of(committed.acme.pk, ends_at=ends_at))
    while socket.hear(3) != {"renew": True}:
        pass
    socket.say({"ticket": ticket_of(committed.acme.pk, ends_at=ends_at)})
    assert socket.hear_all(4) == [CLOSE_EXPIRED]


def test_somebody_elses_ticket_closes_the_socket(servers: Servers, committed: World) -> None:
    socket = soon_over(servers, committed, 20)
    socket.say({"ticket": ticket_of(committed.globex.pk)})
    assert socket.hear() == CLOSE_REFUSED


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"topics": ["calls"]}', "not json", "[" * 3000])
def test_whatever_else_a_page_says_is_not_heard(
    acme_socket: LiveSocket, committed: World, text: str
) -> None:
    acme_socket._socket.send(text)
    signals.changed(committed.acme.pk, "calls")
    assert acme_socket.hear() == {"topics": ["calls"]}


def test_a_page_cannot_say_much(acme_socket: LiveSocket) -> None:
    acme_socket._socket.send("x" * 10_000)
    assert acme_socket.hear() == 1009  # too big


def test_an_open_page_gets_a_new_ticket(world: World, browser_of: ClientFactory) -> None:
    response = browser_of(world.people.bob, world.acme).get("/live-ticket/")
    ticket = tickets.read(response["Live-Ticket"])
    assert (response.status_code, response.content) == (204, b"")
    assert ticket is not None
    assert ticket.holder.organization == str(world.acme.pk)
    assert ticket.holder.host == "acme.localhost"


# --- Catching up ---------------------------------------------------------------------------------


def test_what_changed_while_a_page_was_on_its_way_is_looked_at(
    servers: Servers, committed: World
) -> None:
    ticket = ticket_of(committed.acme.pk)
    signals.changed(committed.acme.pk, "calls")
    time.sleep(0.3)
    socket = LiveSocket(servers, ticket)
    assert socket.hear() == {"topics": ["*"]}
    assert socket.hear_all(2) == []
    socket.close()


def test_the_live_process_needs_no_database(committed: World) -> None:
    port = free_port()
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing"}
    program = str(Path(sys.executable).parent / "uvicorn")
    live = subprocess.Popen(
        [program, "config.asgi:application", "--port", str(port), "--lifespan", "off"],
        cwd=settings.BASE_DIR,
        env=os.environ | nowhere | {"DATABASE_OWNER_URL": nowhere["DATABASE_URL"]},
    )
    try:
        socket = connect_patiently(Servers(0, port), ticket_of(committed.acme.pk))
        socket.settle()
        signals.changed(committed.acme.pk, "calls")
        assert socket.hear() == {"topics": ["calls"]}
        socket.close()
    finally:
        live.terminate()
        live.wait(20)


def connect_patiently(servers: Servers, ticket: str) -> LiveSocket:
    for _ in range(600):
        try:
            return LiveSocket(servers, ticket)
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise AssertionError("the live process did not start")
