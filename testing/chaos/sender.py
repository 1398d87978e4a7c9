"""Sends webhooks as Retell does: 10 seconds of patience, three retries, no order kept.

    python -m testing.chaos.sender PORT LINES PLAN LEDGER

How long Retell waits between tries is not documented, so it is short here: what is given up soon
is the harder case. Each try is written down the moment it is over. Source: docs.retellai.com.

SIGTERM: no new calls; those that were begun are sent to their end.
"""

from __future__ import annotations

import hashlib
import heapq
import hmac
import http.client
import json
import signal
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO

from testing.chaos.book import NO_ANSWER, TIMED_OUT, Attempt, Event, Line, Post, read_plan

TIMEOUT_SECONDS = 10.0
RETRY_SECONDS = (1.0, 3.0, 8.0)
# More are in flight only when nobody answers for longer than the timeout.
IN_FLIGHT = 700
STACK_BYTES = 256 * 1024
NAP_SECONDS = 0.02


class Sender:
    """A queue of what is due; every try in a thread and over a connection of its own."""

    def __init__(self, port: int, lines: Mapping[str, Line], ledger: IO[str]) -> None:
        self.port = port
        self.lines = lines
        self.ledger = ledger
        self.lock = threading.Lock()
        self.queue: list[tuple[float, int, Post, int]] = []
        self.begun: set[str] = set()
        self.is_ending = False
        self.numbers = count()
        self.open = 0

    def run(self, posts: Iterable[Post]) -> None:
        """Until every event was acknowledged or given up."""
        begins = time.monotonic()
        for post in posts:
            self._put(begins + post.due, post, tries=0)
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            while self.open:
                if self.is_ending:
                    self._drop_new_calls()
                for post, tries in self._due():
                    self.begun.add(post.call)
                    pool.submit(self._try, post, tries)
                time.sleep(NAP_SECONDS)

    def end(self, *_signal: object) -> None:
        self.is_ending = True

    def _put(self, due: float, post: Post, *, tries: int) -> None:
        with self.lock:
            heapq.heappush(self.queue, (due, next(self.numbers), post, tries))
            self.open += 1

    def _drop_new_calls(self) -> None:
        with self.lock:
            kept = [entry for entry in self.queue if entry[2].call in self.begun]
            self.open -= len(self.queue) - len(kept)
            self.queue = kept
            heapq.heapify(self.queue)

    def _due(self) -> list[tuple[Post, int]]:
        found = []
        with self.lock:
            while self.queue and self.queue[0][0] <= time.monotonic():
                _, _, post, tries = heapq.heappop(self.queue)
                found.append((post, tries))
        return found

    def _try(self, post: Post, tries: int) -> None:
        attempt = self._post(post.event)
        with self.lock:
            self.ledger.write(attempt.as_line())
            self.ledger.flush()
        if not attempt.was_acknowledged and tries < len(RETRY_SECONDS):
            self._put(time.monotonic() + RETRY_SECONDS[tries], post, tries=tries + 1)
        with self.lock:
            self.open -= 1

    def _post(self, event: Event) -> Attempt:
        began = time.time()
        status, says_when = self._ask(self.lines[event.organization], event.body)
        return Attempt(event.organization, event.sha256, began, time.time(), status, says_when)

    def _ask(self, line: Line, body: bytes) -> tuple[int, bool]:
        """Status and whether there was a Retry-After."""
        headers = {
            "Host": line.host,
            "Content-Type": "application/json",
            "User-Agent": "axios/1.15.2",
            "X-Retell-Signature": sign(body, line.key),
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # answered before it had read all
                connection.request("POST", line.path, body, headers)
            answer = connection.getresponse()
            answer.read()
        except TimeoutError:
            return TIMED_OUT, False
        except (OSError, http.client.HTTPException):
            return NO_ANSWER, False
        else:
            return answer.status, answer.headers["Retry-After"] is not None
        finally:
            connection.close()


def sign(body: bytes, key: str) -> str:
    """By hand, not by the product or the SDK: also bytes that are no text."""
    at = time.time_ns() // 1_000_000
    digest = hmac.new(key.encode(), body + str(at).encode(), hashlib.sha256).hexdigest()
    return f"v={at},d={digest}"


def main() -> None:
    port, lines_file, plan_file, ledger_file = sys.argv[1:]
    threading.stack_size(STACK_BYTES)
    lines = [Line(**row) for row in json.loads(Path(lines_file).read_text())]
    with Path(ledger_file).open("a") as ledger:
        sender = Sender(int(port), {line.organization: line for line in lines}, ledger)
        signal.signal(signal.SIGTERM, sender.end)
        sender.run(read_plan(Path(plan_file)))


if __name__ == "__main__":
    main()
