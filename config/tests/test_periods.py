"""Periods count local days right, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.utils.dateparse import parse_datetime
from hypothesis import assume, given
from hypothesis import strategies as st

from config import periods
from config.filtering import TimeField
from config.periods import Period
from config.zones import names

NEW_YORK = ZoneInfo("America/New_York")
# Clocks that skip or repeat midnight, move by half an hour, or left out a day.
ODD = ("America/Havana", "Africa/Cairo", "Asia/Beirut", "America/Santiago", "Australia/Lord_Howe",
       "Pacific/Apia", "Asia/Kathmandu", "Europe/London")  # fmt: skip
zones = (st.sampled_from(ODD) | st.sampled_from(names())).map(ZoneInfo)
days = st.dates(date(2000, 1, 1), date(2037, 12, 31))


@st.composite
def some_periods(draw: st.DrawFn, most: int = 200) -> Period:
    first = draw(days)
    last = first + timedelta(days=draw(st.integers(0, most)))
    return Period(periods.CUSTOM, first, last, draw(zones))


def hours_of(day: date, zone: ZoneInfo) -> float:
    period = Period(periods.CUSTOM, day, day, zone)
    return (period.end - period.start) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 11, 2), 24)],
)
def test_a_day_with_a_clock_change_has_its_own_length(day: date, hours: int) -> None:
    assert hours_of(day, NEW_YORK) == hours
    assert len(Period(periods.CUSTOM, day, day, NEW_YORK).slices) == hours


@given(some_periods())
def test_slices_are_the_whole_period_without_gap_or_overlap(period: Period) -> None:
    slices = period.slices
    assert (slices[0].start, slices[-1].end) == (period.start, period.end)
    assert all(one.end == following.start for one, following in pairwise(slices))
    assert all(one.start <= one.end for one in slices)


@given(some_periods(), st.floats(0, 0.999))
def test_a_moment_of_a_period_lies_in_one_of_its_local_days(period: Period, share: float) -> None:
    assume(period.end > period.start)  # Apia left out a whole day
    moment = period.start + (period.end - period.start) * share
    assert period.first_day <= moment.astimezone(period.zone).date() <= period.last_day


@given(some_periods())
def test_the_period_before_ends_where_this_one_begins(period: Period) -> None:
    before = period.before()
    assert before.end == period.start
    assert len(before.days) == len(period.days)


def read_by_a_filter(written: dict[str, str], zone: ZoneInfo) -> list[datetime]:
    """In UTC: times that a clock shows twice equal none of another zone (PEP 495)."""
    field = TimeField(zone=zone)
    return [field.clean(text).astimezone(UTC) for text in written.values()]


@given(some_periods())
def test_a_filter_reads_the_bounds_that_a_link_was_written_with(period: Period) -> None:
    assert read_by_a_filter(period.call_filter, period.zone) == [period.start, period.end]


@given(some_periods(most=0))
def test_a_filter_reads_the_bounds_of_every_hour(period: Period) -> None:
    for one in period.slices:
        written = periods.call_filter(one.start, one.end, period.zone)
        assert read_by_a_filter(written, period.zone) == [one.start, one.end]


def test_an_hour_that_comes_twice_is_written_with_its_offset() -> None:
    hours = Period(periods.CUSTOM, date(2026, 11, 1), date(2026, 11, 1), NEW_YORK).slices
    written = [periods.call_filter(h.start, h.end, NEW_YORK)["started_after"] for h in hours[:4]]
    parsed = [parse_datetime(text) for text in written]
    assert written[0] == "2026-11-01T00:00"
    assert [time and time.utcoffset() for time in parsed[1:3]] == [
        timedelta(hours=-4),
        timedelta(hours=-5),
    ]


def test_a_long_period_is_shown_week_by_week_from_monday() -> None:
    period = Period(periods.CUSTOM, date(2026, 1, 1), date(2026, 6, 30), NEW_YORK)
    starts = [one.start.astimezone(NEW_YORK).date() for one in period.slices]
    assert starts[:2] == [date(2026, 1, 1), date(2026, 1, 5)]
    assert {one.unit for one in period.slices} == {"week"}


def test_a_running_day_is_compared_with_as_much_of_the_day_before() -> None:
    now = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
    today = periods.period("today", now=now, zone=NEW_YORK)
    assert today.before(now).end == now - timedelta(days=1)


NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # still the 23rd in New York


def choice(**parameters: str) -> periods.Choice:
    return periods.read(parameters, now=NOW, zone=NEW_YORK)


def test_today_is_the_organizations_day() -> None:
    assert choice(period="today").period.first_day == date(2026, 11, 23)


def test_two_days_make_a_period() -> None:
    found = choice(period="custom", first="2026-11-01", last="2026-11-02").period
    assert (found.first_day, found.last_day) == (date(2026, 11, 1), date(2026, 11, 2))
    assert found.parameters == {"period": "custom", "first": "2026-11-01", "last": "2026-11-02"}


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-11-02", "2026-11-01", "The last day lies before the first."),
        ("2026-11-02", "2026-11-24", "This day has not come yet."),
        ("1999-11-02", "2026-11-01", "There are no calls from before the year 2000."),
        ("2010-11-02", "2026-11-01", "At most 732 days can be shown at once."),
        ("2026-13-40", "2026-11-01", "Enter a valid date."),
        ("", "", "This field is required."),
        ("9999-12-31", "9999-12-31", "This day has not come yet."),
    ],
)
def test_days_that_make_no_period_are_explained(first: str, last: str, said: str) -> None:
    found = choice(period="custom", first=first, last=last)
    assert found.is_wrong
    assert said in [str(text) for texts in found.form.errors.values() for text in texts]
    assert found.period.key == periods.DEFAULT


def test_an_unknown_period_is_the_default_one() -> None:
    assert choice(period="decade").period.key == periods.DEFAULT
    assert choice(compare="no").compares is False
