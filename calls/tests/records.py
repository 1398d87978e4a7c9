"""Calls as they stand in the database, for tests of pages over many of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from calls.models import Call

NOON = datetime(2026, 3, 10, 16, tzinfo=UTC)  # 12:00 in New York


def make_call(name: str, **fields: Any) -> Call:
    defaults: dict[str, Any] = {"status": "ended", "started_at": NOON, "retell_call_id": name}
    values = defaults | fields
    call: Call = Call.objects.create(**values)
    return call


def make_calls(number: int, **fields: Any) -> list[Call]:
    """`call_0` is the newest; each costs a dollar and lasts a minute."""
    defaults: dict[str, Any] = {
        "status": "ended", "duration_ms": 60_000, "cost_cents": Decimal(100), "agent_id": "agent_1",
    }  # fmt: skip
    values = defaults | fields
    calls = [
        Call(
            retell_call_id=f"call_{at}",
            started_at=NOON - timedelta(minutes=at),
            **values,
        )
        for at in range(number)
    ]
    return Call.objects.bulk_create(calls, batch_size=1000)
