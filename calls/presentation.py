"""Calls and chats as their pages show them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.masking import shown_number, shown_text
from calls import costs, provenance, recordings, speech, timeline, transcripts, values
from calls.merge import StorageLevel
from calls.models import Call, Chat, Conversation
from calls.outcomes import Tagged
from calls.recordings import Recording
from calls.values import Value
from config.templatetags import formats

_LATENCIES = (
    ("e2e", gettext_noop("End to end")),
    ("llm", gettext_noop("LLM")),
    ("tts", gettext_noop("TTS")),
    ("asr", gettext_noop("Speech recognition")),
    ("knowledge_base", gettext_noop("Knowledge base")),
    ("s2s", gettext_noop("Speech to speech")),
    ("llm_websocket_network_rtt", gettext_noop("LLM network")),
)
# Objects of a call or chat that hold other people's names and values.
_GROUPS = (
    ("collected_dynamic_variables", gettext_noop("Collected in the call")),
    ("retell_llm_dynamic_variables", gettext_noop("Given to the agent")),
    ("metadata", gettext_noop("Metadata")),
    ("custom_attributes", gettext_noop("Custom attributes")),
)
_SHOWN_ELSEWHERE = {
    "agent_tag", "custom_analysis_data", "data_storage_setting", "transfer_destination",
}  # fmt: skip
LONG_TRANSCRIPT = 200


def _latency_rows(latency: dict[str, Any] | None) -> list[dict[str, Any]]:
    blocks = [(_(label), (latency or {}).get(name)) for name, label in _LATENCIES]
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
        return _("This agent's storage setting keeps no transcripts.")
    if conversation.storage_level == StorageLevel.EXCEPT_PERSONAL:
        return _("This agent's storage setting keeps transcripts without personal data only.")
    if conversation.status == "not_connected":
        return _("The call never connected, so nothing was said.")
    if conversation.status in (None, "registered", "ongoing"):
        return _("The transcript appears while the call goes on, or when it has ended.")
    if isinstance(conversation, Chat):
        return _("Retell sent no messages for this chat.")
    return _("Retell sent no transcript for this call.")


def _analysis_fields(conversation: Conversation) -> list[tuple[str, Tagged | Value]]:
    rows: list[tuple[str, Tagged | Value]] = []
    if conversation.sentiment is not None:
        rows.append((_("Sentiment"), conversation.sentiment))
    custom = values.fields_of(conversation.details.get("custom_analysis_data"))
    custom.sort(key=lambda row: row[1].kind in ("fields", "list"))
    rows.extend(custom)
    return rows


def _groups(details: dict[str, Any]) -> list[tuple[str, list[tuple[str, Value]]]]:
    """Variables and metadata; what this version does not know stands last, as it came."""
    groups = [(_(title), values.fields_of(details.get(name))) for name, title in _GROUPS]
    known = _SHOWN_ELSEWHERE | {name for name, _title in _GROUPS}
    rest = {
        name: value
        for name, value in details.items()
        # Links lead around the audit log, and transcripts stand above.
        if name not in known and "url" not in name and "transcript" not in name
    }
    groups.append((_("Other values of Retell"), [(n, values.value_of(v)) for n, v in rest.items()]))
    return [group for group in groups if group[1]]


def _shared_context(conversation: Conversation, subject_id: str) -> dict[str, Any]:
    entries = timeline.entries_about(subject_id)
    return {
        "analysis_fields": _analysis_fields(conversation),
        "cost_lines": costs.lines(conversation.cost),
        "deliveries": entries,
        "corrections": timeline.corrections_of(subject_id),
        "groups": _groups(conversation.details),
        "transcript_missing": _missing_transcript(conversation),
        "printed_at": timezone.now(),
        "provenance": provenance.explain(
            conversation.provenance,
            [provenance.Arrival(e.event, e.received_at, e.body_sha256) for e in entries],
        ),
    }


def _transcript_entries(call: Call) -> Any:
    return call.transcript_entries or call.details.get("scrubbed_transcript_with_tool_calls")


def _around(call: Call, when: str) -> list[transcripts.Row]:
    """What tools did before (`pre`) or after (`post`) the call."""
    name = f"{when}_session_transcript_with_tool_calls"
    entries = call.details.get(name) or call.details.get(f"scrubbed_{name}")
    return transcripts.rows(entries if isinstance(entries, list) else None)


def call_context(call: Call) -> dict[str, Any]:
    """What the page of one call shows, but its neighbours, notes and forms."""
    entries = _transcript_entries(call)
    rows = transcripts.rows(entries)
    return _shared_context(call, call.retell_call_id) | {
        "call": call,
        "recording": _recording(call),
        "speech": speech.speech_of(entries, call.duration_ms or 0),
        "transcript_rows": rows,
        "transcript_is_long": len(rows) > LONG_TRANSCRIPT,
        "is_scrubbed": bool(rows) and not call.transcript_entries,
        "rows_before": _around(call, "pre"),
        "rows_after": _around(call, "post"),
        "latency_rows": _latency_rows(call.latency),
        "details": _call_details(call),
    }


def _call_details(call: Call) -> list[tuple[str, Any, bool]]:
    """(label, value, whether it can be copied); values that this version does not know stay raw."""
    destination = call.details.get("transfer_destination")
    details = [
        (_("Call ID"), call.retell_call_id, True),
        (_("From"), _phone(call.from_number), False),
        (_("To"), _phone(call.to_number), False),
        (_("Status"), call.state.label, False),
        (_("Ended by"), call.disconnection.label if call.disconnection else None, False),
        (_("Transferred to"), shown_text(str(destination)) if destination else None, False),
        (_("Environment"), call.details.get("agent_tag"), False),
        (_("Billing"), _("Revenue") if call.is_billable else _("Test, not billed"), False),
        (_("Why"), shown_text(call.billable_reason or call.test_signal), False),
        (_("Decided by"), call.billable_changed_by, False),
        (_("Storage"), call.details.get("data_storage_setting"), False),
        (_("Retell deletes on"), _deleted_on(call), False),
        (_("Source"), _source(call), False),
    ]
    return [row for row in details if row[1]]


def _phone(number: str | None) -> str | None:
    return formats.phone(shown_number(number)) if number else None


def _source(conversation: Conversation) -> str:
    return _("Webhook") if conversation.source == "webhook" else _("Reconciliation")


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
    return {
        "url": url if there else None,
        "missing": _missing_recording(call),
        "seconds": f"{call.duration_ms / 1000:.1f}",
    }


def _missing_recording(call: Call) -> str:
    if call.storage_level:
        return _("This agent's storage setting keeps no recordings.")
    if call.status in (None, "registered", "ongoing"):
        return _("The recording is there when the call has ended.")
    return _("Retell named no recording of this call.")


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
    rows = transcripts.rows(chat.messages, caller=_("Customer"))
    took = chat.ended_at - chat.started_at if chat.started_at and chat.ended_at else None
    details = [
        (_("Chat ID"), chat.retell_chat_id, True),
        (_("Type"), {"api_chat": _("Web"), "sms_chat": _("SMS")}.get(
            chat.chat_type or "", chat.chat_type
        ), False),
        (_("Status"), chat.state.label, False),
        (_("Environment"), chat.details.get("agent_tag"), False),
        (_("Storage"), chat.details.get("data_storage_setting"), False),
        (_("Source"), _source(chat), False),
    ]  # fmt: skip
    return _shared_context(chat, chat.retell_chat_id) | {
        "chat": chat,
        "took_ms": took and took.total_seconds() * 1000,
        "transcript_rows": rows,
        "transcript_is_long": len(rows) > LONG_TRANSCRIPT,
        "details": [row for row in details if row[1]],
    }
