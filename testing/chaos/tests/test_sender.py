"""The sender, against a server that answers as told."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from retell.lib.webhook_auth import symmetric

from testing.chaos import sender
from testing.chaos.book import Attempt, Event, Kind, Line, Post
from testing.chaos.sender import Sender, sign

KEY = "key_of_maple"


class Answers(ThreadingHTTPServer):
    """Answers each body with the statuses planned for it, then with 204."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.planned: dict[bytes, list[int]] = {}
        self.received: list[tuple[str, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Answers

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.headers["X-Retell-Signature"], body))
        planned = self.server.planned.get(body)
        self.send_response(planned.pop(0) if planned else 204)
        self.send_header("Retry-After", "5")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    monkeypatch.setattr(sender, "RETRY_SECONDS", (0.0, 0.0, 0.0))
    answers = Answers()
    thread = threading.Thread(target=answers.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield answers
    answers.shutdown()
    thread.join()
    answers.server_close()


def sending(server: Answers) -> tuple[Sender, io.StringIO]:
    line = Line("maple", "localhost", "/webhooks/retell/token/", KEY)
    ledger = io.StringIO()
    return Sender(server.server_address[1], {"maple": line}, ledger), ledger


def sent(server: Answers, *bodies: bytes) -> list[Attempt]:
    it, ledger = sending(server)
    it.run([Post(0, Event("maple", body), f"call {body!r}") for body in bodies])
    return [Attempt.from_line(line) for line in ledger.getvalue().splitlines()]


def test_what_is_acknowledged_is_sent_once(server: Answers) -> None:
    attempts = sent(server, b"{}")
    assert [(it.status, it.sha256) for it in attempts] == [(204, Event("maple", b"{}").sha256)]


def test_what_fails_is_tried_again_and_written_down_each_time(server: Answers) -> None:
    server.planned = {b"{}": [503, 500]}
    assert [(it.status, it.says_when) for it in sent(server, b"{}", b"[]") if it.status != 204] == [
        (503, True),
        (500, True),
    ]
    assert len(server.received) == 4


def test_it_gives_up_after_three_retries(server: Answers) -> None:
    server.planned = {b"{}": [503] * 9}
    assert [it.status for it in sent(server, b"{}")] == [503] * 4


def test_nobody_there_is_no_answer(server: Answers) -> None:
    server.server_close()
    assert {it.status for it in sent(server, b"{}")} == {0}


@pytest.mark.parametrize("body", [b'{"event":"call_ended"}', "é".encode(), b""])
def test_it_signs_as_retells_own_library_checks(server: Answers, body: bytes) -> None:
    sent(server, body)
    ((signature, received),) = server.received
    assert received == body
    assert symmetric["verify"](body.decode(), KEY, signature)


def test_bytes_that_are_no_text_are_signed_too() -> None:
    assert sign(b"\xff", KEY).startswith("v=")


def test_told_to_end_it_begins_no_call_and_finishes_what_it_began(server: Answers) -> None:
    it, _ = sending(server)
    it.begun = {"begun"}
    it.end()
    it.run([
        Post(0.1, Event("maple", b"first", Kind.CALL), "begun"),
        Post(0.1, Event("maple", b"second", Kind.CALL), "new"),
    ])  # fmt: skip
    assert [body for _, body in server.received] == [b"first"]
