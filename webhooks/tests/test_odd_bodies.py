"""Signed bodies nobody asked for: taken, kept with a reason, and never a server error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.models import Call
from calls.sql import dumps
from tenants.pin import organization_context
from testing.fixtures import World
from testing.retell import (
    against_database,
    body_of,
    call_of,
    json_values,
    only_delivery,
    post,
    receive,
    samples,
    undone,
)
from webhooks.models import REASONS, Delivery

OK = b'{"event":"call_ended","call":{"call_id":"call_1"'


def ended(more: str) -> bytes:
    return OK + b"," + more.encode() + b"}}"


def nested(depth: int, left: str = "[", right: str = "]") -> bytes:
    return ended('"metadata":' + left * depth + "1" + right * depth)


QUARANTINED = {
    "empty": (b"", "empty"),
    "white space": (b" \r\n\t", "empty"),
    "byte order mark alone": (b"\xef\xbb\xbf", "not_json"),
    "not UTF-8": (b'{"event":"\xff"}', "not_utf8"),
    "UTF-16": ('{"event":"call_ended"}'.encode("utf-16"), "not_utf8"),
    "raw NUL": (b'{"event":"a\x00b"}', "not_json"),
    "cut off": (OK, "not_json"),
    "two objects": (OK + b"}}" + OK + b"}}", "not_json"),
    "NaN": (ended('"x":NaN'), "not_a_number"),
    "Infinity": (ended('"duration_ms":-Infinity'), "not_a_number"),
    "1e400": (ended('"x":1e400'), "number_unreadable"),
    "9e308": (ended('"x":9e308'), "number_unreadable"),
    "1e-400": (ended('"x":1e-400'), "number_unreadable"),
    "exponent no Decimal holds": (ended('"x":1e99999999999999999999'), "number_unreadable"),
    "20,000 digits": (ended('"x":' + "9" * 20_000), "number_unreadable"),
    "20,000 places": (ended('"x":0.' + "9" * 20_000), "number_unreadable"),
    "101 levels": (nested(99), "too_deep"),
    "101 levels of objects": (nested(99, '{"a":', "}"), "too_deep"),
    "900 levels": (nested(900), "too_deep"),
    "100,000 levels": (nested(100_000), "too_deep"),
    "100,000 levels of objects": (nested(100_000, '{"a":', "}"), "too_deep"),
    "brackets without an end": (b"[" * 1_000_000, "too_deep"),
    "list": (b"[]", "not_an_object"),
    "null": (b"null", "not_an_object"),
    "call: null": (b'{"event":"call_ended","call":null}', "call_missing"),
    "call: list": (b'{"event":"call_ended","call":[]}', "wrong_type"),
    "chat for a call": (b'{"event":"chat_ended","call":{"call_id":"c"}}', "chat_missing"),
    "alert without incident": (b'{"event":"alert_triggered","alert":{}}',
                               "alert_incident_id_missing"),
    "alert with a number": (b'{"event":"alert_resolved","alert":{"alert_incident_id":7}}',
                            "alert_incident_id_invalid"),
    "no event": (b"{}", "event_missing"),
    "event: list": (b'{"event":["call_ended"]}', "event_invalid"),
    "event of 65": (b'{"event":"' + b"x" * 65 + b'"}', "event_invalid"),
    "NUL in the id": (b'{"event":"call_ended","call":{"call_id":"a\\u0000"}}', "call_id_invalid"),
    "surrogate in the id": (b'{"event":"call_ended","call":{"call_id":"a\\ud800"}}',
                            "call_id_invalid"),
    "cost without objects": (ended('"call_cost":{"product_costs":["x"]}'), "wrong_type"),
    "latency no column holds": (ended('"latency":{"e2e":{"p50":1e20}}'), "number_out_of_range"),
    "cost no column holds": (ended('"call_cost":{"combined_cost":1e20}'), "number_out_of_range"),
    "time after the year 9999": (ended('"start_timestamp":1e15'), "number_out_of_range"),
}  # fmt: skip

APPLIED = {
    "byte order mark": b"\xef\xbb\xbf" + body_of(),
    "100 levels": nested(98),
    "many brackets side by side": ended('"metadata":[' + "[]," * 100_000 + "[]]"),
    "unpaired brackets in a text": ended('"transcript":"' + "[{" * 500 + '"'),
    "NUL in a text": ended('"transcript":"a\\u0000b"'),
    "NUL in a key": ended('"a\\u0000b":1'),
    "lone surrogate": ended('"transcript":"a\\ud800b","x":"\\udfff"'),
    "surrogate pair": ended('"transcript":"\\ud83d\\ude00"'),
    "zero in any notation": ended('"x":0e5000,"duration_ms":-0.0,"y":0.00e-99999'),
    "307 digits": ended('"x":' + "9" * 307),
    "1e307": ended('"x":1e307,"y":-1e-307'),
    "fraction of a millisecond": ended('"duration_ms":1.5,"start_timestamp":1.6e12'),
    "key twice": ended('"duration_ms":1,"duration_ms":2'),
    "call id of 64": body_of(call_id="x" * 64),
    "call id outside of ASCII": body_of(call_id="ü" * 64),
    "agent id of 70,000": ended('"agent_id":"' + "ü" * 70_000 + '"'),
    "unknown everything": ended('"call_type":"x","call_status":"y","disconnection_reason":"z"'),
    "key of 300,000": ended('"' + "k" * 300_000 + '":1'),
    "100,000 keys": ended(",".join(f'"k{number}":1' for number in range(100_000))),
    "transcript of 5 MB": ended('"transcript":"' + "word " * 1_000_000 + '"'),
}


@pytest.mark.parametrize(("body", "reason"), QUARANTINED.values(), ids=QUARANTINED)
def test_what_cannot_be_read_is_quarantined_as_it_came(
    world: World, body: bytes, reason: str
) -> None:
    assert post(world, body).status_code == 204
    delivery = only_delivery(world)
    assert (delivery.state, delivery.reason) == ("quarantined", reason)
    assert reason in REASONS
    assert bytes(delivery.body) == body


@pytest.mark.parametrize("body", APPLIED.values(), ids=APPLIED)
def test_what_is_odd_but_readable_is_applied(world: World, body: bytes) -> None:
    assert post(world, body).status_code == 204
    assert only_delivery(world).state == "applied"
    with organization_context(world.acme):
        Call.objects.get()  # and Python reads back what PostgreSQL keeps


def test_what_no_text_can_hold_is_replaced(world: World) -> None:
    post(world, ended('"transcript":"a\\u0000b\\ud800c","k\\u0000":1'))
    call = call_of(world)
    assert call.transcript == "a\ufffdb\ufffdc"
    assert call.details == {"k\ufffd": 1}


def test_a_field_of_another_type_changes_nothing_of_the_call(world: World) -> None:
    post(world, body_of(duration_ms=5000))
    assert post(world, body_of(duration_ms="5001", agent_id="agent_1")).status_code == 204
    assert (call_of(world).duration_ms, call_of(world).agent_id) == (5000, None)


def test_the_reason_of_a_quarantined_body_quotes_nothing_personal(world: World) -> None:
    post(world, body_of(from_number=["+12025550101"], transcript="Agent: hello"))
    assert only_delivery(world).reason_text == "“from_number” is a list, not a text."


# --- Properties ----------------------------------------------------------------------------------


def state_after(world: World, body: bytes) -> str:
    """Received as a whole, and kept whatever it is; a failed one would end the transaction."""
    with undone():
        receive(world, body)
        with organization_context(world.acme):
            list(Call.objects.all())
            return str(Delivery.objects.get().state)


names = st.sampled_from(
    ["call_started", "call_ended", "call_analyzed", "transcript_updated", "transfer_ended",
     "chat_ended", "alert_triggered", "call_inbound", "a_new_one"]
)  # fmt: skip
fields = st.sampled_from(
    ["call_status", "agent_id", "agent_name", "start_timestamp", "end_timestamp", "duration_ms",
     "call_cost", "latency", "call_analysis", "transcript", "transcript_object", "metadata",
     "from_number", "data_storage_setting", "agent_version", "access_token", "name",
     "triggered_timestamp", "resolved_timestamp"]
) | st.text(max_size=10)  # fmt: skip


@settings(against_database, max_examples=150)
@given(event=names, given_fields=st.dictionaries(fields, json_values, max_size=5))
def test_no_fields_of_an_event_make_it_fail(
    world: World, event: str, given_fields: dict[str, Any]
) -> None:
    part = {"call_id": "call_1", "chat_id": "chat_1", "alert_incident_id": "a", **given_fields}
    document = {"event": event, "call": part, "chat": part, "alert": part, "call_inbound": part}
    assert state_after(world, dumps(document).encode()) in (
        "applied",
        "stored",
        "ignored",
        "quarantined",
    )


@settings(against_database, max_examples=100)
@given(body=st.binary() | json_values.map(lambda value: dumps(value).encode()))
def test_no_bytes_make_it_fail(world: World, body: bytes) -> None:
    assert state_after(world, body) in ("stored", "ignored", "quarantined")


@settings(against_database, max_examples=150)
@given(
    body=st.sampled_from([found.body for found in samples() if found.body]),
    place=st.floats(0, 1, exclude_max=True),
    put=st.sampled_from(
        [b"", b"\x00", b"\xff", b'"', b"{", b"]", b"9", b"null", b"\\ud800", b"1e999"]
    ),
    cut=st.integers(0, 20),
)
def test_no_mutation_of_a_sample_makes_it_fail(
    world: World, body: bytes, place: float, put: bytes, cut: int
) -> None:
    at = int(place * len(body))
    mutated = body[:at] + put + body[at + cut :]
    assert state_after(world, mutated) != "failed"


@settings(against_database, max_examples=40)
@given(body=st.binary(max_size=200))
def test_the_door_answers_any_signed_bytes_with_204(world: World, body: bytes) -> None:
    with undone():
        assert post(world, body).status_code == 204


def test_reading_is_the_same_with_and_without_escapes(world: World) -> None:
    document = {"event": "call_ended", "call": {"call_id": "call_1", "transcript": "Grüß Gott 😀"}}
    rows = []
    for escaped in (True, False):
        with undone():
            receive(world, json.dumps(document, ensure_ascii=escaped).encode())
            rows.append(call_of(world).transcript)
    assert rows[0] == rows[1] == "Grüß Gott 😀"


def test_a_zero_is_a_zero_whatever_its_exponent(world: World) -> None:
    assert post(world, ended('"x":0e99999999999999999999')).status_code == 204
    assert only_delivery(world).state == "applied"
