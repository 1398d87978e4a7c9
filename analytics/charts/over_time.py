"""Large charts with time on the x axis."""

from collections.abc import Sequence

from django.utils.safestring import SafeString

from analytics.charts.drawing import (
    FOOT,
    TOP,
    Format,
    Series,
    axis,
    data_table,
    framed,
    join,
    line_paths,
    rounded,
    scale_top,
    stretched,
    svg,
    whole_scale_top,
    x_labels,
)
from config.templatetags.formats import number, short_number


def stacked_bars(
    name: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    head: str = "Day",
    height: int = 240,
    show: Format = number,
) -> SafeString:
    """Counts over time as stacked columns; the first series stands on the base line."""
    plot_height = height - TOP - FOOT
    totals = [sum(entry.values[at] or 0 for entry in series) for at in range(len(labels))]
    top, step = whole_scale_top(max(totals, default=0))
    slot = 100 / max(len(labels), 1)
    width = slot * 0.74
    bars = []
    for at in range(len(labels)):
        floor: float = TOP + plot_height
        layers = [(entry.tone, entry.values[at] or 0) for entry in series if entry.values[at]]
        for layer, (tone, value) in enumerate(layers):
            share = plot_height * value / top
            gap = 1 if layer and share > 2 else 0
            last = layer == len(layers) - 1
            bars.append(
                svg(
                    "rect",
                    {
                        "class": f"c{tone}",
                        "x": f"{rounded(at * slot + (slot - width) / 2)}%",
                        "y": rounded(floor - share),
                        "width": f"{rounded(width)}%",
                        "height": rounded(max(share - gap, 0.5)),
                        **({"rx": 2} if last else {}),
                    },
                )
            )
            floor -= share
    grid, left = axis(top, step, plot_height, short_number)
    centres = [slot * (at + 0.5) for at in range(len(labels))]
    return framed(
        name,
        "columns",
        height=height,
        left=left,
        plot=join([grid, *bars, x_labels(labels, centres, height)]),
        table=data_table(name, head, labels, series, show),
        count=len(labels),
    )


def lines(
    name: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    head: str = "Day",
    height: int = 190,
    show: Format = number,
) -> SafeString:
    """Values over time; only the first line gets an area. None leaves a gap."""
    plot_height = height - TOP - FOOT
    known = [value for entry in series for value in entry.values if value is not None]
    top, step = scale_top(max(known, default=0))
    centres = [100 * (at + 0.5) / len(labels) for at in range(len(labels))]
    drawn = join(
        line_paths(entry, [x * 10 for x in centres], top, 0, plot_height, TOP, area=at == 0)
        for at, entry in enumerate(series)
    )
    grid, left = axis(top, step, plot_height, short_number)
    return framed(
        name,
        "columns",
        height=height,
        left=left,
        plot=join([grid, stretched(height, drawn), x_labels(labels, centres, height)]),
        table=data_table(name, head, labels, series, show),
        count=len(labels),
    )
