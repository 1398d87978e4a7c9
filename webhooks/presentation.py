"""Deliveries as pages show them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from agents.models import Agent
from analytics import charts
from calls.models import Call, Chat
from calls.timeline import TimelineEntry
from config.json_text import indented
from config.templatetags.formats import hour, moment
from webhooks import refusals
from webhooks.models import Delivery
from webhooks.refusals import LastDay


def raw_text(delivery: Delivery) -> tuple[str | None, str]:
    """The stored body, indented where it is JSON, and a note on what it is."""
    body = bytes(delivery.body)
    if delivery.body_removed_at:
        return None, _("Removed on %(when)s") % {"when": moment(delivery.body_removed_at)}
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body.decode("utf-8", "backslashreplace"), _("Not UTF-8; odd bytes are shown as \\x…")
    note = _("Redacted: parts that must not be kept were taken out") if delivery.is_redacted else ""
    shown = indented(text)
    return (text, note or _("As received")) if shown is None else (shown, note)


def agent_of(delivery: Delivery) -> Agent | None:
    if not delivery.agent_id:
        return None
    agent: Agent | None = Agent.objects.filter(retell_agent_id=delivery.agent_id).first()
    return agent


def refused(day: LastDay) -> dict[str, Any]:
    """What was refused in the last 24 hours: a chart by hour, the causes, and since when."""
    causes = sorted(day.by_cause.items(), key=lambda row: -sum(row[1]))
    # There are more causes than tones; the rarest share the last one.
    series = [
        charts.Series(refusals.label(cause), counts, charts.TONES[min(at, len(charts.TONES) - 1)])
        for at, (cause, counts) in enumerate(causes)
    ]
    labels = [hour(timezone.localtime(start).hour) for start in day.hours]
    name = _("Refused deliveries by hour")
    return {
        "chart": causes and charts.stacked_bars(name, labels, series, head="Hour", height=140),
        "causes": [
            (entry.name, sum(day.by_cause[cause]), entry.tone)
            for (cause, _), entry in zip(causes, series, strict=True)
        ],
        "is_known": day.is_known,
        "since": day.since if day.is_partial else None,
    }


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
