"""Filters that the overview's numbers lead by, read on the organization's clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from calls.filters import CallFilter
from calls.models import Call
from tenants.models import Organization


def found(organization: Organization, **parameters: str) -> list[str]:
    filters = CallFilter(
        parameters, Call.objects.all(), zone=organization.zone, sees_personal_data=True
    )
    assert filters.form.errors == {}
    return [call.retell_call_id for call in filters.qs.order_by("retell_call_id")]


def call(name: str, at: datetime, cost: object = None) -> None:
    Call.objects.create(retell_call_id=name, started_at=at, cost=cost)


@pytest.fixture
def _calls_around_midnight(in_acme: Organization) -> None:
    call("sunday_11_pm", datetime(2026, 11, 23, 4, 30, tzinfo=UTC))
    call("monday_midnight", datetime(2026, 11, 23, 5, 0, tzinfo=UTC))
    # One o'clock came twice this Sunday.
    call("sunday_1_am", datetime(2026, 11, 1, 5, 30, tzinfo=UTC))
    call("sunday_1_am_again", datetime(2026, 11, 1, 6, 30, tzinfo=UTC))


@pytest.mark.usefixtures("_calls_around_midnight")
def test_weekday_and_hour_are_the_organizations(in_acme: Organization) -> None:
    assert found(in_acme, weekday="1") == ["monday_midnight"]
    assert found(in_acme, weekday="7", hour="23") == ["sunday_11_pm"]
    assert found(in_acme, hour="1") == ["sunday_1_am", "sunday_1_am_again"]


def costing(*lines: tuple[str, object]) -> dict[str, object]:
    return {"product_costs": [{"product": name, "cost": cost} for name, cost in lines]}


@pytest.mark.parametrize(
    ("product", "expected"),
    [("LLM", ["a", "b"]), ("gpt-5", ["a"]), ("brand_new", ["c"]), ("Telephony", []), ('"', [])],
)
def test_calls_are_found_by_a_cost_line(
    in_acme: Organization, product: str, expected: list[str]
) -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    call("a", at, cost=costing(("retell_voice_engine", 3), ("gpt-5", 1.5)))
    call("b", at, cost=costing(("claude-4", 1)))
    call("c", at, cost=costing(("brand_new", 1), ("us_twilio", "1")))
    call("d", at, cost={"product_costs": "none"})
    call("e", at)
    assert found(in_acme, product=product) == expected
