"""What every chart is drawn with: series, scales, axes, the frame and its hidden table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

TONES = (1, 2, 4, 5, 3)
FOOT = 24  # room below the plot for the x labels, px
TOP = 8
GRIDLINES = 5
MAX_X_LABELS = 8
Value = float | int | None
Format = Callable[[Any], str]


@dataclass(frozen=True)
class Series:
    """One line or one layer of a stack; `values` are in the order of the chart's labels, and so
    are `urls`: what each value opens, if anything."""

    name: str
    values: Sequence[Value]
    tone: int | None = 1
    urls: Sequence[str] = ()

    def url(self, at: int) -> str:
        """Nothing lies behind nothing."""
        return self.urls[at] if self.urls and self.values[at] else ""


def rounded(value: float) -> str:
    """Coordinates need two decimals at most; the rest is page weight."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def svg(name: str, attributes: Mapping[str, Any], body: str = "") -> SafeString:
    """An element of a drawing or a table. There are a thousand on a page, which `format_html`
    would take a tenth of a second for; what is no number is escaped here as it does it."""
    pairs = "".join(f' {key}="{_escaped(value)}"' for key, value in attributes.items())
    return mark_safe(f"<{name}{pairs}>{conditional_escape(body)}</{name}>")  # noqa: S308


def _escaped(value: Any) -> str:
    return str(value) if isinstance(value, int | float) else conditional_escape(value)


def join(parts: Iterable[str]) -> SafeString:
    return mark_safe("".join(map(conditional_escape, parts)))  # noqa: S308 (each one is escaped)


def scale_top(highest: float) -> tuple[float, float]:
    """The top of the y axis and the step of its at most five gridlines, both round numbers."""
    if highest <= 0:
        return 1, 1
    step = 10.0**-6
    while True:
        for factor in (1, 2, 2.5, 5):
            candidate = step * factor
            ticks = -(-highest // candidate)
            if ticks < GRIDLINES:
                return candidate * ticks, candidate
        step *= 10


def whole_scale_top(highest: float) -> tuple[float, float]:
    """As `scale_top` for counts, which have no halves."""
    top, step = scale_top(highest)
    return (top, step) if step >= 1 else (max(top, 1), 1)


def legend(series: Iterable[Series]) -> SafeString:
    """Names with their squares, for the head of the card, in the order of the stack."""
    entries = format_html_join(
        "",
        '<li><span class="swatch c{}"></span>{}</li>',
        ((entry.tone, entry.name) for entry in series),
    )
    return format_html('<ul class="legend">{}</ul>', entries)


def mark(url: str, name: str, drawn: SafeString, kind: str = "mark") -> SafeString:
    """What is drawn for one value, as a link to what is behind it.

    Tab does not stop at each: the arrow keys read the chart, and its table has the same links.
    """
    if not url:
        return drawn
    return svg("a", {"class": kind, "href": url, "aria-label": name, "tabindex": -1}, drawn)


def point_name(label: str, entry: Series, at: int, show: Format) -> str:
    """ "Nov 3, Successful: 12" """
    return f"{label}, {entry.name}: {show(entry.values[at])}"


def data_table(
    name: str, head: str, labels: Sequence[str], series: Sequence[Series], show: Format
) -> SafeString:
    """The numbers of a chart, for whoever wants to read them; the tooltip takes its rows from
    here, too."""
    columns = join(_column_head(entry) for entry in series)
    rows = join(
        svg(
            "tr",
            {},
            join(
                [
                    svg("th", {"scope": "row"}, label),
                    *(_cell(entry, at, show) for entry in series),
                ]
            ),
        )
        for at, label in enumerate(labels)
    )
    return format_html(
        '<details class="chart-table"><summary>{}<span class="sr-only">: {}</span></summary>'
        '<div class="table-box" tabindex="0" role="region" aria-label="{}">'
        '<table class="table compact"><caption class="sr-only">{}</caption>'
        '<thead><tr><th scope="col">{}</th>{}</tr></thead><tbody>{}</tbody></table></div>'
        "</details>",
        _("As a table"), name, name, name, head, columns, rows,
    )  # fmt: skip


def _column_head(entry: Series) -> SafeString:
    tone = f"c{entry.tone}" if entry.tone else ""
    return format_html('<th scope="col" class="r" data-tone="{}">{}</th>', tone, entry.name)


def _cell(entry: Series, at: int, show: Format) -> SafeString:
    text, url = show(entry.values[at]), entry.url(at)
    return svg("td", {"class": "r"}, svg("a", {"href": url}, text) if url else text)


def axis(top: float, step: float, plot_height: float, show: Format) -> tuple[str, str]:
    """Gridlines for the plot, and their labels as an SVG of its own left of it."""
    lines, labels = [], []
    for tick in range(round(top / step) + 1):
        y = rounded(TOP + plot_height * (1 - tick * step / top))
        lines.append(svg("line", {"class": "grid", "x1": 0, "x2": "100%", "y1": y, "y2": y}))
        labels.append(
            svg(
                "text",
                {"class": "y", "x": "100%", "y": y, "dy": "0.34em"},
                show(tick * step),
            )
        )
    return join(lines), join(labels)


def x_labels(labels: Sequence[str], centres: Sequence[float], height: int) -> SafeString:
    """At most eight labels; every second one goes when the chart is narrow."""
    every = max(1, -(-len(labels) // MAX_X_LABELS))
    shown = range(0, len(labels), every)
    return join(
        svg(
            "text",
            {
                "class": "x lo" if place % 2 else "x",
                "aria-hidden": "true",
                "x": f"{rounded(centres[at])}%",
                "y": height - 5,
            },
            labels[at],
        )
        for place, at in enumerate(shown)
    )


def framed(
    name: str, kind: str, *, height: int, left: str, plot: str, table: str, count: int
) -> SafeString:
    """The common frame: y labels, plot and table under one name. A plot without links is one
    picture; one with links is a group of them."""
    role, hidden = ("group", "") if "<a " in plot else ("img", SafeString(' aria-hidden="true"'))
    return format_html(
        '<figure class="chart" data-chart="{}" data-count="{}"><div class="chart-frame">'
        '<svg class="chart-axis" width="36" height="{}" aria-hidden="true">{}</svg>'
        '<div class="chart-plot" role="{}" aria-label="{}">'
        '<svg width="100%" height="{}"{}>{}</svg></div></div>{}</figure>',
        kind, count, height, left, role, name, height, hidden, plot, table,
    )  # fmt: skip


def runs(values: Sequence[Value]) -> list[list[tuple[int, float]]]:
    """Stretches of known values; a line is not drawn over a gap."""
    stretches: list[list[tuple[int, float]]] = [[]]
    for at, value in enumerate(values):
        if value is not None:
            stretches[-1].append((at, float(value)))
        elif stretches[-1]:
            stretches.append([])
    return [stretch for stretch in stretches if stretch]


def line_paths(
    entry: Series,
    xs: Sequence[float],
    top: float,
    bottom: float,
    plot_height: float,
    offset: float,
    *,
    area: bool,
) -> SafeString:
    """One series in a drawing 1000 units wide, with a soft area below it when asked for."""
    parts = []
    for stretch in runs(entry.values):
        points = [
            (
                xs[at],
                offset + plot_height * (1 - (value - bottom) / (top - bottom)),
            )
            for at, value in stretch
        ]
        if len(points) == 1:  # a lone value would be an invisible line
            points.append((points[0][0] + 4, points[0][1]))
        path = "M" + "L".join(f"{rounded(x)} {rounded(y)}" for x, y in points)
        floor = rounded(offset + plot_height)
        if area:
            closed = f"{path}L{rounded(points[-1][0])} {floor}L{rounded(points[0][0])} {floor}Z"
            parts.append(svg("path", {"class": f"area c{entry.tone}", "d": closed}))
        parts.append(
            svg(
                "path",
                {
                    "class": f"line c{entry.tone}",
                    "d": path,
                    "vector-effect": "non-scaling-stroke",
                },
            )
        )
    return join(parts)


def stretched(height: int, body: str) -> SafeString:
    """A drawing that follows the width of its box and keeps its height."""
    return svg(
        "svg",
        {
            "viewBox": f"0 0 1000 {height}",
            "preserveAspectRatio": "none",
            "width": "100%",
            "height": height,
        },
        body,
    )
