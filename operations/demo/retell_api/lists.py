"""Retell's lists: filters, order, pages. Strict, so that a request Retell would refuse fails."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from typing import Any

from operations.demo.retell_api.workspaces import Refusal
from operations.demo.stories import Body

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000
# What only get-call answers.
NOT_LISTED = frozenset(
    {
        "transcript", "transcript_object", "transcript_with_tool_calls",
        "pre_session_transcript_with_tool_calls", "post_session_transcript_with_tool_calls",
        "scrubbed_transcript_with_tool_calls",
    }
)  # fmt: skip
_NOT_KEPT_OF_BASIC = NOT_LISTED | {
    "recording_url", "recording_multi_channel_url", "public_log_url",
}  # fmt: skip
_LIST_FIELDS = {
    "filter_criteria", "include_total", "limit", "pagination_key", "skip", "sort_order",
}  # fmt: skip

Test = Callable[[Any, Any], bool]
_STRING: dict[str, Test] = {
    "eq": lambda found, wanted: found == wanted,
    "ne": lambda found, wanted: found != wanted,
    "sw": lambda found, wanted: str(found).startswith(wanted),
    "ew": lambda found, wanted: str(found).endswith(wanted),
    "co": lambda found, wanted: wanted in str(found),
}
_NUMBER: dict[str, Test] = {
    "eq": lambda found, wanted: found == wanted,
    "ne": lambda found, wanted: found != wanted,
    "gt": lambda found, wanted: found > wanted,
    "ge": lambda found, wanted: found >= wanted,
    "lt": lambda found, wanted: found < wanted,
    "le": lambda found, wanted: found <= wanted,
}
_OPERATORS: dict[str, dict[str, Test]] = {
    "string": _STRING,
    "number": _NUMBER,
    "range": {"bt": lambda found, wanted: wanted[0] <= found <= wanted[1]},
    "enum": {"in": lambda found, wanted: found in wanted},
    "boolean": {"eq": lambda found, wanted: found is wanted},
}
# Criterion: where the value stands, and which types of filter it takes. Retell has more.
_CRITERIA: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "call_id": (("call_id",), {"string", "enum"}),
    "call_status": (("call_status",), {"enum"}),
    "call_type": (("call_type",), {"enum"}),
    "direction": (("direction",), {"enum"}),
    "disconnection_reason": (("disconnection_reason",), {"enum"}),
    "from_number": (("from_number",), {"string"}),
    "to_number": (("to_number",), {"string"}),
    "start_timestamp": (("start_timestamp",), {"number", "range"}),
    "end_timestamp": (("end_timestamp",), {"number", "range"}),
    "duration_ms": (("duration_ms",), {"number", "range"}),
    "combined_cost": (("call_cost", "combined_cost"), {"number", "range"}),
    "call_successful": (("call_analysis", "call_successful"), {"boolean"}),
}


def as_kept(call: Body) -> Body:
    """What Retell has of a call after its webhooks."""
    if call.get("data_storage_setting") != "basic_attributes_only":
        return call
    return {name: value for name, value in call.items() if name not in _NOT_KEPT_OF_BASIC}


def invalid(what: str) -> Refusal:
    return Refusal(400, f"Invalid request format, please check API reference. {what}")


def list_calls(calls: Iterable[Body], request: Body) -> Body:
    """POST /v3/list-calls. A call that never started passes no filter on its start (assumed)."""
    if unknown := set(request) - _LIST_FIELDS:
        raise invalid(f"Unknown: {', '.join(sorted(unknown))}.")
    if "skip" in request and "pagination_key" in request:
        raise invalid("skip and pagination_key exclude each other.")
    descending = _order(request) == "descending"
    found = [call for call in calls if _passes(call, request.get("filter_criteria", {}))]
    found.sort(key=_position, reverse=descending)
    answer: Body = {"total": len(found)} if request.get("include_total") else {}
    found = found[_begin(found, request, descending=descending) :]
    limit = _limit(request)
    items = [_without_transcripts(call) for call in found[:limit]]
    answer |= {"items": items, "has_more": len(found) > limit}
    if answer["has_more"]:
        answer["pagination_key"] = _encode({"after": _position(found[limit - 1])})
    return answer


def list_page(items: list[Body], query: Body) -> Body:
    """A page of anything else, which keeps its order."""
    if unknown := set(query) - {"limit", "pagination_key", "sort_order"}:
        raise invalid(f"Unknown: {', '.join(sorted(unknown))}.")
    is_reversed = "sort_order" in query and _order(query) == "descending"
    ordered = items[::-1] if is_reversed else items
    begin = int(_decode(query["pagination_key"]).get("at", 0)) if "pagination_key" in query else 0
    limit = _limit(query)
    answer: Body = {"items": ordered[begin : begin + limit], "has_more": len(items) > begin + limit}
    if answer["has_more"]:
        answer["pagination_key"] = _encode({"at": begin + limit})
    return answer


def _limit(request: Body) -> int:
    limit = request.get("limit", DEFAULT_LIMIT)
    if not str(limit).isdecimal() or not 1 <= int(limit) <= MAX_LIMIT:
        raise invalid(f"limit must be from 1 to {MAX_LIMIT}.")
    return int(limit)


def _order(request: Body) -> str:
    order = str(request.get("sort_order", "descending"))
    if order not in ("ascending", "descending"):
        raise invalid("sort_order must be ascending or descending.")
    return order


def _position(call: Body) -> list[Any]:
    return [call.get("start_timestamp", 0), call["call_id"]]


def _begin(found: list[Body], request: Body, *, descending: bool) -> int:
    """Behind the last item of the page before, whether or not it is still there."""
    if "pagination_key" not in request:
        return int(request.get("skip", 0))
    last = _decode(request["pagination_key"]).get("after")
    if last is None:
        raise invalid("pagination_key is invalid.")
    for number, call in enumerate(found):
        place = _position(call)
        if (place < last) if descending else (place > last):
            return number
    return len(found)


def _encode(position: Body) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def _decode(key: Any) -> Body:
    try:
        position = json.loads(base64.urlsafe_b64decode(str(key) + "=" * (-len(str(key)) % 4)))
    except (binascii.Error, ValueError) as error:
        raise invalid("pagination_key is invalid.") from error
    if not isinstance(position, dict):
        raise invalid("pagination_key is invalid.")
    return position


def _without_transcripts(call: Body) -> Body:
    return {name: value for name, value in call.items() if name not in NOT_LISTED}


def _passes(call: Body, criteria: Body) -> bool:
    for name, criterion in criteria.items():
        if name == "agent":
            if call["agent_id"] not in {line["agent_id"] for line in criterion}:
                return False
        elif not _meets(call, name, criterion):
            return False
    return True


def _meets(call: Body, name: str, criterion: Any) -> bool:
    if name not in _CRITERIA or not isinstance(criterion, dict):
        raise invalid(f"filter_criteria.{name} is unknown.")
    path, kinds = _CRITERIA[name]
    test = _OPERATORS.get(criterion.get("type", ""), {}).get(criterion.get("op", ""))
    if test is None or criterion["type"] not in kinds or set(criterion) != {"type", "op", "value"}:
        raise invalid(f"filter_criteria.{name} needs type, op and value.")
    found: Any = call
    for step in path:
        found = (found or {}).get(step)
    return found is not None and test(found, criterion["value"])
