"""A grid of cells in six shades."""

from collections.abc import Sequence

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analytics.charts.drawing import (
    FOOT,
    Format,
    Series,
    Value,
    data_table,
    framed,
    join,
    mark,
    point_name,
    rounded,
    svg,
)
from config.templatetags.formats import number

# The script that shows the tooltip knows the height of a line, too.
LINE, GAP = 28, 3


def heat_level(value: Value, highest: float) -> int:
    """0 for nothing, else 1 to 5 by share of the highest cell."""
    if not value or highest <= 0:
        return 0
    return min(5, max(1, -int(-5 * float(value) // highest)))


def _cell(x: float, down: int, slot: float, level: int) -> SafeString:
    return svg(
        "rect",
        {
            "class": f"h{level}",
            "x": f"{rounded(x)}%",
            "y": down * LINE,
            "width": f"{rounded(slot * 0.88)}%",
            "height": LINE - GAP,
            "rx": 3,
        },
    )


def heat_map(
    name: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[Value]],
    *,
    head: str = "",
    label_every: int = 4,
    show: Format = number,
    urls: Sequence[Sequence[str]] = (),
) -> SafeString:
    """A grid of cells in six shades, such as weekdays by hours; one list of values (and of URLs)
    a row."""
    height = LINE * len(rows) + FOOT
    highest = max((float(value or 0) for row in values for value in row), default=0)
    slot = 100 / max(len(columns), 1)
    series = [
        Series(
            column,
            [row[across] for row in values],
            tone=None,
            urls=[row[across] for row in urls],
        )
        for across, column in enumerate(columns)
    ]
    cells = [
        mark(
            entry.url(down),
            point_name(label, entry, down, show),
            _cell(across * slot, down, slot, heat_level(entry.values[down], highest)),
        )
        for down, label in enumerate(rows)
        for across, entry in enumerate(series)
    ]
    marks = [
        svg(
            "text",
            {
                "class": "x",
                "x": f"{rounded(slot * (across + 0.44))}%",
                "y": height - 5,
                "aria-hidden": "true",
            },
            columns[across],
        )
        for across in range(0, len(columns), label_every)
    ]
    left = join(
        svg("text", {"class": "row", "x": 0, "y": down * LINE + LINE / 2 + 2}, label)
        for down, label in enumerate(rows)
    )
    return framed(
        name,
        "heat",
        height=height,
        left=left,
        plot=join([*cells, *marks]),
        table=data_table(name, head or _("Day"), rows, series, show),
        count=len(columns),
    )
