"""What is read of the sums is what the calls come to, whatever happened to them."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from analytics import overview
from analytics.models import Day, Quarter
from analytics.rollup import adding, checking, reading
from analytics.rollup.reading import BILLABLE
from analytics.tests import direct
from calls.actions import classify, merge
from calls.merge import EVENT_RANKS, Source, StorageLevel
from calls.models import Call
from calls.reader import Reading
from calls.sql import CALLS
from config.periods import Period
from tenants.models import Organization
from testing.retell import undone

# Half and quarter hours, clocks that change at midnight, at one and at two, and the date line.
ZONES = (
    "UTC", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham",
    "Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "America/St_Johns", "Pacific/Apia",
)  # fmt: skip
# Clocks changed within these days, in most of the zones.
STARTS = (datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 10, 30, tzinfo=UTC))
DAYS = 5


def period(first: date, last: date, zone: str, until: datetime | None = None) -> Period:
    return Period("custom", first, last, ZoneInfo(zone), until)


def assert_exact(chosen: Period) -> None:
    """Every number of the overview is what counting the calls gives."""
    for agent in (None, "agent_1"):
        for name in (
            "totals", "over_time", "latency_over_time", "by_hour_of_week", "endings", "durations",
            "by_agent",
        ):  # fmt: skip
            read, counted = getattr(overview, name), getattr(direct, name)
            assert read(chosen, agent) == counted(chosen, agent), name
        products = direct.cost_by_product(chosen, agent)
        assert dict(overview.cost_by_product(chosen, agent)) == dict(products)
    both = ["agent_1", "agent_2"]
    assert overview.agents_by_day(chosen, both) == direct.agents_by_day(chosen, both)
    calls = Counter(Call.objects.filter(**within(chosen)).values_list("is_billable", flat=True))
    assert {row["group_1"]: row["calls"] for row in reading.sums(chosen, by=(BILLABLE,))} == calls


def within(chosen: Period) -> dict[str, datetime]:
    return {"sort_at__gte": chosen.start, "sort_at__lt": chosen.end}


REASONS = ("user_hangup", "dial_busy", "voicemail_reached", "unheard_of")
MINUTES = st.integers(0, DAYS * 24 * 60 - 1)


def _said() -> st.SearchStrategy[dict[str, Any]]:
    """What an event says of a call; mostly not everything."""
    lines = st.lists(
        st.fixed_dictionaries({"product": st.sampled_from(["a", "b"]), "cost": st.integers(0, 9)}),
        min_size=1, max_size=2,
    )  # fmt: skip
    return st.fixed_dictionaries(
        {"at_minute": MINUTES, "rank": st.sampled_from(sorted(EVENT_RANKS))},
        optional={
            "started_at": MINUTES,
            "agent_id": st.sampled_from(["agent_1", "agent_2"]),
            "status": st.sampled_from(["ended", "ongoing", "error", "not_connected"]),
            "duration_ms": st.sampled_from([0, 4_000, 61_000, 700_000]),
            "cost_cents": st.decimals(0, 99, places=4),
            "cost": lines.map(lambda found: {"product_costs": found}),
            "user_sentiment": st.sampled_from(["Positive", "Unknown", "Furious"]),
            "disconnection_reason": st.sampled_from(REASONS),
            "call_successful": st.booleans(),
            "latency_p50_ms": st.decimals(0, 5000, places=2),
            "latency": st.sampled_from([5, "x", 7e6]).map(lambda p95: {"e2e": {"p95": p95}}),
            "test_signal": st.just("metadata"),
        },
    )


CALL_IDS = st.integers(1, 6)
OPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), CALL_IDS, _said()),
        st.tuples(st.just("say"), CALL_IDS, _said()),
        st.tuples(st.just("classify"), CALL_IDS, st.booleans()),
        st.tuples(st.just("delete"), CALL_IDS, st.none()),
        st.tuples(st.just("move"), CALL_IDS, MINUTES),
        st.tuples(st.just("add up"), CALL_IDS, st.sampled_from(ZONES)),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


def say(schema: str, number: int, said: dict[str, Any], start: datetime) -> None:
    """Merge what one event says of a call, as webhooks and comparisons do."""
    values = dict(said)
    seen = start + timedelta(minutes=values.pop("at_minute"))
    event = values.pop("rank")
    sha256 = hashlib.sha256(repr(sorted(said.items())).encode()).digest()
    told = Reading(
        f"call_{number}", Source(event, EVENT_RANKS[event], 0, 0, sha256), StorageLevel.EVERYTHING
    )
    if "started_at" in values:
        values["started_at"] = start + timedelta(minutes=values["started_at"])
    for name, value in values.items():
        told.put(name, value)
    merge(schema, CALLS, told, first_seen_at=seen)


def do(organization: Organization, op: tuple[str, int, Any], start: datetime) -> None:
    kind, number, value = op
    calls = Call.objects.filter(retell_call_id=f"call_{number}")
    if kind == "say":
        say(organization.schema_name, number, value, start)
    elif kind == "delete":
        calls.delete()
    elif kind == "move":
        calls.update(started_at=start + timedelta(minutes=value))
    elif kind == "add up":
        adding.add_up(value)
    elif call := calls.first():
        classify(call, is_billable=value, reason="Said so", changed_by="alice@example.com")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ops=OPS,
    zone=st.sampled_from(ZONES),
    start=st.sampled_from(STARTS),
    days=st.tuples(st.integers(0, DAYS), st.integers(0, DAYS)),
    until=st.none() | st.integers(1, 24 * 60 - 1),
)
def test_sums_are_what_the_calls_come_to_at_any_time(
    in_acme: Organization,
    ops: list[tuple[str, int, Any]],
    zone: str,
    start: datetime,
    days: tuple[int, int],
    until: int | None,
) -> None:
    first, last = (start.date() + timedelta(days=day) for day in sorted(days))
    chosen = period(first, last, zone)
    if until is not None:
        cut = Period("", last, last, chosen.zone).start + timedelta(minutes=until, seconds=1)
        chosen = period(first, last, zone, cut)
    with undone():
        for op in ops:
            do(in_acme, op, start)
            if op[0] == "add up":
                assert_exact(chosen)
        assert_exact(chosen)
        adding.add_up(zone)
        assert marks() == 0
        assert_exact(chosen)


def marks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM calls_change")
        return int(cursor.fetchone()[0])


# --- Rebuilding and checking ---------------------------------------------------------------------


def ended(number: int, at: datetime, **values: Any) -> Call:
    call: Call = Call.objects.create(
        retell_call_id=f"call_{number}", status="ended", started_at=at, **values
    )
    return call


MARCH = datetime(2026, 3, 6, 12, 7, tzinfo=UTC)
SPRING = period(date(2026, 3, 1), date(2026, 3, 14), "America/New_York")


def spoil(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("UPDATE {} SET calls = calls + 1").format(sql.Identifier(table)))


def test_checking_finds_no_difference_after_adding_up(in_acme: Organization) -> None:
    ended(1, MARCH)
    adding.add_up("America/New_York")
    assert list(checking.differences()) == []


@pytest.mark.parametrize("table", ["analytics_quarter", "analytics_day"])
def test_checking_finds_a_sum_that_is_wrong(in_acme: Organization, table: str) -> None:
    ended(1, MARCH)
    adding.add_up("America/New_York")
    spoil(table)
    assert list(checking.differences()) != []


def test_marked_sums_are_not_called_wrong(in_acme: Organization) -> None:
    ended(1, MARCH)
    adding.add_up("America/New_York")
    ended(2, MARCH)
    assert list(checking.differences()) == []
    assert reading.sums(SPRING)[0]["calls"] == 2


def test_the_command_exits_with_an_error_when_sums_are_wrong(in_acme: Organization) -> None:
    ended(1, MARCH)
    adding.add_up("America/New_York")
    spoil("analytics_quarter")
    with pytest.raises(CommandError, match="acme"):
        call_command("rebuild_rollups", organization="acme", check=True, stdout=StringIO())


def test_rebuilding_mends_wrong_sums(in_acme: Organization) -> None:
    ended(1, MARCH)
    adding.add_up("America/New_York")
    spoil("analytics_quarter")
    call_command("rebuild_rollups", organization="acme", stdout=StringIO())
    call_command("rebuild_rollups", organization="acme", check=True, stdout=StringIO())
    assert reading.sums(SPRING)[0]["calls"] == 1


def test_what_an_old_installation_has_is_added_up_first(in_acme: Organization) -> None:
    ended(1, MARCH)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM calls_change")  # as if no call had ever left a mark
    assert reading.sums(SPRING)[0]["calls"] == 1
    adding.add_up("America/New_York")
    assert Quarter.objects.count() == Day.objects.count() == 1


def test_another_time_zone_makes_the_days_anew_and_keeps_the_quarters(
    in_acme: Organization,
) -> None:
    ended(1, datetime(2026, 3, 6, 2, 0, tzinfo=UTC))
    adding.add_up("UTC")
    kept = Quarter.objects.get().pk
    adding.add_up("America/New_York")
    assert (Day.objects.get().day, Quarter.objects.get().pk) == (date(2026, 3, 5), kept)
