"""Live sockets over a real server, as pages open them."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from typing import Any

import websocket
from django.test import Client

from notifications import tickets
from notifications.tickets import Holder
from testing.servers import Servers

TEXT, CLOSE = 1, 8
HOST = "acme.localhost"


def ticket_of(organization_id: object, *, host: str = HOST, ends_at: float | None = None) -> str:
    return tickets.issue(Holder(str(organization_id), "somebody", "session", host), ends_at=ends_at)


class LiveSocket:
    """A socket of one page; what it hears is kept apart from asking for a new ticket."""

    def __init__(self, servers: Servers, ticket: str, origin: str = f"http://{HOST}") -> None:
        self._socket = websocket.WebSocket()
        self._socket.connect(  # type: ignore[no-untyped-call]
            f"ws://127.0.0.1:{servers.live_port}/live/?ticket={ticket}", origin=origin, timeout=5
        )

    def hear(self, seconds: float = 5) -> dict[str, Any] | int | None:
        """The next message, the code it was closed with, or None after so many seconds."""
        self._socket.settimeout(max(seconds, 0.01))
        with suppress(websocket.WebSocketTimeoutException):
            code, data = self._socket.recv_data(control_frame=True)
            while code not in (TEXT, CLOSE):
                code, data = self._socket.recv_data(control_frame=True)
            if code == CLOSE:
                self.close()
                return int.from_bytes(data[:2])
            said: dict[str, Any] = json.loads(data)
            return said
        return None

    def hear_all(self, seconds: float) -> list[dict[str, Any] | int]:
        """Everything until none has come for so long."""
        heard = []
        while (said := self.hear(seconds)) is not None:
            heard.append(said)
            if isinstance(said, int):
                break
        return heard

    def settle(self) -> None:
        """Until the server has subscribed, and what others said is past."""
        time.sleep(1.2)
        self.hear_all(0.3)

    def say(self, message: object) -> None:
        self._socket.send(json.dumps(message))

    def close(self) -> None:
        self._socket.shutdown()  # type: ignore[no-untyped-call]


def open_page(client: Client, servers: Servers, path: str = "/account/profile/") -> LiveSocket:
    """The socket of a page, with the ticket that stands in it."""
    host = str(client.defaults["HTTP_HOST"])
    page = client.get(path).content.decode()
    ticket = re.search(r'name="live-ticket" content="([^"]+)"', page)
    assert ticket, "the page carries no ticket"
    socket = LiveSocket(servers, ticket[1], f"http://{host}")
    socket.settle()
    return socket
