"""Calls and chats as their pages show them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header

from accounts.masking import shown_number, shown_text
from calls import costs, provenance, recordings, timeline, transcripts
from calls.merge import StorageLevel
from calls.models import Call, Chat, Conversation
from calls.recordings import Recording
from config.templatetags import formats

_LATENCIES = (
    ("e2e", "End to end"),
    ("llm", "LLM"),
    ("tts", "TTS"),
    ("asr", "Speech recognition"),
    ("knowledge_base", "Knowledge base"),
    ("s2s", "Speech to speech"),
    ("llm_websocket_network_rtt", "LLM network"),
)


def _latency_rows(latency: dict[str, Any] | None) -> list[dict[str, Any]]:
    blocks = [(label, (latency or {}).get(name)) for name, label in _LATENCIES]
    rows: list[dict[str, Any]] = [
        {"label": label, **{p: costs.as_decimal(block.get(p)) for p in ("p50", "p90", "p99")}}
        for label, block in blocks
        if isinstance(block, dict) and block.get("p50") is not None
    ]
    longest = max((row["p99"] or row["p50"] for row in rows), default=Decimal(0))
    for row in rows:
        row["share"] = float(row["p50"] / longest) if longest else 0.0
    return rows


def _missing_transcript(conversation: Conversation) -> str:
    if conversation.storage_level >= StorageLevel.BASIC_ATTRIBUTES:
        return "This agent's storage setting keeps no transcripts."
    if conversation.storage_level == StorageLevel.EXCEPT_PERSONAL:
        return "This agent's storage setting keeps transcripts without personal data only."
    if conversation.status == "not_connected":
        return "The call never connected, so nothing was said."
    if conversation.status in (None, "registered", "ongoing"):
        return "The transcript appears while the call goes on, or when it has ended."
    return "Retell sent no transcript for this call."


def _analysis_fields(conversation: Conversation) -> list[tuple[str, Any]]:
    custom = conversation.details.get("custom_analysis_data")
    rows: list[tuple[str, Any]] = []
    if conversation.sentiment is not None:
        rows.append(("Sentiment", conversation.sentiment.label))
    for name, value in custom.items() if isinstance(custom, dict) else ():
        shown = {True: "Yes", False: "No"}.get(value, value) if isinstance(value, bool) else value
        rows.append((name.replace("_", " ").capitalize(), shown))
    return rows


def _shared_context(conversation: Conversation, subject_id: str) -> dict[str, Any]:
    entries = timeline.entries_about(subject_id)
    return {
        "analysis_fields": _analysis_fields(conversation),
        "cost_lines": costs.lines(conversation.cost),
        "deliveries": entries,
        "corrections": timeline.corrections_of(subject_id),
        "transcript_missing": _missing_transcript(conversation),
        "provenance": provenance.explain(
            conversation.provenance,
            [provenance.Arrival(e.event, e.received_at, e.body_sha256) for e in entries],
        ),
    }


def _transcript_entries(call: Call) -> Any:
    return call.transcript_entries or call.details.get("scrubbed_transcript_with_tool_calls")


def call_context(call: Call) -> dict[str, Any]:
    """What the page of one call shows, but its neighbours and forms."""
    billed = "Revenue" if call.is_billable else "Test, not billed"
    details = [
        ("Call ID", call.retell_call_id, True),
        ("From", shown_number(call.from_number), False),
        ("To", shown_number(call.to_number), False),
        ("Status", call.state.label, False),
        ("Ended by", call.disconnection.label if call.disconnection else None, False),
        ("Billing", billed, False),
        ("Why", shown_text(call.billable_reason or call.test_signal), False),
        ("Decided by", call.billable_changed_by, False),
        ("Storage", call.details.get("data_storage_setting"), False),
        ("Retell deletes on", _deleted_on(call), False),
        ("Source", "Webhook" if call.source == "webhook" else "Reconciliation", False),
    ]
    return _shared_context(call, call.retell_call_id) | {
        "call": call,
        "recording": _recording(call),
        "transcript_rows": transcripts.rows(_transcript_entries(call)),
        "latency_rows": _latency_rows(call.latency),
        "details": [row for row in details if row[1]],
    }


def _deleted_on(call: Call) -> str | None:
    """When Retell deletes the call, as its agent is set now; None: never, or not known."""
    days = call.agent.retention_days if call.agent else None
    if days is None or call.ended_at is None:
        return None
    when = timezone.localtime(call.ended_at) + timedelta(days=days)
    return formats.day(when, with_year=True)


def _recording(call: Call) -> dict[str, Any] | None:
    """The player's links; only a call that lasted can have a recording."""
    if not call.duration_ms:
        return None
    url = reverse("calls:recording", args=[call.pk])
    there = recordings.has_recording(call) and call.storage_level == 0
    return {"url": url if there else None, "missing": _missing_recording(call)}


def _missing_recording(call: Call) -> str:
    if call.storage_level:
        return "This agent's storage setting keeps no recordings."
    return "Retell named no recording of this call."


def recording_response(call: Call, opened: Recording, *, download: bool) -> StreamingHttpResponse:
    """Headers of ours around the bytes of Retell's."""
    response = StreamingHttpResponse(
        opened.chunks,
        status=opened.status,
        content_type=opened.media_type,
        headers=opened.headers | {"Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff"},
    )
    disposition = content_disposition_header(download, f"{call.retell_call_id}.wav")
    response.headers["Content-Disposition"] = disposition or "inline"
    return response


def chat_context(chat: Chat) -> dict[str, Any]:
    details = [
        ("Chat ID", chat.retell_chat_id, True),
        ("Type", chat.chat_type, False),
        ("Status", chat.state.label, False),
    ]
    return _shared_context(chat, chat.retell_chat_id) | {
        "chat": chat,
        "transcript_rows": transcripts.rows(chat.messages),
        "details": [row for row in details if row[1]],
    }
