"""Which calls a query string means: each filter, its words, its canonical form."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.utils import timezone

from agents.models import Agent
from calls.actions import tag_call
from calls.models import Call
from calls.search import parts, passages
from calls.selection import Selection
from calls.tests.records import NOON
from calls.tests.records import make_call as make
from tenants.models import Organization


def select(organization: Organization, query: str, *, sees: bool = True) -> Selection:
    return Selection.from_query(query, organization=organization, sees_personal_data=sees)


def found(organization: Organization, query: str, *, sees: bool = True) -> set[str]:
    selection = select(organization, query, sees=sees)
    assert selection.is_understood, selection.ignored
    return {call.retell_call_id for call in selection.calls()}


@pytest.fixture
def two(in_acme: Organization) -> Organization:
    """Two calls that differ in everything that can be filtered."""
    for name in ("one", "two"):
        Agent.objects.create(retell_agent_id=f"agent_{name}", name=name)
    one = make(
        "call_one", agent_id="agent_one", direction="inbound", call_type="phone_call",
        disconnection_reason="user_hangup", call_successful=True, user_sentiment="Positive",
        duration_ms=60_000, cost_cents=Decimal("10.5"), from_number="+16195550142",
        transcript="Agent: Hello.\nUser: I want a refund for my broken order.",
    )  # fmt: skip
    make(
        "call_two", agent_id="agent_two", direction="outbound", call_type="web_call",
        status="error", disconnection_reason="error_of_tomorrow", user_sentiment="Elated",
        started_at=NOON + timedelta(days=1), duration_ms=120_500, cost_cents=Decimal(20),
        test_signal="agent tag", transcript="Agent: Hi.\nUser: My number is 619 555 0142, my keys?",
    )  # fmt: skip
    tag_call(one, name="Follow up", tagged_by="alice")
    return in_acme


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=call_one", {"call_one"}),
        ("q=0142", {"call_one"}),
        ("q=refund", {"call_one"}),
        ("text=refunds", {"call_one"}),
        ('text="broken order"', {"call_one"}),
        ('text="order broken"', set()),
        ("text=refund OR key", {"call_one", "call_two"}),
        ("text=hello -refund", set()),
        ("direction=inbound", {"call_one"}),
        ("type=web_call", {"call_two"}),
        ("status=error", {"call_two"}),
        ("reason=user_hangup", {"call_one"}),
        ("reason=error_of_tomorrow", {"call_two"}),
        ("outcome=error", {"call_two"}),
        ("outcome=error&outcome=successful", {"call_one", "call_two"}),
        ("sentiment=Elated", {"call_two"}),
        ("revenue=test", {"call_two"}),
        ("revenue=revenue", {"call_one"}),
        ("min_duration_s=61", {"call_two"}),
        ("max_duration_s=60", {"call_one"}),
        ("min_cost=0.106", {"call_two"}),
        ("max_cost=0.105", {"call_one"}),
        ("tag=Follow up", {"call_one"}),
        ("started_after=2026-03-10T12:01", {"call_two"}),
        ("started_before=2026-03-10T12:01", {"call_one"}),
        ("started_after=2026-03-10T12:00&started_before=2026-03-10T12:00", set()),
        ("", {"call_one", "call_two"}),
    ],
)
def test_each_filter_finds_what_it_names(two: Organization, query: str, expected: set[str]) -> None:
    assert found(two, query) == expected


def test_calls_of_several_agents_are_found(two: Organization) -> None:
    one, other = (agent.pk for agent in Agent.objects.all())
    assert found(two, f"agent={one}") in ({"call_one"}, {"call_two"})
    assert found(two, f"agent={one}&agent={other}") == {"call_one", "call_two"}


def test_calls_are_chosen_by_their_keys(two: Organization) -> None:
    one = Call.objects.get(retell_call_id="call_one")
    selection = select(two, f"call={one.pk}&call={one.pk}")
    assert [call.pk for call in selection.calls()] == [one.pk]
    assert (selection.lines, selection.query) == (["Ticked 1 call"], f"call={one.pk}")
    assert not select(two, "call=x").is_understood


@pytest.mark.parametrize(
    ("period", "days_ago", "is_in"),
    [
        ("today", 0, True),
        ("today", 1, False),
        ("yesterday", 1, True),
        ("yesterday", 0, False),
        ("7d", 6, True),
        ("7d", 7, False),
        ("90d", 89, True),
        ("90d", 90, False),
    ],
)
def test_a_period_is_counted_in_the_organizations_days(
    in_acme: Organization, period: str, days_ago: int, is_in: bool
) -> None:
    local = timezone.localtime(timezone.now(), in_acme.zone).replace(hour=0, minute=30)
    make("call_x", started_at=local - timedelta(days=days_ago))
    assert (found(in_acme, f"period={period}") == {"call_x"}) is is_in


def test_filters_in_another_order_are_the_same_query(two: Organization) -> None:
    query = select(two, "status=error&outcome=error&outcome=ended&min_cost=1e1&view=x").query
    assert query == select(two, "outcome=ended&min_cost=10&outcome=error&status=error").query
    assert query == "status=error&outcome=ended&outcome=error&min_cost=10"


def test_the_canonical_query_names_the_same_moment_in_any_zone(two: Organization) -> None:
    query = select(two, "started_after=2026-03-10T12:00").query
    assert parse_qs(query) == {"started_after": ["2026-03-10T12:00:00-04:00"]}
    assert select(two, query).query == query


def test_a_pinned_period_stays_when_the_days_go_on(two: Organization) -> None:
    pinned = select(two, "period=7d&status=error").pinned()
    names = set(parse_qs(pinned.query))
    assert names == {"status", "started_after", "started_before"}
    assert select(two, pinned.query).query == pinned.query


def test_a_pinned_period_keeps_narrower_times(two: Organization) -> None:
    start, end = select(two, "").filters.span("7d")
    later = (start + timedelta(days=2)).isoformat()
    pinned = select(two, f"period=7d&started_after={later.replace('+', '%2B')}").pinned()
    values = pinned.form.values()
    assert values["started_after"] == start + timedelta(days=2)
    assert values["started_before"] == end


def test_what_is_not_understood_is_named_and_left_out(two: Organization) -> None:
    selection = select(two, "status=error&agent=nobody&colour=red")
    assert not selection.is_understood
    assert len(selection.ignored) == 2
    assert selection.query == "status=error"


def test_the_lines_say_what_is_chosen(two: Organization) -> None:
    agent = Agent.objects.get(name="one")
    query = f"agent={agent.pk}&reason=user_hangup&min_cost=0.1&q=0142&tag=Follow up"
    assert select(two, query).lines == [
        "Number, call ID, words contains 0142",
        "Agent is any of one",
        "Tag is any of Follow up",
        "Ended by is Caller hung up",
        "Cost ≥ US$0.1",
    ]


def test_a_searched_number_is_masked_in_the_log(two: Organization) -> None:
    assert select(two, "q=%2B16195550142").text.endswith("contains •••• 0142")


def test_the_totals_are_those_of_the_calls(two: Organization) -> None:
    totals = select(two, "").totals()
    assert (totals.calls, totals.duration_ms, totals.cost_cents) == (2, 180_500, Decimal("30.5"))
    assert select(two, "q=nothing").totals().cost_cents == 0


def test_the_neighbours_are_of_the_selection(two: Organization) -> None:
    make("call_three", started_at=NOON + timedelta(days=2))
    one, three = (Call.objects.get(retell_call_id=f"call_{n}") for n in ("one", "three"))
    newer, older = select(two, "status=ended").neighbours(one)
    assert (newer, older) == (three, None)


@pytest.mark.parametrize("query", ["text=555", "text=refund 0142", "text=٣"])
def test_who_sees_masked_numbers_cannot_search_words_with_digits(
    two: Organization, query: str
) -> None:
    assert select(two, query).is_understood
    selection = select(two, query, sees=False)
    assert "numbers masked" in selection.ignored[0]
    assert found(two, "q=keys 619", sees=False) == set()
    assert found(two, "q=keys", sees=False) == {"call_two"}


def test_a_passage_marks_what_matched(two: Organization) -> None:
    (passage,) = passages(Call.objects.all(), "refunds", sees_personal_data=True).values()
    assert [part.text for part in passage if part.is_match] == ["refund"]
    assert "broken order" in "".join(part.text for part in passage)


def test_a_passage_hides_every_digit_from_who_sees_masked_numbers(two: Organization) -> None:
    (passage,) = passages(Call.objects.all(), "keys", sees_personal_data=False).values()
    text = "".join(part.text for part in passage)
    assert "number is ••• ••• ••••, my keys" in text


def test_a_transcript_that_holds_the_marks_itself_gives_balanced_parts() -> None:
    text = "".join(part.text for part in parts("a\ue001b \ue000c\ue000 \ue000d\ue001"))
    assert text == "ab c d"


def test_no_transcript_is_too_long_to_be_stored(in_acme: Organization) -> None:
    words = " ".join(f"{chr(0x20000 + n)}{chr(0x20000 + n // 7)}-{n}" for n in range(40_000))
    for text in (words, "x" * 200_000, "https://a.b/" + "c/" * 60_000, "a-" * 100_000):
        make(f"call_{text[:4]}", transcript=text)
    assert Call.objects.count() == 4


def test_words_are_found_by_an_index(in_acme: Organization) -> None:
    """The planner may only choose it when the query says it as the index does."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
    plan = select(in_acme, "text=refund").calls().order_by().explain()
    assert "call_words" in plan
