"""Charts as SVG, written on the server: x in percent, y in pixels, so text never stretches.

Colours come from CSS classes (`c1` … `c5`, `h0` … `h5`), so one picture serves both themes. Every
chart carries its numbers twice: drawn, and as a hidden table that screen readers and the tooltip
read. Neutral `c3` may only be the last and least important series.
"""

from analytics.charts.drawing import TONES, Series, legend
from analytics.charts.heat import heat_map
from analytics.charts.over_time import lines, stacked_bars
from analytics.charts.small import bar_list, meter, mini_bars, proportional_bar, sparkline

__all__ = [
    "TONES",
    "Series",
    "bar_list",
    "heat_map",
    "legend",
    "lines",
    "meter",
    "mini_bars",
    "proportional_bar",
    "sparkline",
    "stacked_bars",
]
