"""Deliveries as pages show them."""

from __future__ import annotations

from calls.models import Call, Chat
from calls.timeline import TimelineEntry
from config.json_text import indented
from webhooks.models import Delivery


def raw_text(delivery: Delivery) -> tuple[str | None, str]:
    """The stored body, indented where it is JSON, and a note on what it is."""
    body = bytes(delivery.body)
    if delivery.body_removed_at:
        return None, "Removed after 30 days"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body.decode("utf-8", "backslashreplace"), "Not UTF-8; odd bytes are shown as \\x…"
    note = "Redacted: parts that must not be kept were taken out" if delivery.is_redacted else ""
    shown = indented(text)
    return (text, note or "As received") if shown is None else (shown, note)


def subject_url(delivery: Delivery) -> str | None:
    """The page of the call or chat a delivery is about, when there is one."""
    if not delivery.subject_id:
        return None
    call: Call | None = Call.objects.filter(retell_call_id=delivery.subject_id).only("id").first()
    if call is not None:
        return call.get_absolute_url()
    chat: Chat | None = Chat.objects.filter(retell_chat_id=delivery.subject_id).only("id").first()
    return chat.get_absolute_url() if chat else None


def timeline_of(subject_id: str) -> list[TimelineEntry]:
    """For the pages of calls and chats; registered in `apps.py`."""
    return [
        TimelineEntry(
            event=delivery.event or "unreadable",
            received_at=delivery.received_at,
            state=delivery.verdict,
            url=delivery.get_absolute_url(),
            note=f"received {delivery.receipts} times" if delivery.receipts > 1 else "",
            body_sha256=bytes(delivery.body_sha256),
        )
        for delivery in Delivery.objects.about(subject_id)
    ]
