"""The live socket, over a real server and a real Valkey."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import websocket

from notifications import signals, tickets
from notifications.tickets import Ticket
from testing.fixtures import World
from testing.servers import Servers


def ticket_for(organization_id: object) -> str:
    return tickets.issue(Ticket(str(organization_id), "somebody", "session"))


def connect(
    servers: Servers, ticket: str, origin: str = "http://acme.localhost"
) -> websocket.WebSocket:
    socket = websocket.WebSocket()
    socket.connect(  # type: ignore[no-untyped-call]
        f"ws://127.0.0.1:{servers.live_port}/live/?ticket={ticket}", origin=origin, timeout=5
    )
    return socket


def received_until_silence(socket: websocket.WebSocket) -> int:
    """How many messages come until none has come for a second."""
    socket.settimeout(1)
    received = 0
    with suppress(websocket.WebSocketTimeoutException):
        while socket.recv():
            received += 1
    return received


def _forget(socket: websocket.WebSocket) -> None:
    """What was said before the test began."""
    before = socket.gettimeout()
    socket.settimeout(0.1)
    with suppress(websocket.WebSocketTimeoutException):
        while True:
            socket.recv()
    socket.settimeout(before)


@pytest.fixture
def acme_socket(servers: Servers, committed: World) -> Iterator[websocket.WebSocket]:
    socket = connect(servers, ticket_for(committed.acme.pk))
    time.sleep(1.0)  # until the server has subscribed, and what other tests said is past
    _forget(socket)
    yield socket
    socket.close()


def test_a_change_reaches_the_organizations_open_page(
    acme_socket: websocket.WebSocket, committed: World
) -> None:
    signals.changed(committed.acme.pk, "calls")
    assert json.loads(acme_socket.recv()) == {"topics": ["calls"]}


def test_a_change_of_another_organization_is_not_heard(
    acme_socket: websocket.WebSocket, committed: World
) -> None:
    signals.changed(committed.globex.pk, "calls")
    signals.changed(committed.acme.pk, "deliveries")
    assert json.loads(acme_socket.recv()) == {"topics": ["deliveries"]}


def test_many_changes_are_sent_at_most_four_times_a_second(
    acme_socket: websocket.WebSocket, committed: World
) -> None:
    started = time.monotonic()
    while time.monotonic() - started < 1.0:
        signals.changed(committed.acme.pk, "calls")
        time.sleep(0.005)
    assert 2 <= received_until_silence(acme_socket) <= 6


@pytest.mark.parametrize("ticket", ["", "forged", ticket_for("x") + "x"])
def test_a_socket_without_a_valid_ticket_is_refused(servers: Servers, ticket: str) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException):
        connect(servers, ticket)


def test_a_page_of_another_site_is_refused(servers: Servers, committed: World) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException):
        connect(servers, ticket_for(committed.acme.pk), origin="https://evil.example")


def test_a_ticket_is_worth_nothing_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    text = ticket_for("organization")
    assert tickets.read(text) is not None
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + tickets.VALID_SECONDS + 2)
    assert tickets.read(text) is None
