"""Large charts with time, or another order, on the x axis."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

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
    mark,
    point_name,
    rounded,
    scale_top,
    stretched,
    svg,
    whole_scale_top,
    x_labels,
)
from config.templatetags.formats import number, short_number

BAR_SHARE = 0.74


def stacked_bars(
    name: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    head: str = "",
    height: int = 240,
    show: Format = number,
    whole: Series | None = None,
) -> SafeString:
    """Counts over time as stacked columns; the first series stands on the base line.

    `whole`: the sum of each column, which its whole height opens, and the table begins with.
    """
    plot_height = height - TOP - FOOT
    sums = [sum(entry.values[at] or 0 for entry in series) for at in range(len(labels))]
    top, step = whole_scale_top(max(sums, default=0))
    slot = 100 / max(len(labels), 1)
    bars = [
        mark_ for at in range(len(labels))
        for mark_ in _column(labels[at], series, at, slot, plot_height, top, show)
    ]  # fmt: skip
    grid, left = axis(top, step, plot_height, short_number)
    centres = [slot * (at + 0.5) for at in range(len(labels))]
    return framed(
        name,
        "columns",
        height=height,
        left=left,
        plot=join([grid, *_grounds(labels, whole, plot_height, show), *bars,
                   x_labels(labels, centres, height)]),
        table=data_table(
            name, head or _("Day"), labels, [whole, *series] if whole else series, show
        ),
        count=len(labels),
    )  # fmt: skip


def _grounds(
    labels: Sequence[str], whole: Series | None, plot_height: float, show: Format
) -> list[SafeString]:
    """The whole height of each column as a link, below what is drawn on it."""
    slot = 100 / max(len(labels), 1)
    return [
        mark(
            whole.url(at),
            point_name(label, whole, at, show),
            svg(
                "rect",
                {
                    "x": f"{rounded(at * slot)}%",
                    "y": TOP,
                    "width": f"{rounded(slot)}%",
                    "height": rounded(plot_height),
                },
            ),
            "ground",
        )
        for at, label in enumerate(labels)
        if whole and whole.url(at)
    ]


def _column(
    label: str,
    series: Sequence[Series],
    at: int,
    slot: float,
    plot_height: float,
    top: float,
    show: Format,
) -> list[SafeString]:
    """One column from below, a pixel between its layers; the top one has round corners."""
    floor: float = TOP + plot_height
    width = slot * BAR_SHARE
    layers = [entry for entry in series if entry.values[at]]
    drawn = []
    for place, entry in enumerate(layers):
        share = plot_height * float(entry.values[at] or 0) / top
        gap = 1 if place and share > 2 else 0
        bar = svg(
            "rect",
            {
                "class": f"c{entry.tone}",
                "x": f"{rounded(at * slot + (slot - width) / 2)}%",
                "y": rounded(floor - share),
                "width": f"{rounded(width)}%",
                "height": rounded(max(share - gap, 0.5)),
                **({"rx": 2} if place == len(layers) - 1 else {}),
            },
        )
        drawn.append(mark(entry.url(at), point_name(label, entry, at, show), bar))
        floor -= share
    return drawn


def lines(
    name: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    head: str = "",
    height: int = 190,
    show: Format = number,
) -> SafeString:
    """Values over time; only the first line gets an area. None leaves a gap. A place on the x axis
    opens what the first line's value there opens."""
    plot_height = height - TOP - FOOT
    known = [value for entry in series for value in entry.values if value is not None]
    top, step = scale_top(max(known, default=0))
    centres = [100 * (at + 0.5) / len(labels) for at in range(len(labels))]
    drawn = join(
        line_paths(entry, [x * 10 for x in centres], top, 0, plot_height, TOP, area=at == 0)
        for at, entry in enumerate(series)
    )
    grid, left = axis(top, step, plot_height, short_number)
    grounds = _grounds(labels, series[0] if series else None, plot_height, show)
    return framed(
        name,
        "columns",
        height=height,
        left=left,
        plot=join([grid, stretched(height, drawn), *grounds, x_labels(labels, centres, height)]),
        table=data_table(name, head or _("Day"), labels, series, show),
        count=len(labels),
    )
