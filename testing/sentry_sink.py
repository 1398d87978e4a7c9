"""A Sentry on this machine: takes envelopes by HTTP and keeps what is in them."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli

_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
}


class _Door(BaseHTTPRequestHandler):
    server: SentrySink

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = _UNPACK[self.headers.get("Content-Encoding", "")](body)
        self.server.bodies.append(body)
        self.server.events += _events_of(body)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def _events_of(body: bytes) -> Iterator[dict[str, Any]]:
    """An envelope: a line about it, then a line about each item and the item.

    https://develop.sentry.dev/sdk/data-model/envelopes/
    """
    rest = body.partition(b"\n")[2]
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        about = json.loads(line)
        size = about.get("length", rest.find(b"\n"))
        item, rest = rest[:size], rest[size:].removeprefix(b"\n")
        if about["type"] == "event":
            yield json.loads(item)


class SentrySink(ThreadingHTTPServer):
    """`events`: as they came; `text`: all bytes that came, for looking what is among them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.bodies: list[bytes] = []
        self.events: list[dict[str, Any]] = []

    @property
    def dsn(self) -> str:
        return f"http://public@127.0.0.1:{self.server_port}/1"

    @property
    def text(self) -> str:
        return b"\n".join(self.bodies).decode()


@contextmanager
def running_sentry() -> Iterator[SentrySink]:
    with SentrySink() as sink:
        thread = threading.Thread(target=sink.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield sink
        finally:
            sink.shutdown()
            thread.join()
