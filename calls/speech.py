"""Who spoke when, from the times of the words in a transcript: two lanes, the share of each, the
pauses. Nothing is heard for it, so a lane shows that somebody spoke, not how loud."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from calls.transcripts import word_times

BINS = 160
LANE_HEIGHT = 30
PAUSE_MS = 2_000

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Lane:
    """`path` of a drawing BINS wide, upwards or downwards from the middle; `share` of the call."""

    path: str
    share: float


@dataclass(frozen=True, slots=True)
class Speech:
    agent: Lane
    caller: Lane
    # Seconds, "12.3-19.8 25-31.5": where nobody speaks for long.
    pauses: str


def speech_of(entries: Sequence[Any] | None, duration_ms: int) -> Speech | None:
    """None where Retell sent no times of words, or the call did not last."""
    agent, caller, complete = _spans(entries or ())
    if duration_ms <= 0 or not (agent or caller):
        return None
    return Speech(
        agent=_lane(agent, duration_ms, upwards=True),
        caller=_lane(caller, duration_ms, upwards=False),
        pauses=_pauses(sorted(agent + caller), duration_ms) if complete else "",
    )


def _spans(entries: Iterable[Any]) -> tuple[list[Span], list[Span], bool]:
    """Of the agent, of the others, and whether every utterance has its times."""
    lanes: dict[bool, list[Span]] = {True: [], False: []}
    complete = True
    for entry in entries:
        if isinstance(entry, dict) and entry.get("role") in ("agent", "user", "transfer_target"):
            words = word_times(entry)
            lanes[entry["role"] == "agent"] += words
            complete = complete and bool(words)
    return lanes[True], lanes[False], complete


def _lane(spans: list[Span], duration_ms: int, *, upwards: bool) -> Lane:
    bin_ms = duration_ms / BINS
    filled = [0.0] * BINS
    for start, end in spans:
        for place in range(int(start / bin_ms), min(int(end / bin_ms), BINS - 1) + 1):
            left, right = place * bin_ms, (place + 1) * bin_ms
            filled[place] += max(0.0, min(end, right) - max(start, left))
    direction = -1 if upwards else 1
    path = "".join(
        f"M{place}.5 {LANE_HEIGHT}v{direction * _height(spoken / bin_ms)}"
        for place, spoken in enumerate(filled)
        if spoken
    )
    return Lane(path, min(1.0, sum(filled) / duration_ms))


def _height(share: float) -> int:
    """A word that fills little of its bin is still seen."""
    return max(3, round(min(share, 1.0) * (LANE_HEIGHT - 4)))


def _pauses(spans: list[Span], duration_ms: int) -> str:
    found, reached = [], 0
    for start, end in [*spans, (duration_ms, duration_ms)]:
        if start - reached >= PAUSE_MS:
            found.append(f"{reached / 1000:.1f}-{start / 1000:.1f}")
        reached = max(reached, end)
    return " ".join(found)
