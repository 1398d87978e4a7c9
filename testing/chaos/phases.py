"""One phase a fault: traffic, the strike in the middle of it, the judgement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from testing.chaos.book import NO_ANSWER, TIMED_OUT, Attempt, Event, Post, read_attempts, write_plan
from testing.chaos.faults import UNAVAILABLE, Fault, Strike
from testing.chaos.oracle import Findings, Key, judge, seconds_until_well
from testing.chaos.traffic import plan
from testing.chaos.world import ORGANIZATIONS, World

LEAD_SECONDS = TAIL_SECONDS = 3.0
# So long the traffic goes on while the product does not answer; it may need a rest from it.
ANSWER_SECONDS = 30.0
# Longer than any strike takes; on a slow machine the last of it may go without traffic.
PLANNED_SECONDS = 90.0
SHOWN = 3  # of what is wrong; the rest is a number
SHA256_LENGTH, SHA256_SHOWN = 64, 12


@dataclass(frozen=True)
class Phase:
    """What was sent in one phase, what came of it, and what it means."""

    fault: Fault
    strike: Strike
    events: list[Event]
    attempts: list[Attempt]
    found: Findings

    @property
    def seconds_until_well(self) -> float | None:
        if self.strike.healed_at is None:
            return None
        return seconds_until_well(self.attempts, self.strike.healed_at)

    def problems(self, *, strict: bool = False) -> list[str]:
        """What is wrong, a clause each; `strict`: also what was only too slow."""
        return [
            *self.strike.problems,
            *_wrong_rows(self.found),
            *_wrong_answers(self.fault, self.found, strict=strict),
            *(self._too_slow() if strict else ()),
        ]

    def _too_slow(self) -> list[str]:
        seconds, bar = self.seconds_until_well, self.fault.bar_seconds
        if bar is None or (seconds is not None and seconds < bar):
            return []
        return [f"not well within {bar:.0f} s"]


def run_phase(
    world: World, fault: Fault, number: int, *, rate: float, known: Iterable[Event]
) -> Phase:
    posts = plan(
        ORGANIZATIONS,
        phase=f"{number} {fault.name}",
        seconds=PLANNED_SECONDS,
        rate=rate,
        poisoned=fault.poisoned,
    )
    ledger = _send(world, posts, number)
    world.wait(LEAD_SECONDS)
    strike = fault.strike(world)
    world.wait_for_answers(ANSWER_SECONDS)
    world.wait(TAIL_SECONDS)
    world.until_sent()
    world.until("Waiting for the product", world.answers, quiet=True)
    attempts = read_attempts(ledger)
    tried = {(attempt.organization, attempt.sha256) for attempt in attempts}
    events = [it.event for it in posts if (it.event.organization, it.event.sha256) in tried]
    found = judge(events, attempts, world.stored(), known=known, compared=strike.compared)
    return Phase(fault, strike, events, attempts, found)


def _send(world: World, posts: Sequence[Post], number: int) -> Path:
    plan_file = world.folders.local / f"{number:02d}.plan"
    ledger = plan_file.with_suffix(".ledger")
    write_plan(plan_file, posts)
    world.send(plan_file, ledger)
    return ledger


def look_back(world: World, phases: Sequence[Phase]) -> Phase:
    """All that was ever sent, at the end: nothing that was kept is lost later."""
    events = [event for phase in phases for event in phase.events]
    attempts = [attempt for phase in phases for attempt in phase.attempts]
    compared = any(phase.strike.compared for phase in phases)
    found = judge(events, attempts, world.stored(), compared=compared)
    excused = frozenset().union(*(phase.fault.excused for phase in phases))
    fault = Fault("all of it, at the end", lambda _world: Strike(), excused=excused)
    return Phase(fault, Strike(compared=compared), events, attempts, found)


def _wrong_rows(found: Findings) -> list[str]:
    named = {
        "lost": found.lost,
        "duplicated": found.duplicated,
        "foreign": found.foreign,
        "in the wrong state": found.misfiled,
        "billed wrongly": found.misbilled,
        "not merged as told": found.unmerged,
    }
    return [
        f"{len(rows)} {name} ({', '.join(map(_short, rows[:SHOWN]))})"
        for name, rows in named.items()
        if rows
    ]


def _short(row: Key) -> str:
    """With the first digits of a SHA-256."""
    return " ".join(it[:SHA256_SHOWN] if len(it) == SHA256_LENGTH else it for it in row)


def _wrong_answers(fault: Fault, found: Findings, *, strict: bool) -> list[str]:
    excused = fault.excused if strict else fault.excused | {TIMED_OUT}
    unexcused = {
        status: times
        for status, times in found.answers.items()
        if not 200 <= status < 300 and status not in excused
    }
    wrong = [f"{times} x {spoken(status)}" for status, times in sorted(unexcused.items())]
    if found.hasty:
        wrong.append(f"{found.hasty} x {UNAVAILABLE} without Retry-After")
    missing = fault.wanted - found.answers.keys()
    return wrong + [f"never answered {spoken(status)}: the fault missed" for status in missing]


def spoken(status: int) -> str:
    return {NO_ANSWER: "none", TIMED_OUT: "timeout"}.get(status, str(status))
