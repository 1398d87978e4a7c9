"""Small charts for cells and cards; the numbers stand as text beside them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analytics.charts.drawing import Format, Series, Value, join, line_paths, rounded, svg
from config.templatetags.formats import number, percent


def spoken_range(name: str, values: Sequence[Value], show: Format) -> str:
    """What a small chart says to a screen reader: where it starts and ends, low and high."""
    known = [value for value in values if value is not None]
    if not known:
        return _("%(name)s: no data") % {"name": name}
    return _("%(name)s: from %(first)s to %(last)s, lowest %(low)s, highest %(high)s") % {
        "name": name,
        "first": show(known[0]),
        "last": show(known[-1]),
        "low": show(min(known)),
        "high": show(max(known)),
    }


def sparkline(
    name: str, values: Sequence[Value], *, height: int = 28, show: Format = number
) -> SafeString:
    """A trend without axes; its lowest value lies near the bottom, so the shape is what counts."""
    known = [float(value) for value in values if value is not None]
    if len(known) < 2:
        return SafeString("")
    low, high = min(known), max(known)
    spread = (high - low) or abs(high)
    if not spread:  # nothing throughout lies on the ground
        high, spread = 1.0, 0.9
    entry = Series(name, values, 1)
    xs = [1000 * at / (len(values) - 1) for at in range(len(values))]
    body = line_paths(entry, xs, high, high - spread * 1.1, height - 3, 2, area=True)
    return format_html(
        '<svg class="spark" viewBox="0 0 1000 {}" preserveAspectRatio="none" width="100%" '
        'height="{}" role="img" aria-label="{}">{}</svg>',
        height, height, spoken_range(name, values, show), body,
    )  # fmt: skip


def mini_bars(
    name: str, values: Sequence[Value], *, tone: int = 1, show: Format = number
) -> SafeString:
    """Fourteen days in a table cell. A day without calls keeps a flat mark."""
    width, height, slot = 84, 22, 6
    high = max((float(value or 0) for value in values), default=0) or 1
    bars = join(
        svg(
            "rect",
            {
                "class": f"c{tone}" if value else "c3",
                "x": at * slot,
                "y": rounded(height - max(1.0, (height - 2) * float(value or 0) / high)),
                "width": 4,
                "height": rounded(max(1.0, (height - 2) * float(value or 0) / high)),
                "rx": 1,
            },
        )
        for at, value in enumerate(values[-14:])
    )
    return format_html(
        '<svg class="mini" width="{}" height="{}" role="img" aria-label="{}">{}</svg>',
        width, height, spoken_range(name, values, show), bars,
    )  # fmt: skip


def bar_list(rows: Sequence[Mapping[str, Any]]) -> SafeString:
    """Labels over soft bars, the largest as wide as the column.

    A row has `label`, `count`, `share` (0 to 1) and, where there is a list behind it, `url`.
    """
    most = max((float(row["count"]) for row in rows), default=0) or 1
    entries = []
    for row in rows:
        label = (
            format_html('<a href="{}">{}</a>', row["url"], row["label"])
            if row.get("url")
            else format_html("{}", row["label"])
        )
        bar = svg(
            "rect",
            {"width": f"{rounded(100 * row['count'] / most)}%", "height": 26, "rx": 3},
        )
        entries.append(
            format_html(
                '<li><span class="bar"><svg width="100%" height="26" aria-hidden="true">{}</svg>'
                "<span>{}</span></span><span>{}</span><span>{}</span></li>",
                bar, label, number(row["count"]), percent(row["share"]),
            )
        )  # fmt: skip
    return format_html('<ol class="bars">{}</ol>', join(entries))


def proportional_bar(parts: Sequence[tuple[int | str, float]]) -> SafeString:
    """Shares of a whole side by side; `parts` are (tone, amount). The list below it names them."""
    whole = sum(max(float(amount), 0) for _, amount in parts)
    if not whole:
        parts, whole = [("track", 1)], 1
    gap, start, drawn = 0.4, 0.0, []
    for tone, amount in parts:
        share = 100 * max(float(amount), 0) / whole
        if share:
            width = max(share - gap, 0.3)
            drawn.append(
                svg(
                    "rect",
                    {
                        "class": tone if tone == "track" else f"c{tone}",
                        "x": f"{rounded(start)}%",
                        "width": f"{rounded(width)}%",
                        "height": 10,
                        "rx": 1.5,
                    },
                )
            )
        start += share
    return format_html(
        '<svg class="shares" width="100%" height="10" aria-hidden="true">{}</svg>',
        join(drawn),
    )


def meter(share: float | None) -> SafeString:
    """A thin bar for a share of a limit; from 90 % in the warning colour, above 100 % in red."""
    share = max(float(share or 0), 0)
    tone = "bad" if share > 1 else "c4" if share >= 0.9 else "c1"
    filled = svg(
        "rect",
        {
            "class": tone,
            "width": f"{rounded(min(share, 1) * 100)}%",
            "height": 4,
            "rx": 2,
        },
    )
    return format_html(
        '<svg class="meter" width="100%" height="4" aria-hidden="true">'
        '<rect class="track" width="100%" height="4" rx="2"></rect>{}</svg>',
        filled,
    )
