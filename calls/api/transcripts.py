"""Transcript entries of Retell for programs: its own roles and words, times in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from accounts.masking import shown_text
from calls.models import Call, Chat
from calls.transcripts import milliseconds, word_times


def of_call(call: Call) -> dict[str, Any]:
    entries = call.transcript_entries or call.details.get("scrubbed_transcript_with_tool_calls")
    return {"text": shown_text(call.transcript), "entries": _entries(entries)}


def of_chat(chat: Chat) -> list[dict[str, Any]]:
    return _entries(chat.messages)


def _entries(entries: Any) -> list[dict[str, Any]]:
    return [_entry(one) for one in _dicts(entries)]


def _dicts(entries: Any) -> Iterable[Mapping[str, Any]]:
    return (one for one in (entries if isinstance(entries, list) else ()) if isinstance(one, dict))


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    words = word_times(entry)
    start_ms = words[0][0] if words else milliseconds(entry.get("time_sec"))
    successful = entry.get("successful")
    return {
        "role": _text(entry.get("role")) or "",
        "content": shown_text(_text(entry.get("content"))),
        "start_ms": start_ms,
        "end_ms": max(end for _, end in words) if words else None,
        "tool_call_id": _text(entry.get("tool_call_id")),
        "name": _text(entry.get("name")),
        "arguments": shown_text(_text(entry.get("arguments"))),
        "successful": successful if isinstance(successful, bool) else None,
    }


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
