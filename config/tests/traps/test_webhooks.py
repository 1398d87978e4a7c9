"""What arrives from Retell, and in its name."""

from __future__ import annotations

import hashlib
import hmac
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Sum

from agents.models import SIGNING_KEY_FIELD, RetellConnection
from calls.models import Call
from tenants import encryption
from tenants.pin import organization_context
from testing.fixtures import World
from testing.retell import body_of, only_delivery, post
from webhooks.models import Delivery

# --- The SDK's verify ----------------------------------------------------------------------------

NOW = time.time_ns() // 1_000_000


@pytest.mark.parametrize(
    "header",
    [None, " ", "v=,d=", f"v={'9' * 4301},d={'0' * 64}", f"v={NOW},d=" + "é" * 32, f"v={NOW}"],
    ids=["none", "blank", "no values", "4,301 digits", "not ASCII", "no digest"],
)
def test_trap_sdk_verify_raises_on_odd_headers(world: World, header: str | None) -> None:
    """The SDK's `verify` raises on some: an unauthenticated 500. Ours refuses them all."""
    assert post(world, body_of(), header=header).status_code == 401


@pytest.mark.parametrize("header", ["", f"v={NOW},d={'0' * 64}"], ids=["signed", "forged"])
def test_trap_sdk_verify_takes_no_bytes(world: World, header: str) -> None:
    """It takes text; bytes that are none were signed all the same. Ours works on bytes."""
    status = post(world, b'{"event":"\xff"}', header=header).status_code
    assert status == (401 if header else 204)


def test_trap_sdk_verify_accepts_an_empty_key(world: World) -> None:
    """It takes an empty key for a key, so that anybody can sign. Ours takes it for none."""
    sealed = encryption.encrypt("", organization_id=world.acme.pk, field=SIGNING_KEY_FIELD)
    with organization_context(world.acme):
        RetellConnection.objects.update(key_encrypted=sealed, previous_key_encrypted=None)
    digest = hmac.new(b"", body_of() + str(NOW).encode(), hashlib.sha256).hexdigest()
    assert post(world, body_of(), header=f"v={NOW},d={digest}").status_code == 401


# --- A handler as in the docs --------------------------------------------------------------------

OPEN = b'{"event":"call_ended","call":{"call_id":"call_1","metadata":'
ODD = {
    "nothing": b"",
    "no JSON": b"event=call_ended",
    "bad UTF-8": b'{"event":"\xff\xfe"}',
    "UTF-16": '{"event":"call_ended"}'.encode("utf-16"),
    "list": b"[]",
    "null": b"null",
    "number": b"7",
    "no event": b"{}",
    "event: null": b'{"event":null}',
    "event: list": b'{"event":[]}',
    "event with NUL": b'{"event":"\\u0000"}',
    "call: null": b'{"event":"call_ended","call":null}',
    "call: list": b'{"event":"call_ended","call":[]}',
    "no call": b'{"event":"call_ended"}',
    "no id": b'{"event":"call_ended","call":{}}',
    "id: null": b'{"event":"call_ended","call":{"call_id":null}}',
    "id of 10,000": b'{"event":"call_ended","call":{"call_id":"' + b"x" * 10_000 + b'"}}',
    "raw NUL": OPEN + b'"a\x00b"}}',
    "NUL": OPEN + b'"a\\u0000b"}}',
    "lone surrogate": OPEN + b'"\\ud800"}}',
    "NaN": OPEN + b"NaN}}",
    "Infinity": OPEN + b"-Infinity}}",
    "1e400": OPEN + b"1e400}}",
    "5,000 digits": OPEN + b"9" * 5_000 + b"}}",
    "100,000 levels": OPEN + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "chat for a call": b'{"event":"chat_ended","call":{"call_id":"call_1"}}',
    "unknown event": b'{"event":"weather_changed","weather":{}}',
    "start: text": b'{"event":"call_ended","call":{"call_id":"c","start_timestamp":"noon"}}',
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_trap_docs_style_handler_fails_on_odd_bodies(world: World, body: bytes) -> None:
    """`json.loads(request.body)["call"]["call_id"]` was a 500 on most: ours keeps the bytes."""
    assert post(world, body).status_code == 204
    assert bytes(only_delivery(world).body) == body


# --- DATA_UPLOAD_MAX_MEMORY_SIZE -----------------------------------------------------------------


def test_trap_upload_limit_refuses_a_long_transcript(world: World) -> None:
    """Django refuses `request.body` above 2.5 MB: this path has a limit of its own."""
    body = body_of(transcript="word " * 700_000)
    assert len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert post(world, body).status_code == 204
    assert only_delivery(world).size_bytes == len(body)


def test_trap_upload_limit_ends_at_twenty_megabytes(world: World) -> None:
    """Not without an end: more is 413, and nothing is stored."""
    body = b"x" * (settings.WEBHOOK_MAX_BODY_BYTES + 1)
    assert post(world, body).status_code == 413
    with organization_context(world.acme):
        assert not Delivery.objects.exists()


# --- exists(), then create() ---------------------------------------------------------------------

TIMES = 8


def test_trap_exists_then_create_counts_an_event_twice(committed: World) -> None:
    """Between the question and the insert others insert: a unique key and ON CONFLICT decide."""
    bodies = [body_of(call_id=f"call_{n}", duration_ms=60_000) for n in range(5)]
    together = Barrier(TIMES, timeout=20)

    def send_all(_: int) -> list[int]:
        try:
            statuses = []
            for body in bodies:
                together.wait()
                statuses.append(post(committed, body).status_code)
            return statuses
        finally:
            connection.close()

    with ThreadPoolExecutor(TIMES) as threads:
        assert list(threads.map(send_all, range(TIMES))) == [[204] * 5] * TIMES
    with organization_context(committed.acme):
        assert list(Delivery.objects.values_list("state", "receipts")) == [("applied", TIMES)] * 5
        total = Call.objects.aggregate(Sum("duration_ms"))["duration_ms__sum"]
        assert (Call.objects.count(), total) == (5, 300_000)
