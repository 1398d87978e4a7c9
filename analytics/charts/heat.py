"""A grid of cells in six shades."""

from collections.abc import Sequence

from django.utils.safestring import SafeString

from analytics.charts.drawing import (
    FOOT,
    Format,
    Series,
    Value,
    data_table,
    framed,
    join,
    rounded,
    svg,
)
from config.templatetags.formats import number


def heat_level(value: Value, highest: float) -> int:
    """0 for nothing, else 1 to 5 by share of the highest cell."""
    if not value or highest <= 0:
        return 0
    return min(5, max(1, -int(-5 * float(value) // highest)))


def heat_map(
    name: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[Value]],
    *,
    head: str = "Day",
    label_every: int = 4,
    show: Format = number,
) -> SafeString:
    """A grid of cells in six shades, such as weekdays by hours; one list of values a row."""
    line, gap = 28, 3
    height = line * len(rows) + FOOT
    highest = max((float(value or 0) for row in values for value in row), default=0)
    slot = 100 / max(len(columns), 1)
    cells = [
        svg(
            "rect",
            {
                "class": f"h{heat_level(value, highest)}",
                "x": f"{rounded(across * slot)}%",
                "y": down * line,
                "width": f"{rounded(slot * 0.88)}%",
                "height": line - gap,
                "rx": 3,
            },
        )
        for down, row in enumerate(values)
        for across, value in enumerate(row)
    ]
    marks = [
        svg(
            "text",
            {"class": "x", "x": f"{rounded(slot * (across + 0.44))}%", "y": height - 5},
            columns[across],
        )
        for across in range(0, len(columns), label_every)
    ]
    left = join(
        svg("text", {"class": "row", "x": 0, "y": down * line + line / 2 + 2}, label)
        for down, label in enumerate(rows)
    )
    series = [
        Series(column, [row[across] for row in values]) for across, column in enumerate(columns)
    ]
    return framed(
        name,
        "heat",
        height=height,
        left=left,
        plot=join([*cells, *marks]),
        table=data_table(name, head, rows, series, show),
        count=len(columns),
    )
