"""The rules of the merge once more, in plain Python and the slow way: of all events of a call, take
for each field the one that counts most. The tests hold the upsert to this."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from calls.reader import Reading, read_call

RANKS = {
    "call_started": 1,
    "transcript_updated": 2,
    "transfer_started": 2,
    "transfer_bridged": 2,
    "transfer_cancelled": 2,
    "call_ended": 3,
    "call_analyzed": 4,
    "transfer_ended": 5,
    "api_read": 6,
}
ENDS = {"error_retell": "error", "dial_busy": "not_connected", "scam_detected": "error"}
ENDED = {"ended", "not_connected", "error"}
LEVELS = {"everything": 0, "everything_except_pii": 1, "basic_attributes_only": 2}
PERSONAL = {"from_number", "to_number", "summary", "transcript", "transcript_entries"}
KEPT_DETAILS = {
    "agent_tag", "custom_attributes", "data_storage_setting", "llm_token_usage",
    "opt_in_signed_url", "opt_out_sensitive_data_storage", "transfer_destination",
    "transfer_end_timestamp",
}  # fmt: skip
_HANDLED = {
    "call_type", "call_status", "direction", "agent_id", "agent_version", "agent_name",
    "disconnection_reason", "from_number", "to_number", "start_timestamp", "end_timestamp",
    "duration_ms", "call_cost", "latency", "call_analysis", "transcript", "transcript_object",
    "transcript_with_tool_calls", "call_id", "access_token",
}  # fmt: skip
_AS_THEY_ARE = (
    "agent_id", "agent_name", "agent_version", "call_type", "direction", "disconnection_reason",
    "from_number", "to_number", "transcript",
)  # fmt: skip
_HANDLED_ANALYSIS = {"call_summary", "call_successful", "in_voicemail", "user_sentiment"}


@dataclass(frozen=True)
class Event:
    """One event of a call: its name, its `call`, and what stands beside it."""

    name: str
    call: dict[str, Any]
    beside: dict[str, Any]

    @cached_property
    def sha256(self) -> bytes:
        text = json.dumps([self.name, self.call, self.beside], default=str, sort_keys=True)
        return hashlib.sha256(text.encode()).digest()

    def read(self, call_id: str) -> Reading:
        call = {**self.call, "call_id": call_id}
        return read_call(call, event=self.name, body_sha256=self.sha256, beside=self.beside)


Values = dict[str, tuple[tuple[Any, ...], Any]]


def _moment(milliseconds: int | None) -> datetime | None:
    if not milliseconds:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def _order(event: Event, *, first: Any = 0, weight: int = 1) -> tuple[Any, ...]:
    entries = (
        event.call.get("transcript_with_tool_calls")
        or event.beside.get("transcript_with_tool_calls")
        or event.call.get("transcript_object")
        or []
    )
    turns = len(entries) if event.name == "transcript_updated" else 0
    end = event.call.get("end_timestamp") or 0
    return (first, RANKS[event.name], weight, end, turns, event.sha256.hex()[:12])


def _status(event: Event) -> tuple[int, str | None]:
    """(how final, which): registered 0, known or unknown 1, the end 2."""
    status = event.call.get("call_status")
    if RANKS[event.name] >= 3 and status in (None, "registered", "ongoing"):
        status = ENDS.get(str(event.call.get("disconnection_reason")), "ended")
    return (2 if status in ENDED else 0 if status == "registered" else 1), status


def _cents(cost: dict[str, Any]) -> Decimal | None:
    """The sum as given, else of the lines; None when neither says a number."""
    if cost.get("combined_cost") is not None:
        return Decimal(cost["combined_cost"])
    lines = [line["cost"] for line in cost.get("product_costs") or [] if line["cost"] is not None]
    return sum(lines, Decimal(0)) if lines else None


def _duration(call: dict[str, Any]) -> tuple[int, int | None]:
    """(weight, milliseconds): a given one 2, a zero 0, end − start 1."""
    if call.get("duration_ms") is not None:
        return (2 if call["duration_ms"] else 0), call["duration_ms"]
    start, end = call.get("start_timestamp"), call.get("end_timestamp")
    return 1, (end - start if start and end and end >= start else None)


def _test_signal(call: dict[str, Any]) -> str | None:
    if (call.get("agent_tag") or "").lower() in ("test", "dev", "staging"):
        return f"agent tag “{call['agent_tag']}”"
    return "metadata “test”" if (call.get("metadata") or {}).get("test") is True else None


def _is_present(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _money_and_time(event: Event) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """(field, value, its order): a zero counts least, and before the end it says nothing."""
    final = RANKS[event.name] >= 3 or event.call.get("call_status") in ENDED
    weight, duration = _duration(event.call)
    if duration or final or weight == 1:
        yield "duration_ms", duration, {"weight": weight}
    cents = _cents(event.call.get("call_cost") or {})
    if cents is not None and (cents or final):
        yield "cost_cents", cents, {"weight": int(bool(cents))}
        yield "cost", event.call["call_cost"], {"weight": int(bool(cents))}


def _fields(event: Event) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """(field, value, its order) of everything else."""
    call, analysis = event.call, event.call.get("call_analysis") or {}
    finality, status = _status(event)
    yield "status", status, {"first": finality}
    for name in _AS_THEY_ARE:
        yield name, call.get(name), {}
    for name in ("call_successful", "in_voicemail", "user_sentiment"):
        yield name, analysis.get(name), {}
    yield "summary", analysis.get("call_summary"), {}
    yield "started_at", _moment(call.get("start_timestamp")), {}
    yield "ended_at", _moment(call.get("end_timestamp")), {}
    beside = event.beside.get("transcript_with_tool_calls")
    with_tools = call.get("transcript_with_tool_calls") or beside
    entries = with_tools or call.get("transcript_object")
    yield "transcript_entries", entries, {"first": int(bool(with_tools))}
    yield "test_signal", _test_signal(call), {}


def _details(event: Event) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    analysis = event.call.get("call_analysis") or {}
    details = {name: value for name, value in event.call.items() if name not in _HANDLED}
    details |= {name: value for name, value in analysis.items() if name not in _HANDLED_ANALYSIS}
    for name in ("transfer_destination", "transfer_option"):
        details[f"{name}_attempt"] = event.beside.get(name)
    for name, value in details.items():
        yield f"details.{name}", value, {}


def _values(event: Event) -> Values:
    """What one event says, each with how much it counts; empty things say nothing."""
    said = [*_fields(event), *_money_and_time(event), *_details(event)]
    return {
        name: (_order(event, **order), value) for name, value, order in said if _is_present(value)
    }


def _level(event: Event) -> int:
    setting = event.call.get("data_storage_setting")
    if setting is not None:
        return LEVELS.get(setting, 2)
    return 2 if event.call.get("opt_out_sensitive_data_storage") else 0


def _is_kept(name: str, level: int) -> bool:
    if not name.startswith("details."):
        return level == 0 or name not in PERSONAL
    detail = name.removeprefix("details.")
    return level == 0 or detail in KEPT_DETAILS or (level == 1 and detail.startswith("scrubbed_"))


def expected(events: Iterable[Event]) -> dict[str, Any]:
    """The row these events must end in, whatever their order; fields nobody spoke of are absent."""
    events = list(events)
    level = max(_level(event) for event in events)
    best: Values = {}
    for event in events:
        for name, (order, value) in _values(event).items():
            if _is_kept(name, level) and (name not in best or order > best[name][0]):
                best[name] = (order, value)
    return {name: value for name, (_, value) in best.items()} | {"storage_level": level}
