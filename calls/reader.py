"""Reads Retell's call and chat objects, tolerantly: webhooks and API answers are the same shape.

Unknown fields, values and events are kept. A known field of another JSON type than documented
makes the body unreadable as a whole (`Unreadable`): half a call would be worse than a stored body
that can be applied again after a fix. Field facts: docs.retellai.com and retell-sdk 6.2.13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from calls.classification import find_test_signal
from calls.merge import (
    EVENT_RANKS,
    FINAL_RANKS,
    STORAGE_LEVELS,
    Rank,
    Source,
    StorageLevel,
)
from calls.outcomes import end_status

JsonObject = Mapping[str, Any]

ID_MAX_LENGTH = 64
# Enumerations and names are indexed; a longer text than any known one is cut, the body keeps it.
SHORT_TEXT_MAX_LENGTH = 255
# The year 2200: later ones are mistakes, and the last ones datetime knows do not fit every zone.
MAX_TIMESTAMP_MS = 7_258_118_400_000
MAX_DURATION_MS = 366 * 24 * 3600 * 1000
MAX_COST_CENTS = Decimal(10) ** 9
MAX_LATENCY_MS = Decimal(10) ** 9
FINAL_STATUSES = frozenset({"ended", "not_connected", "error"})
BEFORE_END_STATUSES = frozenset({"registered", "ongoing"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Details that say nothing about a person and stay when storage is restricted.
IMPERSONAL_DETAILS = frozenset(
    {
        "agent_tag",
        "custom_attributes",
        "data_storage_setting",
        "llm_token_usage",
        "opt_in_signed_url",
        "opt_out_sensitive_data_storage",
        "transfer_destination",
        "transfer_end_timestamp",
    }
)
# Never stored: lets a browser join the call's room.
FORBIDDEN_KEYS = frozenset({"access_token"})


class Unreadable(Exception):
    """The object cannot be applied. `code` is stable and stored; the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Reading:
    """What one event says: per field the value and its merge key; nothing absent is in here."""

    subject_id: str
    source: Source
    storage_level: StorageLevel
    values: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: Any, *, weight: int = 1, prefix: str = "") -> None:
        if not _is_absent(value):
            self.values[name] = value
            self.keys[name] = self.source.key(weight, prefix)

    def put_detail(self, name: str, value: Any) -> None:
        if not _is_absent(value):
            self.details[name] = value
            self.keys[f"details.{name}"] = self.source.key()


def _is_absent(value: Any) -> bool:
    """Retell sends empty texts and lists before it knows better; they say nothing."""
    return value is None or (isinstance(value, str | list | dict) and not value)


# --- Typed access --------------------------------------------------------------------------------


def _wrong_type(name: str, expected: str, value: Any) -> Unreadable:
    found = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}.get(
        type(value), "a number"
    )
    return Unreadable("wrong_type", f"“{name}” is {found}, not {expected}.")


def _text(obj: JsonObject, name: str, max_length: int | None = None) -> str | None:
    value = obj.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong_type(name, "a text", value)
    return value[:max_length] if max_length else value


def _short(obj: JsonObject, name: str) -> str | None:
    return _text(obj, name, SHORT_TEXT_MAX_LENGTH)


def _flag(obj: JsonObject, name: str) -> bool | None:
    value = obj.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise _wrong_type(name, "true or false", value)


def _number(obj: JsonObject, name: str) -> Decimal | None:
    value = obj.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _wrong_type(name, "a number", value)
    return Decimal(value)


def _whole(obj: JsonObject, name: str, maximum: int) -> int | None:
    number = _number(obj, name)
    if number is None:
        return None
    if not 0 <= number <= maximum:
        raise Unreadable("number_out_of_range", f"“{name}” is out of range.")
    return round(number)


def _list(obj: JsonObject, name: str) -> list[Any] | None:
    value = obj.get(name)
    if value is None or isinstance(value, list):
        return value
    raise _wrong_type(name, "a list", value)


def _object(obj: JsonObject, name: str) -> JsonObject | None:
    value = obj.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise _wrong_type(name, "an object", value)


def timestamp(milliseconds: int | None) -> datetime | None:
    """Exact; a float would lose milliseconds of far dates."""
    return None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)


def subject_id(obj: JsonObject, name: str) -> str:
    """`call_id` or `chat_id`: opaque, at most 64 characters."""
    value = obj.get(name)
    if value is None or value == "":
        raise Unreadable(f"{name}_missing", f"The event has no “{name}”.")
    if not isinstance(value, str):
        raise _wrong_type(name, "a text", value)
    if len(value) > ID_MAX_LENGTH or not value.isprintable() or "\ufffd" in value:
        raise Unreadable(f"{name}_invalid", f"“{name}” is no identifier of Retell.")
    return value


# --- Parts that calls and chats share ------------------------------------------------------------


def storage_level(obj: JsonObject) -> StorageLevel:
    """An unknown setting is read as the strictest one: what was dropped can be fetched again."""
    setting = _text(obj, "data_storage_setting")
    if setting is not None:
        return STORAGE_LEVELS.get(setting, StorageLevel.BASIC_ATTRIBUTES)
    if _flag(obj, "opt_out_sensitive_data_storage"):
        return StorageLevel.BASIC_ATTRIBUTES
    return StorageLevel.EVERYTHING


def _source(obj: JsonObject, event: str, turns: int, body_sha256: bytes) -> Source:
    return Source(
        event=event,
        rank=EVENT_RANKS.get(event, Rank.API_READ),
        end_ms=_whole(obj, "end_timestamp", MAX_TIMESTAMP_MS) or 0,
        turns=turns if event == "transcript_updated" else 0,
        body_sha256=body_sha256,
    )


def _is_final(reading: Reading, status: str | None) -> bool:
    return reading.source.rank in FINAL_RANKS or status in FINAL_STATUSES


def _put_cost(reading: Reading, cost: JsonObject | None, *, final: bool) -> None:
    """`combined_cost` in US cents, and the whole cost object; zeros before the end say nothing."""
    cents = _cents(cost) if cost else None
    if cents is None:
        return
    if abs(cents) > MAX_COST_CENTS:
        raise Unreadable("number_out_of_range", "“combined_cost” is out of range.")
    if cents or final:
        weight = 1 if cents else 0
        reading.put("cost_cents", cents, weight=weight)
        reading.put("cost", cost, weight=weight)


def _cents(cost: JsonObject) -> Decimal | None:
    """The sum as given, else of the lines; None when neither says a number."""
    lines = [_line_cents(line) for line in _list(cost, "product_costs") or []]
    combined = _number(cost, "combined_cost")
    if combined is not None:
        return combined
    given = [cents for cents in lines if cents is not None]
    return sum(given, Decimal(0)) if given else None


def _line_cents(line: Any) -> Decimal | None:
    if not isinstance(line, dict):
        raise _wrong_type("product_costs", "a list of objects", line)
    cents = _number(line, "cost")
    if cents is not None and abs(cents) > MAX_COST_CENTS:
        raise Unreadable("number_out_of_range", "“cost” is out of range.")
    return cents


def _put_status(reading: Reading, status: str | None, reason: str | None) -> None:
    """registered < ongoing < ended, not_connected, error, whatever event says so.

    Retell's own sample of call_ended says `registered`: an event after the end ends the call.
    """
    if reading.source.rank in FINAL_RANKS and (status is None or status in BEFORE_END_STATUSES):
        status = end_status(reason)
    if status is not None:
        finality = 2 if status in FINAL_STATUSES else 0 if status == "registered" else 1
        reading.put("status", status, prefix=str(finality))


def _put_times(reading: Reading, obj: JsonObject) -> None:
    start = _whole(obj, "start_timestamp", MAX_TIMESTAMP_MS)
    end = _whole(obj, "end_timestamp", MAX_TIMESTAMP_MS)
    reading.put("started_at", timestamp(start or None))
    reading.put("ended_at", timestamp(end or None))


def _put_details(reading: Reading, obj: JsonObject, read: frozenset[str]) -> None:
    for name, value in obj.items():
        if name not in read and name not in FORBIDDEN_KEYS:
            reading.put_detail(name[:SHORT_TEXT_MAX_LENGTH], value)


def _restrict(reading: Reading, personal_columns: frozenset[str]) -> None:
    """Drop what `data_storage_setting` says must not be kept."""
    if not reading.storage_level:
        return
    for name in personal_columns & reading.values.keys():
        del reading.values[name], reading.keys[name]
    for name in [name for name in reading.details if not keeps_detail(name, reading.storage_level)]:
        del reading.details[name], reading.keys[f"details.{name}"]


def keeps_detail(name: str, level: StorageLevel) -> bool:
    if level == StorageLevel.EVERYTHING or name in IMPERSONAL_DETAILS:
        return True
    return level == StorageLevel.EXCEPT_PERSONAL and name.startswith("scrubbed_")


# --- Calls ---------------------------------------------------------------------------------------

_CALL_FIELDS = frozenset(
    {
        "call_id",
        "call_type",
        "call_status",
        "direction",
        "agent_id",
        "agent_version",
        "agent_name",
        "disconnection_reason",
        "from_number",
        "to_number",
        "start_timestamp",
        "end_timestamp",
        "duration_ms",
        "call_cost",
        "latency",
        "call_analysis",
        "transcript",
        "transcript_object",
        "transcript_with_tool_calls",
    }
)
_CALL_ANALYSIS_FIELDS = frozenset(
    {"call_summary", "call_successful", "in_voicemail", "user_sentiment"}
)
CALL_PERSONAL = frozenset(
    {"from_number", "to_number", "summary", "transcript", "transcript_entries"}
)


def read_call(
    obj: JsonObject, *, event: str, body_sha256: bytes, beside: JsonObject | None = None
) -> Reading:
    """A `call` object of an event, or of an API answer (`event="api_read"`).

    `beside`: keys that stand beside `call` in the body and belong to it (transfer_destination,
    transcript_with_tool_calls). Raises `Unreadable`.
    """
    beside = beside or {}
    call_id = subject_id(obj, "call_id")
    entries = _list(obj, "transcript_with_tool_calls") or _list(
        beside, "transcript_with_tool_calls"
    )
    plain_entries = _list(obj, "transcript_object")
    turns = len(entries or plain_entries or ())
    reading = Reading(call_id, _source(obj, event, turns, body_sha256), storage_level(obj))
    status, reason = _short(obj, "call_status"), _short(obj, "disconnection_reason")
    _put_status(reading, status, reason)
    for name in ("call_type", "direction", "agent_id", "agent_name", "from_number", "to_number"):
        reading.put(name, _short(obj, name))
    reading.put("disconnection_reason", reason)
    reading.put("agent_version", _whole(obj, "agent_version", 2**31 - 1))
    _put_times(reading, obj)
    _put_duration(reading, obj, final=_is_final(reading, status))
    _put_cost(reading, _object(obj, "call_cost"), final=_is_final(reading, status))
    _put_latency(reading, _object(obj, "latency"))
    _put_call_analysis(reading, _object(obj, "call_analysis"))
    reading.put("transcript", _text(obj, "transcript"))
    # With tool calls says more than without, whichever event brings it.
    reading.put("transcript_entries", entries or plain_entries, prefix="1" if entries else "0")
    reading.put("test_signal", find_test_signal(obj))
    _put_details(reading, obj, _CALL_FIELDS)
    _put_beside(reading, beside)
    _restrict(reading, CALL_PERSONAL)
    return reading


def _put_duration(reading: Reading, obj: JsonObject, *, final: bool) -> None:
    """`duration_ms`, else end − start; a zero counts only after the end, and least."""
    given = _whole(obj, "duration_ms", MAX_DURATION_MS)
    if given is not None:
        if given or final:
            reading.put("duration_ms", given, weight=2 if given else 0)
        return
    start, end = reading.values.get("started_at"), reading.values.get("ended_at")
    if start and end and end >= start:
        reading.put("duration_ms", round((end - start) / timedelta(milliseconds=1)), weight=1)


def _put_latency(reading: Reading, latency: JsonObject | None) -> None:
    if latency:
        for block in latency.values():
            _check_latencies(block)
        reading.put("latency", latency)
        end_to_end = _object(latency, "e2e")
        if end_to_end:
            reading.put("latency_p50_ms", _number(end_to_end, "p50"))


def _check_latencies(block: Any) -> None:
    """Whatever a block of numbers holds besides, its numbers are shown on pages."""
    for name, value in block.items() if isinstance(block, dict) else ():
        if isinstance(value, int | Decimal) and abs(Decimal(value)) > MAX_LATENCY_MS:
            raise Unreadable("number_out_of_range", f"“{name[:40]}” is out of range.")


def _put_call_analysis(reading: Reading, analysis: JsonObject | None) -> None:
    if not analysis:
        return
    reading.put("summary", _text(analysis, "call_summary"))
    reading.put("call_successful", _flag(analysis, "call_successful"))
    reading.put("in_voicemail", _flag(analysis, "in_voicemail"))
    reading.put("user_sentiment", _short(analysis, "user_sentiment"))
    _put_details(reading, analysis, _CALL_ANALYSIS_FIELDS)


def _put_beside(reading: Reading, beside: JsonObject) -> None:
    """In transfer events the destination stands beside the call, as an object."""
    for name in ("transfer_destination", "transfer_option"):
        if name in beside:
            reading.put_detail(f"{name}_attempt", beside[name])


# --- Chats ---------------------------------------------------------------------------------------

_CHAT_FIELDS = frozenset(
    {
        "chat_id",
        "chat_type",
        "chat_status",
        "agent_id",
        "version",
        "agent_version",
        "agent_name",
        "start_timestamp",
        "end_timestamp",
        "chat_cost",
        "chat_analysis",
        "transcript",
        "message_with_tool_calls",
    }
)
_CHAT_ANALYSIS_FIELDS = frozenset({"chat_summary", "chat_successful", "user_sentiment"})
CHAT_PERSONAL = frozenset({"summary", "transcript", "messages"})


def read_chat(obj: JsonObject, *, event: str, body_sha256: bytes) -> Reading:
    """A `chat` object of an event. Its agent version is called `version`. Raises `Unreadable`."""
    chat_id = subject_id(obj, "chat_id")
    messages = _list(obj, "message_with_tool_calls")
    source = _source(obj, event, len(messages or ()), body_sha256)
    reading = Reading(chat_id, source, storage_level(obj))
    status = _short(obj, "chat_status")
    _put_status(reading, status, None)
    for name in ("chat_type", "agent_id", "agent_name"):
        reading.put(name, _short(obj, name))
    version = "version" if "version" in obj else "agent_version"
    reading.put("agent_version", _whole(obj, version, 2**31 - 1))
    _put_times(reading, obj)
    _put_cost(reading, _object(obj, "chat_cost"), final=_is_final(reading, status))
    _put_chat_analysis(reading, _object(obj, "chat_analysis"))
    reading.put("transcript", _text(obj, "transcript"))
    reading.put("messages", messages)
    _put_details(reading, obj, _CHAT_FIELDS)
    _restrict(reading, CHAT_PERSONAL)
    return reading


def _put_chat_analysis(reading: Reading, analysis: JsonObject | None) -> None:
    if not analysis:
        return
    reading.put("summary", _text(analysis, "chat_summary"))
    reading.put("chat_successful", _flag(analysis, "chat_successful"))
    reading.put("user_sentiment", _short(analysis, "user_sentiment"))
    _put_details(reading, analysis, _CHAT_ANALYSIS_FIELDS)
