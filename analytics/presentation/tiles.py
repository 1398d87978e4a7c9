"""The strip of figures: each with its change, its trend and the calls behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext as _

from analytics.overview import ANSWERED, Sums
from analytics.presentation.links import Links
from calls.outcomes import Outcome
from config.templatetags.formats import MINUS, duration, latency, money, number, percent

Figure = float | int | Decimal | None


@dataclass(frozen=True, slots=True)
class Tile:
    """`count`: how many calls the list at `url` holds. `note` says what the figure is of."""

    label: str
    figure: Callable[[Sums], Figure]
    show: Callable[[Any], str]
    url: str
    count: int
    note: str
    # "good", "bad" or "neutral": what a higher figure means.
    more_is: str = "neutral"
    # "share" of what it was, "points" of a percentage, or the plain "difference".
    change: str = "difference"

    def context(self, now: Sums, before: Sums | None, slices: Sequence[Sums]) -> dict[str, Any]:
        """For `components/kpis.html`."""
        return {
            "label": self.label,
            "value": self.show(self.figure(now)),
            "url": self.url,
            "count": self.count,
            "note": self.note,
            "spark": _spark([self.figure(one) for one in slices]),
            **self._changed(now, before),
        }

    def _changed(self, now: Sums, before: Sums | None) -> dict[str, Any]:
        """Its tone is its meaning, not its direction."""
        here, there = self.figure(now), self.figure(before) if before else None
        if here is None or there is None:
            return {}
        difference = float(here) - float(there)
        shown = self._difference(abs(difference), float(there))
        unchanged = {"before": self.show(there)}
        if shown == self._difference(0, float(there)):
            return unchanged
        tone = {"good": "ok", "bad": "bad"}.get(self.more_is, "mute")
        if difference < 0:
            tone = {"ok": "bad", "bad": "ok"}.get(tone, tone)
        return unchanged | {
            "delta": format_html("{}{}", "+" if difference > 0 else MINUS, shown),
            "tone": tone,
            "direction": "up" if difference > 0 else "down",
        }

    def _difference(self, difference: float, before: float) -> str:
        if self.change == "points":
            return _("%(points)s pt") % {"points": number(100 * difference, 1)}
        if self.change == "share" and before:
            return percent(difference / before, 1)
        return self.show(difference)


def _spark(figures: list[Figure]) -> list[float | None] | None:
    if len(figures) < 2:
        return None
    return [None if figure is None else float(figure) for figure in figures]


def _rate(share: Figure) -> str:
    return percent(share, 1)


def tiles(links: Links, now: Sums) -> list[Tile]:
    answered = now.of(ANSWERED)
    every = links.calls()
    return [
        Tile(
            _("Calls"), lambda sums: sums.calls, number, every, now.calls,
            _("Calls that began in the period."), more_is="good", change="share",
        ),
        Tile(
            _("Answered"), lambda sums: sums.answer_rate, _rate,
            links.calls(outcome=[code.value for code in ANSWERED]), answered,
            _("%(part)s of the %(whole)s calls that are over were taken by a person.")
            % {"part": number(answered), "whole": number(now.over)},
            more_is="good", change="points",
        ),
        Tile(
            _("Success rate"), lambda sums: sums.success_rate, _rate,
            links.calls(outcome=Outcome.SUCCESSFUL.value), now.outcomes[Outcome.SUCCESSFUL],
            _("%(part)s of the %(whole)s calls that Retell judged were successful.")
            % {"part": number(now.outcomes[Outcome.SUCCESSFUL]), "whole": number(now.judged)},
            more_is="good", change="points",
        ),
        Tile(
            _("Positive sentiment"), lambda sums: sums.positive_rate, _rate,
            links.calls(sentiment="Positive"), now.sentiments["Positive"],
            _("%(part)s of the %(whole)s callers whose sentiment is known sounded positive.")
            % {"part": number(now.sentiments["Positive"]), "whole": number(now.felt)},
            more_is="good", change="points",
        ),
        Tile(
            _("Minutes"), lambda sums: sums.minutes, number, every, now.calls,
            _("Durations of all calls of the period, added up."), change="share",
        ),
        Tile(
            _("Avg. handling time"), lambda sums: sums.handling_ms, duration,
            links.calls(min_duration_s="0.001"), now.talked,
            _("Mean duration of the %(count)s calls that have one.")
            % {"count": number(now.talked)},
        ),
        Tile(
            _("Latency p50"), lambda sums: sums.mean_latency_ms, latency, every, now.calls,
            _("Mean of the calls' own median, of the %(count)s calls that have one.")
            % {"count": number(now.timed)},
            more_is="bad",
        ),
        Tile(
            _("Cost"), lambda sums: sums.cost_cents, money, every, now.calls,
            _("What Retell charged for the calls of the period."), change="share",
        ),
    ]  # fmt: skip


def strip(
    links: Links, now: Sums, before: Sums | None, slices: Sequence[Sums]
) -> list[dict[str, Any]]:
    return [tile.context(now, before, slices) for tile in tiles(links, now)]
