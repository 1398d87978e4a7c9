"""Transcript entries of Retell as rows a page can show. Unknown kinds are shown by their role."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from calls.reader import MAX_TIMESTAMP_MS, timestamp
from config.json_text import indented

# Words of two people that overlap by less are how people talk.
OVERLAP_MS = 200


@dataclass(slots=True)
class Row:
    """One line: `kind` utterance, tool_call or aside; `at_ms` from the start of the audio, or
    (chats) `sent_at`."""

    kind: str
    speaker: str
    at_ms: int | None = None
    end_ms: int | None = None
    # Retell said no time: it is that of the end of what was said before.
    is_estimated: bool = False
    sent_at: datetime | None = None
    tone: str = ""
    text: str = ""
    marks: list[str] = field(default_factory=list)
    name: str = ""
    arguments: str = ""
    result: str | None = None
    successful: bool | None = None
    took_ms: int | None = None
    call_id: str = ""


_SPEAKERS = {
    "agent": (gettext_noop("Agent"), "agent"),
    "user": (gettext_noop("Caller"), "caller"),
    "transfer_target": (gettext_noop("Transfer"), "caller"),
}
_ASIDES = {
    "node_transition": gettext_noop("Step"),
    "dtmf": gettext_noop("Keypad"),
    "sms": gettext_noop("SMS"),
    "injected": gettext_noop("Injected"),
    "tool_call_result": gettext_noop("Tool"),
}
# Why a flow went on; nothing is said of the usual way.
_TRANSITIONS = {
    "global": gettext_noop("from anywhere"),
    "global_go_back": gettext_noop("back from anywhere"),
    "interrupt_go_back": gettext_noop("back after an interruption"),
}


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def milliseconds(seconds: Any) -> int | None:
    """Seconds of audio as milliseconds; None for what is no time in a call."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return round(seconds * 1000) if 0 <= seconds < 10**6 else None


def word_times(entry: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Start and end of each word of an utterance that has them, in milliseconds of audio."""
    words = entry.get("words")
    found = []
    for word in words if isinstance(words, list) else ():
        if isinstance(word, dict):
            start, end = milliseconds(word.get("start")), milliseconds(word.get("end"))
            if start is not None and end is not None and end >= start:
                found.append((start, end))
    return found


def _place(row: Row, entry: Mapping[str, Any]) -> Row:
    """The times of its words, where there are words; `time_sec` otherwise."""
    words = word_times(entry)
    if words:
        row.at_ms, row.end_ms = words[0][0], max(end for _, end in words)
    else:
        row.at_ms = milliseconds(entry.get("time_sec"))
    sent_ms = entry.get("created_timestamp")
    if type(sent_ms) is int and 0 < sent_ms <= MAX_TIMESTAMP_MS:
        row.sent_at = timestamp(sent_ms)
    return row


def _pretty(value: Any) -> str:
    text = _text(value)
    return indented(text) or text


def _row(entry: Mapping[str, Any], caller: str) -> Row:
    role = _text(entry.get("role"))
    if role in _SPEAKERS:
        return _utterance(entry, role, caller)
    if role == "tool_call_invocation":
        return Row(
            "tool_call",
            _("Tool"),
            name=_text(entry.get("name")),
            arguments=_pretty(entry.get("arguments")),
            call_id=_text(entry.get("tool_call_id")),
        )
    speaker = _(_ASIDES[role]) if role in _ASIDES else role or _("Note")
    return Row("aside", speaker, text=_aside(entry))


def _utterance(entry: Mapping[str, Any], role: str, caller: str) -> Row:
    speaker, tone = _SPEAKERS[role]
    row = Row("utterance", _(speaker), tone=tone, text=_text(entry.get("content")))
    if role == "user" and caller:
        row.speaker = caller
    metadata = entry.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if metadata.get("interrupt_id") is not None:
        row.marks.append(_("interrupts"))
    if metadata.get("is_backchannel") is True:
        row.marks.append(_("in passing"))
    return row


def _aside(entry: Mapping[str, Any]) -> str:
    if entry.get("role") == "node_transition":
        step = f"{_text(entry.get('former_node_name'))} → {_text(entry.get('new_node_name'))}"
        kind = _text(entry.get("transition_type"))
        if kind in ("", "normal"):
            return step
        return f"{step} ({_(_TRANSITIONS[kind]) if kind in _TRANSITIONS else kind})"
    if entry.get("role") == "dtmf":
        return _("Pressed %(keys)s") % {"keys": _text(entry.get("digit"))}
    return _text(entry.get("content"))


def _answer(tool: Row, entry: Mapping[str, Any]) -> None:
    """A tool's result joins its invocation."""
    tool.result = _pretty(entry.get("content"))
    successful = entry.get("successful")
    tool.successful = successful if isinstance(successful, bool) else None
    answered_ms = milliseconds(entry.get("time_sec"))
    if answered_ms is not None and tool.at_ms is not None and answered_ms >= tool.at_ms:
        tool.took_ms = answered_ms - tool.at_ms


def rows(entries: Sequence[Any] | None, *, caller: str = "") -> list[Row]:
    """Rows in the order of the call; `caller` is what the other side is called."""
    result: list[Row] = []
    invocations: dict[str, Row] = {}
    for entry in entries or ():
        if not isinstance(entry, dict):
            continue
        tool = invocations.get(_text(entry.get("tool_call_id")))
        if entry.get("role") == "tool_call_result" and tool is not None:
            _answer(tool, entry)
            continue
        row = _place(_row(entry, caller), entry)
        if row.kind == "tool_call":
            invocations[row.call_id] = row
        result.append(row)
    _relate(result)
    return result


def _relate(result: list[Row]) -> None:
    """What a row owes to those before it: a time where Retell said none, and interrupting."""
    last: Row | None = None
    reached_ms: int | None = None
    for row in result:
        if row.at_ms is None and reached_ms is not None:
            row.at_ms, row.is_estimated = reached_ms, True
        if row.kind == "utterance" and row.end_ms is not None:
            if _talks_over(row, last) and not row.marks:
                row.marks.append(_("interrupts"))
            last = row
        ends = [ms for ms in (row.end_ms, row.at_ms, reached_ms) if ms is not None]
        reached_ms = max(ends) if ends else None


def _talks_over(row: Row, last: Row | None) -> bool:
    if last is None or last.speaker == row.speaker or row.at_ms is None or last.end_ms is None:
        return False
    return (last.at_ms or 0) < row.at_ms < last.end_ms - OVERLAP_MS
