"""Transcript entries of Retell as rows a page can show. Unknown kinds are shown by their role."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.json_text import indented


@dataclass(slots=True)
class Row:
    """One line: `kind` utterance, tool_call or aside; `at_ms` from the start of the audio."""

    kind: str
    speaker: str
    at_ms: int | None = None
    tone: str = ""
    text: str = ""
    name: str = ""
    arguments: str = ""
    result: str | None = None
    successful: bool | None = None
    call_id: str = ""


_SPEAKERS = {
    "agent": ("Agent", "agent"),
    "user": ("Caller", "caller"),
    "transfer_target": ("Transfer", "caller"),
}


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _start_ms(entry: Mapping[str, Any]) -> int | None:
    """Seconds of audio of the first word, where there are words; `time_sec` otherwise."""
    words = entry.get("words")
    first = words[0] if isinstance(words, list) and words else {}
    seconds = first.get("start") if isinstance(first, dict) else None
    if seconds is None:
        seconds = entry.get("time_sec")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return round(seconds * 1000) if 0 <= seconds < 10**6 else None


def _pretty(arguments: Any) -> str:
    text = _text(arguments)
    return indented(text) or text


def _row(entry: Mapping[str, Any]) -> Row:
    role = _text(entry.get("role"))
    if role in _SPEAKERS:
        speaker, tone = _SPEAKERS[role]
        return Row("utterance", speaker, _start_ms(entry), tone, _text(entry.get("content")))
    if role == "tool_call_invocation":
        return Row(
            "tool_call",
            "Tool",
            _start_ms(entry),
            name=_text(entry.get("name")),
            arguments=_pretty(entry.get("arguments")),
            call_id=_text(entry.get("tool_call_id")),
        )
    return Row("aside", _ASIDES.get(role, role or "Note"), _start_ms(entry), text=_aside(entry))


_ASIDES = {
    "node_transition": "Step",
    "dtmf": "Keypad",
    "sms": "SMS",
    "injected": "Injected",
    "tool_call_result": "Tool",
}


def _aside(entry: Mapping[str, Any]) -> str:
    if entry.get("role") == "node_transition":
        return f"{_text(entry.get('former_node_name'))} → {_text(entry.get('new_node_name'))}"
    if entry.get("role") == "dtmf":
        return f"Pressed {_text(entry.get('digit'))}"
    return _text(entry.get("content"))


def rows(entries: Sequence[Any] | None) -> list[Row]:
    """Rows in the order of the call; a tool's result joins its invocation."""
    result: list[Row] = []
    invocations: dict[str, Row] = {}
    for entry in entries or ():
        if not isinstance(entry, dict):
            continue
        tool = invocations.get(_text(entry.get("tool_call_id")))
        if entry.get("role") == "tool_call_result" and tool is not None:
            tool.result = _text(entry.get("content"))
            successful = entry.get("successful")
            tool.successful = successful if isinstance(successful, bool) else None
            continue
        row = _row(entry)
        if row.kind == "tool_call":
            invocations[row.call_id] = row
        result.append(row)
    return result
