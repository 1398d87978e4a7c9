"""A receiver of outgoing webhooks on this machine: answers as it is told, and keeps what came."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`statuses` are given in order, the last one for ever."""

    url: str = ""
    statuses: list[int] = field(default_factory=lambda: [204])
    body: bytes = b""
    location: str = ""
    waits_seconds: float = 0
    # Between the bytes of its answer's body.
    drips_seconds: float = 0
    received: list[Received] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.received.append(Received(dict(self.headers), body))
        receiver.stopping.wait(receiver.waits_seconds)
        self.send_response(receiver.status())
        if receiver.location:
            self.send_header("Location", receiver.location)
        self.send_header("Content-Length", str(len(receiver.body)))
        self.end_headers()
        self._write(receiver)

    def _write(self, receiver: Receiver) -> None:
        try:
            if not receiver.drips_seconds:
                self.wfile.write(receiver.body)
                return
            for byte in receiver.body:
                self.wfile.write(bytes([byte]))
                time.sleep(receiver.drips_seconds)
        except OSError:
            pass  # whoever asked has read enough

    def log_message(self, format: str, *args: object) -> None:
        """Not into the output of tests."""


@contextmanager
def receiver_host() -> Iterator[Receiver]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    receiver = Receiver(url=f"http://127.0.0.1:{server.server_port}/hook")
    server.receiver = receiver  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
