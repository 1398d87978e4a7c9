"""The feed signs and posts as Retell does."""

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from retell.lib.webhook_auth import verify

from operations.demo.feeding import TRIES, Feed, Line, Post

KEY = "key_of_the_demo"
BODY = {"event": "call_ended", "call": {"call_id": "call_1", "agent_name": "Zoë"}}


class Product:
    """Answers webhooks with the given statuses in turn, 204 afterwards."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: list[tuple[str, dict[str, str], str]] = []
        self.port = 0


@contextmanager
def listening(product: Product) -> Iterator[Product]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            product.requests.append((self.path, dict(self.headers), body))
            self.send_response(product.statuses.pop(0) if product.statuses else 204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        product.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield product
        server.shutdown()


def feed_for(port: int, *slugs: str) -> Feed:
    lines = [Line(slug, f"http://localhost:8000/webhooks/retell/{slug}/", KEY) for slug in slugs]
    feed = Feed(lambda: lines, port=port, seconds_between_calls=5.0, rng=random.Random(1))
    feed.next_call = time.time() + 3600
    return feed


def play(feed: Feed, *, seconds: float) -> None:
    """Let the feed's clock run without waiting."""
    now = time.time()
    for tick in range(int(seconds) + 1):
        feed.turn(now + tick)


def test_webhooks_are_signed_and_addressed_as_retell_would() -> None:
    with listening(Product()) as product:
        feed = feed_for(product.port, "acme")
        feed.queue = [Post(0.0, "acme", BODY)]
        play(feed, seconds=0)
    path, headers, body = product.requests[0]
    assert path == "/webhooks/retell/acme/"
    assert headers["Host"] == "localhost:8000"
    assert json.loads(body) == BODY
    assert verify(body, KEY, headers["X-Retell-Signature"])  # type: ignore[no-untyped-call]


def test_refused_webhooks_are_tried_again_until_accepted() -> None:
    with listening(Product(500, 503)) as product:
        feed = feed_for(product.port, "acme")
        feed.queue = [Post(0.0, "acme", BODY)]
        play(feed, seconds=30)
    assert len(product.requests) == 3
    assert feed.queue == []


def test_webhooks_are_given_up_after_three_tries() -> None:
    with listening(Product(500, 500, 500, 500)) as product:
        feed = feed_for(product.port, "acme")
        feed.queue = [Post(0.0, "acme", BODY)]
        play(feed, seconds=60)
    assert len(product.requests) == TRIES


def test_feed_survives_a_product_that_is_down() -> None:
    feed = feed_for(9, "acme")
    feed.queue = [Post(0.0, "acme", BODY)]
    play(feed, seconds=60)
    assert feed.queue == []


def test_feed_rests_while_there_is_no_demo() -> None:
    feed = feed_for(9)
    feed.next_call = 0.0
    play(feed, seconds=60)
    assert feed.queue == []


def test_a_call_is_told_from_start_to_analysis_with_its_transcript() -> None:
    with listening(Product()) as product:
        feed = feed_for(product.port, "globex")
        feed.next_call = 0.0
        while len(feed.queue) < 8:
            feed.turn(time.time())
            feed.next_call = 0.0
        feed.next_call = time.time() + 100_000
        play(feed, seconds=7_200)
    events = {json.loads(body)["event"] for _, _, body in product.requests}
    assert {"call_started", "transcript_updated", "call_ended", "call_analyzed"} <= events


def test_organizations_stay_known_while_the_database_is_away() -> None:
    answers = iter([[Line("acme", "http://localhost/webhooks/retell/x/", KEY)], None])
    feed = Feed(lambda: next(answers), port=9, seconds_between_calls=5.0)
    feed.next_call = time.time() + 3600
    play(feed, seconds=11)
    assert set(feed.lines) == {"acme"}


@pytest.mark.parametrize(("event", "kept"), [("call_ended", 1), ("transcript_updated", 0)])
def test_running_calls_end_after_a_restart(tmp_path: Path, event: str, kept: int) -> None:
    first, second = feed_for(9, "acme"), feed_for(9, "acme")
    first.queue = [Post(99.0, "acme", {**BODY, "event": event})]
    first.save(tmp_path / "unsent.json")
    second.restore(tmp_path / "unsent.json")
    assert len(second.queue) == kept
    assert not (tmp_path / "unsent.json").exists()
