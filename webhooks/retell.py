"""From a body's bytes to what it asks of us. The only place that knows Retell's event bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calls import sql as calls_sql
from calls.classification import TEST_METADATA_KEYS
from calls.merge import EVENT_RANKS, StorageLevel
from calls.reader import (
    FORBIDDEN_KEYS,
    Reading,
    Unreadable,
    keeps_detail,
    read_call,
    read_chat,
    storage_level,
)
from config.json_reader import UnreadableJson, read_json

CALL_EVENTS = frozenset(name for name in EVENT_RANKS if not name.startswith("chat_"))
CHAT_EVENTS = frozenset({"chat_started", "chat_ended", "chat_analyzed"})
ALERT_EVENTS = frozenset({"alert_triggered", "alert_resolved"})
# Synchronous: the caller hears ringing until we answer. An empty object keeps Retell's defaults.
INBOUND_EVENTS = frozenset({"call_inbound", "chat_inbound"})
TEST_CALL_ID = "test_call"

EVENT_MAX_LENGTH = 64


class Action:
    """What is to be done with a delivery; see `webhooks.actions`."""

    CALL = "call"
    CHAT = "chat"
    ALERT = "alert"
    STORE = "store"
    IGNORE = "ignore"
    CHECK = "check"


@dataclass(slots=True)
class Parsed:
    """A readable body: its event, whom it is about, and what it asks."""

    event: str
    subject_id: str
    action: str
    reading: Reading | None = None
    alert: dict[str, Any] | None = None
    reason: str = ""
    inbound: bool = False


def load(body: bytes) -> tuple[dict[str, Any], bool]:
    """The body as a JSON object, with Decimals, and whether forbidden keys were taken out.

    Raises `Unreadable` with a coded reason.
    """
    try:
        document, stripped = read_json(body, FORBIDDEN_KEYS)
    except UnreadableJson as error:
        raise Unreadable(error.code, str(error)) from error
    if not isinstance(document, dict):
        raise Unreadable("not_an_object", "The body is JSON, but not an object.")
    return document, stripped


def parse(document: dict[str, Any], body_sha256: bytes) -> Parsed:
    """What a loaded body says; raises `Unreadable`."""
    event = _event_of(document)
    if event in CALL_EVENTS:
        return _parse_call(document, event, body_sha256)
    if event in CHAT_EVENTS:
        return _parse_chat(document, event, body_sha256)
    if event in ALERT_EVENTS:
        return _parse_alert(document, event)
    if event in INBOUND_EVENTS:
        return Parsed(event, loose_subject(document), Action.STORE, inbound=True)
    return Parsed(event, loose_subject(document), Action.IGNORE, reason="unknown_event")


def _event_of(document: Mapping[str, Any]) -> str:
    event = document.get("event")
    if event is None or event == "":
        raise Unreadable("event_missing", "The body does not say which event it is.")
    if not isinstance(event, str) or len(event) > EVENT_MAX_LENGTH:
        raise Unreadable("event_invalid", "The name of the event is not a short text.")
    return event


def _part(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = document.get(name)
    if part is None:
        raise Unreadable(f"{name}_missing", f"The event carries no {name}.")
    if not isinstance(part, dict):
        raise Unreadable("wrong_type", f"“{name}” is not an object.")
    return part


def _parse_call(document: dict[str, Any], event: str, body_sha256: bytes) -> Parsed:
    call = _part(document, "call")
    if call.get("call_id") == TEST_CALL_ID:
        return Parsed(event, TEST_CALL_ID, Action.CHECK)
    beside = {name: value for name, value in document.items() if name not in ("event", "call")}
    reading = read_call(call, event=event, body_sha256=body_sha256, beside=beside)
    return Parsed(event, reading.subject_id, Action.CALL, reading)


def _parse_chat(document: dict[str, Any], event: str, body_sha256: bytes) -> Parsed:
    reading = read_chat(_part(document, "chat"), event=event, body_sha256=body_sha256)
    return Parsed(event, reading.subject_id, Action.CHAT, reading)


def _parse_alert(document: dict[str, Any], event: str) -> Parsed:
    alert = _part(document, "alert")
    incident = alert.get("alert_incident_id")
    if incident is None or incident == "":
        raise Unreadable("alert_incident_id_missing", "The alert has no incident id.")
    if not isinstance(incident, str) or len(incident) > 255:
        raise Unreadable("alert_incident_id_invalid", "The alert's incident id is no short text.")
    return Parsed(event, incident, Action.ALERT, alert=alert)


def loose_subject(document: Mapping[str, Any]) -> str:
    """The call or chat a body is about, as far as it says; for finding it in the log."""
    return _loose_text(document, "call_id", "chat_id")


def agent_of(document: Mapping[str, Any]) -> str | None:
    """The agent a body is about, as far as it says; for filtering the log."""
    return _loose_text(document, "agent_id") or None


def _loose_text(document: Mapping[str, Any], *names: str) -> str:
    for value in document.values():
        if isinstance(value, dict):
            for name in names:
                if isinstance(value.get(name), str):
                    return str(value[name])[:255]
    return ""


# --- What must not be kept -----------------------------------------------------------------------

# Fields of a call or chat that say nothing about a person, besides `IMPERSONAL_DETAILS`.
_IMPERSONAL_FIELDS = frozenset(
    {
        "agent_id",
        "agent_name",
        "agent_version",
        "call_cost",
        "call_id",
        "call_status",
        "call_type",
        "chat_cost",
        "chat_id",
        "chat_status",
        "chat_type",
        "direction",
        "disconnection_reason",
        "duration_ms",
        "end_timestamp",
        "latency",
        "start_timestamp",
        "version",
    }
)
_IMPERSONAL_ANALYSIS = frozenset(
    {"call_successful", "chat_successful", "in_voicemail", "user_sentiment"}
)


def restriction(document: Mapping[str, Any]) -> StorageLevel:
    """The strictest storage setting found in the body, readable or not."""
    levels = [StorageLevel.EVERYTHING]
    for part in document.values():
        if isinstance(part, dict):
            try:
                levels.append(storage_level(part))
            except Unreadable:
                levels.append(StorageLevel.BASIC_ATTRIBUTES)
    return max(levels)


def without_personal(document: Mapping[str, Any], level: StorageLevel) -> dict[str, Any]:
    """The body as far as `level` allows keeping it: the impersonal fields of call or chat."""
    kept: dict[str, Any] = {
        name: document[name] for name in ("event", "event_timestamp") if name in document
    }
    for name in ("call", "chat"):
        if isinstance(document.get(name), dict):
            kept[name] = _impersonal_part(name, document[name], level)
    return kept


def _impersonal_part(name: str, part: Mapping[str, Any], level: StorageLevel) -> dict[str, Any]:
    kept = {
        key: value
        for key, value in part.items()
        if key in _IMPERSONAL_FIELDS or keeps_detail(key, level)
    }
    for nested, allowed in (
        (f"{name}_analysis", _IMPERSONAL_ANALYSIS),
        ("metadata", TEST_METADATA_KEYS),
    ):
        if isinstance(part.get(nested), dict):
            kept[nested] = {key: part[nested][key] for key in allowed if key in part[nested]}
    return kept


def body_to_keep(body: bytes, document: Mapping[str, Any], *, stripped: bool) -> tuple[bytes, bool]:
    """The bytes to store and whether they are redacted.

    The original, unless a forbidden key was in it or the storage setting forbids keeping all.
    """
    level = restriction(document)
    if level:
        return calls_sql.dumps(without_personal(document, level)).encode(), True
    if stripped:
        return calls_sql.dumps(document).encode(), True
    return body, False
