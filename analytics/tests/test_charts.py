import re
from xml.etree import ElementTree

import pytest

from analytics import charts
from analytics.charts import Series
from analytics.charts.drawing import scale_top, whole_scale_top
from analytics.charts.heat import heat_level

DAYS = ["Nov 1", "Nov 2", "Nov 3"]
SERIES = [Series("Successful", [3, 0, 5], 1), Series("No answer", [1, 2, 0], 3)]


def parsed(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<root>{html}</root>")  # noqa: S314 (our own output)


def every_chart() -> dict[str, str]:
    return {
        "stacked_bars": charts.stacked_bars("Calls", DAYS, SERIES),
        "lines": charts.lines("Latency", DAYS, [Series("p50", [800, None, 900])]),
        "sparkline": charts.sparkline("Calls", [1, 4, 2]),
        "mini_bars": charts.mini_bars("Calls", [0, 4, 2]),
        "heat_map": charts.heat_map("Hours", ["Mon"], ["00", "01"], [[0, 4]]),
    }


@pytest.mark.parametrize("kind", every_chart())
def test_a_chart_is_well_formed_and_has_a_name(kind: str) -> None:
    named = [part for part in parsed(every_chart()[kind]).iter() if part.get("role") == "img"]
    assert [bool(part.get("aria-label")) for part in named] == [True]


@pytest.mark.parametrize("kind", every_chart())
def test_a_chart_uses_no_style_and_no_literal_colour(kind: str) -> None:
    assert not re.search(r'style=|fill="|stroke="|#[0-9a-f]{3}', every_chart()[kind])


@pytest.mark.parametrize("kind", ["stacked_bars", "lines", "heat_map"])
def test_a_large_chart_repeats_its_numbers_in_a_table(kind: str) -> None:
    table = parsed(every_chart()[kind]).find(".//table")
    assert table is not None
    assert table.findtext("caption")


def test_the_table_has_a_row_for_each_label() -> None:
    table = parsed(charts.stacked_bars("Calls", DAYS, SERIES)).find(".//table")
    assert table is not None
    rows = [[cell.text for cell in row] for row in table.iter("tr")]
    assert rows == [
        ["Day", "Successful", "No answer"],
        ["Nov 1", "3", "1"],
        ["Nov 2", "0", "2"],
        ["Nov 3", "5", "0"],
    ]


def test_a_layer_without_a_value_is_not_drawn() -> None:
    bars = parsed(charts.stacked_bars("Calls", DAYS, SERIES)).findall(".//rect")
    assert len(bars) == 4


def test_names_are_escaped() -> None:
    html = charts.stacked_bars("<b>", ["<i>"], [Series("<u>", [1])])
    assert not re.search(r"<[biu]>", html)


def test_an_empty_period_still_draws() -> None:
    assert "<figure" in charts.stacked_bars("Calls", [], [Series("Calls", [])])
    assert "<figure" in charts.lines("Calls", DAYS, [Series("p50", [None, None, None])])
    assert charts.sparkline("Calls", [None]) == ""


@pytest.mark.parametrize("highest", [0.4, 1, 3, 7, 99, 100, 101, 1234, 98_765_432])
def test_the_scale_covers_the_data_with_at_most_five_gridlines(highest: float) -> None:
    top, step = scale_top(highest)
    assert highest <= top
    assert round(top / step) + 1 <= 5


def test_counts_have_no_half_gridlines() -> None:
    assert whole_scale_top(1) == (1, 1)
    assert whole_scale_top(3)[1] == 1


def test_eight_x_labels_are_enough() -> None:
    labels = [f"Nov {day}" for day in range(1, 31)]
    html = charts.stacked_bars("Calls", labels, [Series("Calls", [1] * 30)])
    assert len(re.findall(r'class="x', html)) == 8


@pytest.mark.parametrize(("value", "level"), [(0, 0), (None, 0), (1, 1), (50, 3), (100, 5)])
def test_heat_has_six_shades(value: int | None, level: int) -> None:
    assert heat_level(value, 100) == level


def test_the_longest_bar_fills_its_column() -> None:
    rows = [
        {"label": "Caller hung up", "count": 40, "share": 0.8, "url": "/calls/"},
        {"label": "Error", "count": 10, "share": 0.2},
    ]
    widths = [bar.get("width") for bar in parsed(charts.bar_list(rows)).iter("rect")]
    assert widths == ["100%", "25%"]


def test_shares_leave_out_what_is_nothing() -> None:
    assert charts.proportional_bar([(1, 3.0), (2, 0.0), (4, 1.0)]).count("<rect") == 2
    assert 'class="track"' in charts.proportional_bar([(1, 0.0)])


@pytest.mark.parametrize(("share", "tone"), [(0.2, "c1"), (0.9, "c4"), (1.2, "bad"), (None, "c1")])
def test_a_meter_warns_near_its_limit(share: float | None, tone: str) -> None:
    assert f'class="{tone}"' in charts.meter(share)


LINKED = [
    Series("Successful", [3, 0, 5], 1, ["/a/1", "/a/2", "/a/3"]),
    Series("No answer", [1, 2, 0], 3, ["/b/1", "/b/2", "/b/3"]),
]
WHOLE = Series("Calls", [4, 2, 5], None, ["/1", "/2", "/3"])


def addresses(html: str, within: str) -> list[str | None]:
    return [link.get("href") for link in parsed(html).findall(f".//{within}//a")]


def test_every_value_opens_what_is_behind_it_in_the_picture_and_in_the_table() -> None:
    html = charts.stacked_bars("Calls", DAYS, LINKED, whole=WHOLE)
    values = ["/a/1", "/b/1", "/b/2", "/a/3"]
    assert addresses(html, "svg") == ["/1", "/2", "/3", *values]
    assert sorted(filter(None, addresses(html, "table"))) == sorted(["/1", "/2", "/3", *values])


def test_a_link_in_a_picture_says_what_it_opens() -> None:
    html = charts.stacked_bars("Calls", DAYS, LINKED, whole=WHOLE)
    names = [link.get("aria-label") for link in parsed(html).findall(".//svg//a")]
    assert "Nov 1, No answer: 1" in names
    assert "Nov 3, Calls: 5" in names


def test_links_are_no_part_of_one_picture() -> None:
    heat = charts.heat_map("Hours", ["Mon"], ["00", "01"], [[0, 4]], urls=[["/0", "/1"]])
    assert addresses(heat, "svg") == ["/1"]
    assert 'role="group"' in heat
    assert 'role="img"' not in heat
