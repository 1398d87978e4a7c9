"""Whatever a call object holds, reading it ends in a reading or in `Unreadable`."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls import sql as calls_sql
from calls.reader import (
    _CALL_ANALYSIS_FIELDS,
    _CALL_FIELDS,
    _CHAT_ANALYSIS_FIELDS,
    _CHAT_FIELDS,
    Unreadable,
    read_call,
    read_chat,
)
from testing.retell import json_values

SHA256 = bytes(32)
FIELDS = sorted(
    _CALL_FIELDS | _CHAT_FIELDS | {"agent_tag", "metadata", "data_storage_setting"}
    | {"opt_out_sensitive_data_storage"}
)  # fmt: skip
objects = st.dictionaries(
    st.sampled_from([*FIELDS, "combined_cost", "product_costs", "e2e", "p50"]) | st.text(),
    json_values,
    max_size=6,
)
NESTED = {
    "call_analysis": sorted(_CALL_ANALYSIS_FIELDS),
    "chat_analysis": sorted(_CHAT_ANALYSIS_FIELDS),
    "call_cost": ["combined_cost", "product_costs"],
    "chat_cost": ["combined_cost", "product_costs"],
    "latency": ["e2e", "llm"],
    "metadata": ["test", "is_test"],
}


def read(obj: dict[str, Any]) -> None:
    for reader, name in ((read_call, "call_id"), (read_chat, "chat_id")):
        try:
            reading = reader({name: "id_1", **obj}, event="call_ended", body_sha256=SHA256)
        except Unreadable:
            continue
        assert reading.values.keys() <= reading.keys.keys()
        calls_sql.dumps(reading.details)


@settings(max_examples=300)
@given(obj=objects)
def test_no_object_breaks_the_reader(obj: dict[str, Any]) -> None:
    read(obj)


@given(name=st.sampled_from(FIELDS), value=json_values)
def test_no_value_of_a_known_field_breaks_the_reader(name: str, value: Any) -> None:
    read({name: value})


@given(data=st.data(), outer=st.sampled_from(sorted(NESTED)), value=json_values)
def test_no_value_of_a_nested_field_breaks_the_reader(
    data: st.DataObject, outer: str, value: Any
) -> None:
    read({outer: {data.draw(st.sampled_from(NESTED[outer])): value}})


@given(value=json_values)
def test_no_transfer_key_beside_the_call_breaks_the_reader(value: Any) -> None:
    for name in ("transfer_destination", "transfer_option", "transcript_with_tool_calls"):
        with suppress(Unreadable):
            read_call(
                {"call_id": "call_1"}, event="transfer_started", body_sha256=SHA256,
                beside={name: value},
            )  # fmt: skip


def unreadable(**call: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        read_call({"call_id": "call_1", **call}, event="call_ended", body_sha256=SHA256)
    return caught.value.code


def test_a_line_of_the_bill_that_is_no_object_is_a_wrong_type() -> None:
    assert unreadable(call_cost={"product_costs": ["tts"]}) == "wrong_type"


def test_a_latency_no_column_holds_is_out_of_range() -> None:
    assert unreadable(latency={"e2e": {"p50": Decimal("1e300")}}) == "number_out_of_range"


def test_a_time_after_the_year_2200_is_out_of_range() -> None:
    assert unreadable(start_timestamp=253_402_300_799_999) == "number_out_of_range"


def test_a_line_of_the_bill_beyond_any_price_is_out_of_range() -> None:
    cost = {"combined_cost": 1, "product_costs": [{"product": "tts", "cost": Decimal("1e40")}]}
    assert unreadable(call_cost=cost) == "number_out_of_range"


@pytest.mark.parametrize("name", ["p50", "p99", "max"])
def test_a_latency_of_any_part_is_held_to_the_same_range(name: str) -> None:
    assert unreadable(latency={"llm": {name: Decimal("1e40")}}) == "number_out_of_range"


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("user_hangup", "ended"),
        ("voicemail_reached", "ended"),
        ("dial_no_answer", "not_connected"),
        ("sip_routing_error", "not_connected"),
        ("network_blocked", "not_connected"),
        ("scam_detected", "error"),
        ("budget_reached", "error"),
        ("error_of_next_year", "error"),
        ("new_reason", "ended"),
        (None, "ended"),
    ],
)
def test_a_call_that_ended_registered_has_the_status_of_its_reason(
    reason: str | None, status: str
) -> None:
    call = {"call_id": "call_1", "call_status": "registered", "disconnection_reason": reason}
    reading = read_call(call, event="call_ended", body_sha256=SHA256)
    assert reading.values["status"] == status


@pytest.mark.parametrize("call_id", ["a\x00", "a\ufffd", "a\nb", "x" * 65, "a\u202e"])
def test_an_id_that_is_no_identifier_is_refused(call_id: str) -> None:
    assert unreadable(call_id=call_id) == "call_id_invalid"


def test_a_long_name_of_an_unknown_field_is_cut() -> None:
    reading = read_call({"call_id": "c", "n" * 300: 1}, event="call_ended", body_sha256=SHA256)
    assert reading.details == {"n" * 255: 1}


@pytest.mark.parametrize("rank_of", ["call_started", "transfer_started", "an_api_answer"])
def test_an_access_token_is_never_read(rank_of: str) -> None:
    obj = {"call_id": "call_1", "access_token": "canary"}
    reading = read_call(obj, event=rank_of, body_sha256=SHA256)
    assert "canary" not in repr(reading)
