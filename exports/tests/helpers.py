"""Calls of tests, and exports of them, made as the worker makes them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import User
from agents.models import Agent
from calls.models import Call
from calls.selection import Selection
from exports import actions, columns
from exports.files import stored
from exports.models import Export, Format
from jobs import actions as jobs
from tenants.models import Organization

START = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)


def make_call(number: int = 0, **values: Any) -> Call:
    fields: dict[str, Any] = {
        "retell_call_id": f"call_{number}",
        "status": "ended",
        "agent_id": "agent_1",
        "started_at": START + timedelta(minutes=number),
        "call_type": "phone_call",
        "direction": "inbound",
        "disconnection_reason": "user_hangup",
        "from_number": "+14155550142",
        "to_number": "+14155559999",
        "duration_ms": 61_500,
        "cost_cents": Decimal("12.3450"),
        "call_successful": True,
        "user_sentiment": "Positive",
    }
    fields |= values
    create: Any = Call.objects.create
    call: Call = create(**fields)
    return call


def make_calls(count: int, **values: Any) -> None:
    Agent.objects.get_or_create(retell_agent_id="agent_1", defaults={"name": "Front desk"})
    for number in range(count):
        make_call(number, **values)


def asked(organization: Organization, user: User, query: str = "", **wish: Any) -> Export:
    """`may_take`, as an admin's; the usual columns."""
    wishes: dict[str, Any] = {
        "format": Format.CSV,
        "columns": columns.chosen(wish.pop("codes", columns.default_codes())),
        "whole_numbers": True,
        "may_take": True,
    } | wish
    selection = Selection.from_query(
        query, organization=organization, sees_personal_data=wishes["may_take"]
    )
    return actions.ask(organization, selection, actions.Wish(**wishes), user=user)


def run(organization: Organization, export: Export) -> Export:
    jobs.run(organization, export.job_id)
    return Export.objects.select_related("job").get(pk=export.pk)


def made(organization: Organization, user: User, query: str = "", **wish: Any) -> Export:
    return run(organization, asked(organization, user, query, **wish))


def content(export: Export) -> bytes:
    return b"".join(stored(export.pk, 0, export.size_bytes))


def table(export: Export) -> tuple[list[str], list[list[str]], list[list[str]]]:
    """Headings, calls, and the lines of the foot."""
    head, *rest = csv.reader(io.StringIO(content(export).decode("utf-8-sig")))
    calls = [row for row in rest if not row[0].startswith("#")]
    return head, calls, rest[len(calls) :]
