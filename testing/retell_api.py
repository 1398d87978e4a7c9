"""Retell's API for tests: the server of the demo, with faults on demand.

    def test_…(retell_api: FaultyRetell) -> None:
        retell_api.acme.add_calls(…)
        retell_api.fail(status(503), times=2, path="/v3/list-calls")

The settings point at it, and Acme's and Globex's workspaces are there under `API_KEYS`.
"""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django_redis import get_redis_connection

from operations.demo.retell_api import Request, RetellServer, Workspace
from operations.demo.retell_api.server import Handler

API_KEYS = {"acme": "key_acme_api_4d0c77a1e2b9", "globex": "key_globex_api_a95b31f0c8d7"}
Fault = Callable[["FaultyRetell", Handler, Request], None]


@dataclass
class _Planned:
    fault: Fault
    times: int
    path: str
    key: str

    def takes(self, request: Request) -> bool:
        return self.times > 0 and self.path in request.path and self.key in ("", request.key)


class FaultyRetell(RetellServer):
    """Faults are used up in the order in which they were planned."""

    def __init__(self) -> None:
        super().__init__()
        self.stopping = threading.Event()
        self._planned: list[_Planned] = []

    @property
    def acme(self) -> Workspace:
        return self.workspaces[0]

    @property
    def globex(self) -> Workspace:
        return self.workspaces[1]

    def fail(self, fault: Fault, *, times: int = 1, path: str = "", key: str = "") -> None:
        """The next `times` requests whose path holds `path`, of this key or any."""
        self._planned.append(_Planned(fault, times, path, key))

    def handle(self, handler: Handler, request: Request) -> None:
        with self.lock:
            planned = next((plan for plan in self._planned if plan.takes(request)), None)
            if planned is not None:
                planned.times -= 1
        if planned is None:
            super().handle(handler, request)
        else:
            planned.fault(self, handler, request)

    def asked(self, path: str = "") -> list[Request]:
        """What was asked so far, of one endpoint or any."""
        return [request for request in self.requests if path in request.path]


# --- Faults --------------------------------------------------------------------------------------


def answer(body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Fault:
    """These very bytes."""
    return lambda _server, handler, _request: handler.send(status, body, headers)


def status(number: int, message: str = "Something failed.", **headers: str) -> Fault:
    """An error as Retell words it; `headers` with `_` for `-`."""
    body = f'{{"status": "error", "message": "{message}"}}'.encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer(body, status=number, headers=named)


def let_through(server: FaultyRetell, handler: Handler, request: Request) -> None:
    """No fault: the next ones planned come later."""
    RetellServer.handle(server, handler, request)


def redirect(to: str) -> Fault:
    return status(302, Location=to)


def gzipped(body: bytes) -> Fault:
    """Packed although nobody asked for that."""
    return answer(gzip.compress(body), headers={"Content-Encoding": "gzip"})


def hang(server: FaultyRetell, handler: Handler, _request: Request) -> None:
    """No answer until the server stops."""
    server.stopping.wait(30)
    handler.close_connection = True


def drip(server: FaultyRetell, handler: Handler, _request: Request) -> None:
    """An answer that never ends, a byte at a time."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not server.stopping.wait(0.05):
        try:
            handler.wfile.write(b" ")
        except OSError:
            break
    handler.close_connection = True


def cut(server: FaultyRetell, handler: Handler, request: Request) -> None:
    """The request is worked out; its answer breaks off in the middle."""
    code, _body, _headers = server.work_out(request)
    handler.send_response(code)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"items": [')
    handler.close_connection = True


def lose_answer(server: FaultyRetell, handler: Handler, request: Request) -> None:
    """The request is worked out, and the connection closed without an answer."""
    server.work_out(request)
    handler.close_connection = True


# --- Fixtures ------------------------------------------------------------------------------------


@contextmanager
def running(server: RetellServer) -> Iterator[RetellServer]:
    """Answers in a thread of its own until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def retell_api(settings: Any) -> Iterator[FaultyRetell]:
    """Two workspaces, one agent each, no calls yet. Budgets so large that nothing waits for them:
    tests of budgets set their own."""
    server = FaultyRetell()
    for slug, name in (("acme", "Acme Agency"), ("globex", "Globex Voice")):
        workspace = server.add_workspace(
            name, API_KEYS[slug], org_id=f"org_{slug}_{time.time_ns()}"
        )
        workspace.add_agent(f"agent_{slug}", name=f"{name} Front Desk")
    settings.RETELL_BASE_URL = server.url
    settings.RETELL_LIST_BUDGET = settings.RETELL_GENERAL_BUDGET = 100_000
    with running(server):
        yield server
        server.stopping.set()


@dataclass
class Waits:
    """Stands in for `time.sleep`: remembers, and lets holds of the budget pass."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        redis = get_redis_connection("limits")
        for key in redis.scan_iter("limits:budget:*:hold"):
            redis.delete(key)
