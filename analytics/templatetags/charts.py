"""Small charts a template draws from plain values; the large ones come ready from the view."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import template
from django.utils.safestring import SafeString

from analytics import charts

register = template.Library()


@register.simple_tag
def sparkline(name: str, values: Sequence[float | None]) -> SafeString:
    return charts.sparkline(name, values)


@register.simple_tag
def mini_bars(name: str, values: Sequence[float | None]) -> SafeString:
    return charts.mini_bars(name, values)


@register.simple_tag
def bar_list(rows: Sequence[Mapping[str, Any]]) -> SafeString:
    return charts.bar_list(rows)


@register.simple_tag
def meter(share: float | Decimal | None) -> SafeString:
    """A share of a limit or of the largest value, 0 to 1."""
    return charts.meter(None if share is None else float(share))


@register.simple_tag
def cost_bar(lines: Sequence[Mapping[str, Any]]) -> SafeString:
    """Cost lines (`share` 0 to 1, optional `tone`) side by side, coloured in series order."""
    return charts.proportional_bar(
        [(line_tone(line, at), float(line["share"] or 0)) for at, line in enumerate(lines)]
    )


@register.filter
def tone_at(line: Mapping[str, Any], place: int) -> int:
    """The series colour of a cost line: its own `tone`, else by its place (0 first)."""
    return line_tone(line, place)


def line_tone(line: Mapping[str, Any], place: int) -> int:
    return line.get("tone") or charts.TONES[min(place, len(charts.TONES) - 1)]
