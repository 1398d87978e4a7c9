"""CSV files: what stands in a line, that nothing in it is a formula, and what the foot says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import TextField, Value
from django.db.models.functions import Cast
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from agents.models import RetellConnection
from calls.models import Call
from completeness import gaps
from completeness.models import Completeness, GapKind, Run, RunKind, RunState
from config.csv_files import csv_lines
from exports import sql
from exports.tests.helpers import content, made, make_call, make_calls, table
from tenants.models import Organization
from testing.fixtures import World
from testing.retell import against_database, undone


def test_a_line_holds_what_the_call_is(world: World, in_acme: Organization) -> None:
    make_calls(1, latency_p50_ms="812.50")
    head, calls, _ = table(made(in_acme, world.people.alice))
    assert dict(zip(head, calls[0], strict=True)) == {
        "Started (America/New_York)": "2026-11-01T00:30:00-04:00",
        "Call ID": "call_0",
        "Caller": "'+14155550142",
        "Agent": "Front desk",
        "Direction": "inbound",
        "Outcome": "successful",
        "Ended by": "user_hangup",
        "Sentiment": "Positive",
        "Duration (s)": "61.5",
        "Duration (ms)": "61500",
        "Latency (ms)": "812.5",
        "Cost (USD)": "0.12345",
        "Revenue or test": "revenue",
    }


def test_times_carry_their_offset_through_a_clock_change(
    world: World, in_acme: Organization
) -> None:
    for number, hour in enumerate((5, 6)):
        make_call(number, started_at=datetime(2026, 11, 1, hour, 30, tzinfo=UTC))
    _, calls, _ = table(made(in_acme, world.people.alice, codes=["started"]))
    assert [row[0] for row in calls] == ["2026-11-01T01:30:00-05:00", "2026-11-01T01:30:00-04:00"]


def test_calls_stand_newest_first_whatever_the_batch(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exports.batches.ROWS", 3)
    make_calls(10)
    _, calls, _ = table(made(in_acme, world.people.alice, codes=["call_id"]))
    assert [row[0] for row in calls] == [f"call_{number}" for number in reversed(range(10))]


def test_calls_of_one_moment_stand_there_once_each(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exports.batches.ROWS", 2)
    make_calls(7, started_at=datetime(2026, 11, 1, tzinfo=UTC))
    _, calls, _ = table(made(in_acme, world.people.alice, codes=["call_id"]))
    assert sorted(row[0] for row in calls) == [f"call_{number}" for number in range(7)]


@against_database
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12))
def test_text_stands_there_as_every_csv_of_the_product_writes_it(
    world: World, in_acme: Organization, text: str
) -> None:
    """PostgreSQL writes these cells, `config.csv_files` the others."""
    with undone():
        make_call()
        line = sql.Line(sql.CsvText(Cast(Value(text), TextField())))
        written = Call.objects.values_list(line, flat=True).get()
    # A number with a minus stays one there, and is text here.
    plain = f"'{text}" if re.fullmatch(r"-\d+(\.\d+)?", text) else text
    assert written == next(iter(csv_lines([[plain]])))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_begins_a_formula(world: World, in_acme: Organization, start: str) -> None:
    make_call(agent_id=None, disconnection_reason=f'{start}HYPERLINK("http://x")')
    _, calls, _ = table(made(in_acme, world.people.alice, codes=["ended_by"]))
    assert calls[0][0] == f'\'{start}HYPERLINK("http://x")'


def test_the_foot_adds_up_and_says_what_the_file_is(world: World, in_acme: Organization) -> None:
    make_calls(3)
    _, _, foot = table(made(in_acme, world.people.alice, "direction=inbound"))
    assert foot[0][0] == "# Total"
    assert foot[0][8:12] == ["184.5", "184500", "", "0.37035"]
    lines = [row[0] for row in foot[1:]]
    assert lines[:3] == ["# Calls: 3", "# Minutes: 3.1", "# Cost (USD): 0.37035"]
    assert "# Organization: Acme" in lines
    assert "# Filter: Direction is Inbound" in lines
    assert "# Time zone: America/New_York" in lines
    assert any(line.startswith("# Complete up to: never compared") for line in lines)


def compared(*, hours_ago: float) -> None:
    until = timezone.now() - timedelta(hours=hours_ago)
    RetellConnection.objects.update(api_key_encrypted=b"sealed")
    Completeness.objects.create(pk=1, complete_until=until)
    Run.objects.create(
        kind=RunKind.SCHEDULED, state=RunState.DONE, range_from=until, range_until=until,
        listed=210, inserted=3, corrected=1,
    )  # fmt: skip


def foot_of(organization: Organization, user: User) -> str:
    _, _, foot = table(made(organization, user))
    return "\n".join(row[0] for row in foot)


def test_the_foot_says_what_the_last_comparison_found(world: World, in_acme: Organization) -> None:
    compared(hours_ago=0.1)
    foot = foot_of(in_acme, world.people.alice)
    assert "# Last comparison: 210 listed by Retell, 3 brought back, 1 corrected" in foot
    assert "may be missing" not in foot


def test_the_foot_says_that_calls_may_be_missing(world: World, in_acme: Organization) -> None:
    compared(hours_ago=3)
    assert "; calls may be missing since then" in foot_of(in_acme, world.people.alice)


def test_the_foot_counts_calls_that_could_not_be_brought(
    world: World, in_acme: Organization
) -> None:
    compared(hours_ago=0.1)
    gaps.note(GapKind.UNREADABLE, {"call_1": "", "call_2": ""})
    assert "; 2 calls are missing" in foot_of(in_acme, world.people.alice)


def test_every_line_has_as_many_cells(world: World, in_acme: Organization) -> None:
    make_calls(2)
    head, calls, foot = table(made(in_acme, world.people.alice))
    assert {len(row) for row in (*calls, *foot)} == {len(head)}


def test_a_mark_for_excel_is_the_very_first(world: World, in_acme: Organization) -> None:
    make_calls(1)
    assert content(made(in_acme, world.people.alice, with_mark=True)).startswith(b'\xef\xbb\xbf"')
    assert content(made(in_acme, world.people.alice)).startswith(b'"')
