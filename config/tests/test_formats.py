from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone, translation

from config.templatetags import formats

EVERY_FILTER = [
    formats.number,
    formats.short_number,
    formats.money,
    formats.duration,
    formats.latency,
    formats.percent,
    formats.phone,
    formats.file_size,
    formats.dash,
]


@pytest.mark.parametrize("show", EVERY_FILTER)
def test_a_missing_value_is_an_em_dash(show: Any) -> None:
    assert show(None) == "—"
    assert show("") == "—"


@pytest.mark.parametrize("show", EVERY_FILTER[:6])
def test_what_is_not_a_number_is_an_em_dash(show: Any) -> None:
    assert [show(float("nan")), show(float("inf")), show("abc")] == ["—", "—", "—"]


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0:00"),
        (999, "0:00"),
        (70_000, "1:10"),
        (3_599_999, "59:59"),
        (3_723_000, "1:02:03"),
        (-9_000, "−0:09"),
    ],
)
def test_duration_reads_like_a_clock(milliseconds: int, text: str) -> None:
    assert formats.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("cents", "places", "text"),
    [
        (Decimal("18.34"), 4, "$0.1834"),
        (Decimal(306418), 2, "$3,064.18"),
        (0, 2, "$0.00"),
        (Decimal("-0.2"), 2, "$0.00"),
        (Decimal(-150), 2, "−$1.50"),
        (Decimal("0.5"), 2, "$0.01"),
    ],
)
def test_money_comes_from_cents(cents: Any, places: int, text: str) -> None:
    assert formats.money(cents, places) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (0.004, "<1%"), (0.005, "1%"), (0.384, "38%"), (0.999, ">99%"), (1, "100%")],
)
def test_a_small_share_never_reads_as_nothing(share: float, text: str) -> None:
    assert formats.percent(share) == text


def test_percent_with_places_is_exact() -> None:
    assert formats.percent(Decimal("0.8641"), 1) == "86.4%"


def test_numbers_have_separators_and_a_true_minus() -> None:
    assert formats.number(-12480) == "−12,480"
    assert formats.latency(1229.4) == "1,229 ms"


@pytest.mark.parametrize(
    ("value", "text"), [(400, "400"), (1500, "1.5k"), (20_000, "20k"), (3_000_000, "3M")]
)
def test_axis_labels_are_short(value: int, text: str) -> None:
    assert formats.short_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("+14155550142", "+1 (415) 555-0142"),
        ("+4930901820", "+4930901820"),
        ("•••• 0142", "•••• 0142"),
        ("anonymous", "anonymous"),
    ],
)
def test_phone_only_changes_what_it_knows(value: str, text: str) -> None:
    assert formats.phone(value) == text


def test_initials_need_a_name() -> None:
    assert [formats.initials(name) for name in ("Bayview Dental", "Acme", "", None)] == [
        "BD", "AC", "?", "?",
    ]  # fmt: skip


def test_stamp_names_the_day_and_keeps_the_full_time_in_its_title() -> None:
    when = datetime(2025, 11, 22, 22, 29, 50, tzinfo=UTC)
    html = formats.stamp(when, "America/Los_Angeles")
    assert "Nov 22, 2025, 2:29 PM" in html
    assert 'title="2025-11-22 14:29:50 PST (UTC−08:00)"' in html


def test_stamp_of_today_says_so() -> None:
    assert "Today" in formats.stamp(timezone.now(), "UTC")


def test_clock_can_show_milliseconds() -> None:
    when = datetime(2026, 11, 23, 14, 18, 2, 114_000, tzinfo=UTC)
    assert "2:18:02.114 PM" in formats.clock(when, "UTC", "milliseconds")


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en-us", ["Nov 3, 2025, 2:05 PM", "2:05 PM", "12:00 AM", "Nov 3", "12 PM"]),
        ("en-gb", ["3 Nov 2025, 14:05", "14:05", "00:00", "3 Nov", "12"]),
    ],
)
def test_the_language_decides_how_dates_and_times_are_written(
    language: str, texts: list[str]
) -> None:
    when = datetime(2025, 11, 3, 14, 5, tzinfo=UTC)
    with translation.override(language):
        assert [
            formats.moment(when, "UTC"),
            formats.time_of_day(when),
            formats.time_of_day(when.replace(hour=0, minute=0)),
            formats.day(when),
            formats.hour(12),
        ] == texts
        assert texts[0] in formats.stamp(when, "UTC")
        assert texts[1] in formats.clock(when, "UTC")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (20, "just now"),
        (185, "3 min ago"),
        (7200, "2 h ago"),
        (172_900, "2 d ago"),
    ],
)
def test_ago_is_rough(seconds: int, text: str) -> None:
    assert text in formats.ago(timezone.now() - timedelta(seconds=seconds))


@pytest.mark.parametrize("show", [show for show in EVERY_FILTER if show is not formats.phone])
@pytest.mark.parametrize("text", ["1e40", "-1e40", "1e300", "1e999999", "-1e-300", "9" * 300])
def test_no_number_is_too_long_to_be_shown(show: Any, text: str) -> None:
    assert show(Decimal(text))


def test_a_number_no_column_has_room_for_is_a_power_of_ten() -> None:
    assert formats.number(Decimal("-1e40")) == "−1.00e+40"
    assert formats.number(Decimal("1e19")) == "10,000,000,000,000,000,000"


@pytest.mark.parametrize(
    "moment", [datetime(9999, 12, 31, 23, 59, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)]
)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Honolulu"])
def test_the_ends_of_time_are_shown(moment: datetime, zone: str) -> None:
    for shown in (formats.stamp(moment, zone), formats.clock(moment, zone), formats.ago(moment)):
        assert shown.startswith("<time")
