"""Every number of the overview is the count of the list that it opens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Sum
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.roles import Role, rights_of
from agents.models import Agent
from analytics import overview
from analytics.presentation import overview_context
from analytics.rollup.sums import SENTIMENTS
from calls.filters import CallFilter
from calls.models import Call
from config.periods import CUSTOM, Period
from tenants.models import Organization
from testing.retell import against_database

# The clocks went back on the first of November, and forward on the eighth of March.
FIRST_DAYS = (date(2026, 10, 31), date(2026, 11, 1), date(2026, 3, 7), date(2026, 3, 8))
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
STATUSES = ("ended", "ended", "ongoing", "registered", "error", "not_connected", "odd", None)
LINKED_CELL = re.compile(r'<td class="r"><a href="(.*?)">(.*?)</a>')
TICK = timedelta(milliseconds=1)


@st.composite
def periods(draw: st.DrawFn, organization: Organization) -> Period:
    first = draw(st.sampled_from(FIRST_DAYS))
    return Period(CUSTOM, first, first + timedelta(days=draw(st.integers(0, 3))), organization.zone)


def moments(period: Period) -> st.SearchStrategy[datetime]:
    """At the edges of the period and its hours, and anywhere in it and beside it."""
    edges = [one.start for one in period.slices] + [period.end]
    anywhere = st.datetimes(
        (period.start - timedelta(hours=2)).replace(tzinfo=None),
        (period.end + timedelta(hours=2)).replace(tzinfo=None),
    ).map(lambda at: at.replace(tzinfo=UTC))
    return st.sampled_from([at + by for at in edges for by in (-TICK, 0 * TICK, TICK)]) | anywhere


def calls(period: Period) -> st.SearchStrategy[list[dict[str, Any]]]:
    seconds = st.sampled_from((0, 15, 30, 60, 120, 180, 300, 600))
    cents = st.decimals(0, 999, places=3)
    lines = st.lists(
        st.fixed_dictionaries(
            {"product": st.sampled_from(["gpt-5", "us_twilio", "new thing"]), "cost": st.just(1)}
        ),
        max_size=2,
    )
    return st.lists(
        st.fixed_dictionaries(
            {
                "started_at": moments(period),
                "status": st.sampled_from(STATUSES),
                "call_successful": st.none() | st.booleans(),
                "in_voicemail": st.none() | st.booleans(),
                "disconnection_reason": st.sampled_from(
                    [None, "user_hangup", "dial_busy", "voicemail_reached", "brand_new_reason"]
                ),
                "user_sentiment": st.sampled_from([None, *SENTIMENTS, "Bored"]),
                "duration_ms": st.none()
                | st.integers(0, 700_000)
                | seconds.map(lambda s: s * 1000)
                | seconds.map(lambda s: max(0, s * 1000 - 1)),
                "cost_cents": st.none() | cents,
                "cost": st.none() | lines.map(lambda found: {"product_costs": found}),
                "latency_p50_ms": st.none() | st.decimals(1, 9000, places=1),
                "agent_id": st.sampled_from([None, "agent_1", "agent_2"]),
            }
        ),
        max_size=12,
    )  # fmt: skip


def create(rows: list[dict[str, Any]]) -> None:
    Call.objects.bulk_create(
        Call(retell_call_id=f"call_{at}", **row) for at, row in enumerate(rows)
    )


def listed(url: str, organization: Organization) -> Any:
    """The calls that the list at `url` holds. Nothing of the URL may be ignored."""
    data = QueryDict(urlsplit(unescape(url)).query)
    filters = CallFilter(data, Call.objects.all(), zone=organization.zone, sees_personal_data=True)
    assert filters.form.ignored(data) == []
    return filters.qs


def linked_numbers(context: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Each number that is a count of calls, and what it opens."""
    for kpi in context["kpis"]:
        yield kpi["count"], kpi["url"]
    yield context["ongoing_count"], context["ongoing_url"]
    if "empty" in context:
        return
    for row in (*context["ended_by"], *context["sentiment"]):
        yield row["count"], row["url"]
    for row in context["agents"]["rows"]:
        yield row["calls"], row["calls_url"]
    for name in ("volume", "durations", "hours"):
        for url, text in re.findall(
            r'<td class="r"><a href="(.*?)">(.*?)</a>', context[name]["chart"]
        ):
            yield int(text.replace(",", "")), url


def context_of(period: Period, agent: Agent | None = None) -> dict[str, Any]:
    rights = rights_of(Role.ADMIN)
    return overview_context(period, now=NOW, agent=agent, compares=True, rights=rights)


@settings(against_database, max_examples=40)
@given(data=st.data())
def test_a_number_is_the_count_of_the_list_it_opens(
    in_acme: Organization, data: st.DataObject
) -> None:
    period = data.draw(periods(in_acme))
    with transaction.atomic():
        agents = [Agent.objects.create(retell_agent_id=f"agent_{n}") for n in (1, 2)]
        create(data.draw(calls(period)))
        context = context_of(period, data.draw(st.sampled_from([None, agents[0]])))
        for count, url in linked_numbers(context):
            assert listed(url, in_acme).count() == count, url
        transaction.set_rollback(True)


@settings(against_database, max_examples=40)
@given(data=st.data())
def test_parts_add_up_to_the_calls_of_the_period(
    in_acme: Organization, data: st.DataObject
) -> None:
    period = data.draw(periods(in_acme))
    with transaction.atomic():
        create(data.draw(calls(period)))
        inside = Call.objects.filter(sort_at__gte=period.start, sort_at__lt=period.end)
        whole = inside.aggregate(cents=Sum("cost_cents", default=Decimal(0)))
        added = sum(overview.over_time(period), overview.Sums())
        assert added == overview.totals(period)
        assert (added.calls, added.cost_cents) == (inside.count(), whole["cents"])
        assert added.outcomes.total() == inside.count()
        assert sum(map(sum, overview.by_hour_of_week(period))) == inside.count()
        assert sum(overview.by_agent(period).values(), overview.Sums()) == added
        transaction.set_rollback(True)
