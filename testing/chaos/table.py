"""The table that a run prints, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from testing.chaos.book import NO_ANSWER, TIMED_OUT
from testing.chaos.phases import Phase, spoken

HEAD = (
    "fault", "events", "acknowledged", "given up", "lost", "duplicated", "foreign",
    "worst answer", "well after", "verdict",
)  # fmt: skip


def as_table(phases: Iterable[Phase], *, strict: bool) -> str:
    rows = [HEAD, *(_row(phase, strict=strict) for phase in phases)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEAD))]
    lines = [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in rows
    ]
    lines.insert(1, f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    return "\n".join(lines)


def as_list(phases: Iterable[Phase], *, strict: bool) -> str:
    """What was wrong, a line each."""
    return "\n".join(
        f"{phase.fault.name}: {problem}"
        for phase in phases
        for problem in phase.problems(strict=strict)
    )


def _row(phase: Phase, *, strict: bool) -> tuple[str, ...]:
    found, seconds = phase.found, phase.seconds_until_well
    return (
        phase.fault.name,
        *map(str, (found.sent, found.acknowledged, found.given_up)),
        *map(str, (len(found.lost), len(found.duplicated), len(found.foreign))),
        _worst(phase),
        "" if seconds is None else f"{seconds:.1f} s",
        "BROKEN" if phase.problems(strict=strict) else phase.strike.note or "held",
    )


def _worst(phase: Phase) -> str:
    """The highest status, and how tries were not answered at all."""
    answers = phase.found.answers.keys()
    worst = [status for status in (max(answers, default=NO_ANSWER),) if status > NO_ANSWER]
    return ", ".join(map(spoken, [*worst, *sorted(answers & {NO_ANSWER, TIMED_OUT})]))
