"""An organization's accent, moved as little as it takes to be readable in both themes.

The hue stays as chosen; lightness moves until WCAG's AA contrast of text (4.5 : 1) is reached on
every ground that the style sheet puts the colour on. The grounds are tokens of static/app.css; a
test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from coloraide import Color

AA_TEXT_CONTRAST = 4.5
# Rounding a colour to eight bits a channel must not lose what was reached.
_MARGIN = 0.02
_STEPS = 30
# The darkest of the light grounds and the lightest of the dark ones decide for all.
LIGHT_GROUNDS = ("#ffffff", "#f6f6f8", "#f3f3f6", "#ebebf0")
DARK_GROUNDS = ("#131417", "#0b0c0e", "#1a1b20", "#22242a", "#1b1c21")
ON_ACCENT = "#ffffff"
HEX_COLOUR = re.compile(r"^#[0-9a-fA-F]{6}\Z")


@dataclass(frozen=True, slots=True)
class Shades:
    """The accent's tokens of one theme, as #rrggbb."""

    accent: str
    solid: str
    solid_hover: str
    soft: str
    selected: str


@dataclass(frozen=True, slots=True)
class Palette:
    light: Shades
    dark: Shades


def contrast(first: str, second: str) -> float:
    """WCAG 2.1's ratio of two colours, 1 to 21."""
    return float(Color(first).contrast(second, method="wcag21"))


def _at(colour: Color, lightness: float, *, chroma: float = 1.0) -> str:
    shade = colour.clone().set("l", lightness)
    shade.set("c", lambda c: c * chroma)
    return str(shade.convert("srgb").fit(method="oklch-chroma").to_string(hex=True))


def _nearest(start: float, end: float, good: Callable[[float], bool]) -> float:
    """The lightness closest to `start` that is good; `end` is known to be."""
    if good(start):
        return start
    bad, known = start, end
    for _ in range(_STEPS):
        middle = (bad + known) / 2
        bad, known = (bad, middle) if good(middle) else (middle, known)
    return known


def _reads(shade: str, grounds: Iterable[str]) -> bool:
    return all(contrast(shade, ground) >= AA_TEXT_CONTRAST + _MARGIN for ground in grounds)


def _light(colour: Color) -> Shades:
    chosen = float(colour["l"])
    soft, selected = _at(colour, 0.955, chroma=0.15), _at(colour, 0.952, chroma=0.12)
    grounds = (*LIGHT_GROUNDS, soft, selected)
    text = _nearest(chosen, 0.0, lambda at: _reads(_at(colour, at), grounds))
    solid = _nearest(chosen, 0.0, lambda at: _reads(_at(colour, at), (ON_ACCENT,)))
    return Shades(
        accent=_at(colour, text),
        solid=_at(colour, solid),
        solid_hover=_at(colour, max(0.0, solid - 0.06)),
        soft=soft,
        selected=selected,
    )


def _dark(colour: Color) -> Shades:
    chosen = float(colour["l"])
    soft, selected = _at(colour, 0.28, chroma=0.35), _at(colour, 0.26, chroma=0.25)
    grounds = (*DARK_GROUNDS, soft, selected)
    text = _nearest(max(chosen, 0.6), 1.0, lambda at: _reads(_at(colour, at), grounds))
    # White stands on it, at rest and below the pointer.
    hover = _nearest(max(chosen, 0.5), 0.0, lambda at: _reads(_at(colour, at), (ON_ACCENT,)))
    return Shades(
        accent=_at(colour, text),
        solid=_at(colour, max(0.0, hover - 0.05)),
        solid_hover=_at(colour, hover),
        soft=soft,
        selected=selected,
    )


@lru_cache(maxsize=1024)
def palette(accent: str) -> Palette:
    """The tokens of an accent `#rrggbb`."""
    colour = Color(accent).convert("oklch")
    # A grey has no hue.
    colour = colour.normalize() if colour.is_nan("hue") else colour
    return Palette(_light(colour), _dark(colour))


def style_sheet(accent: str) -> str:
    """Overrides of the accent's tokens; outside any layer, so it outranks app.css."""
    shades = palette(accent)
    names = {
        "--accent": "accent",
        "--accent-solid": "solid",
        "--accent-solid-hover": "solid_hover",
        "--accent-soft": "soft",
        "--selected": "selected",
    }
    tokens = "\n".join(
        f"  {token}: light-dark({getattr(shades.light, name)}, {getattr(shades.dark, name)});"
        for token, name in names.items()
    )
    return f":root {{\n{tokens}\n}}\n"
