"""The numbers of an organization's overview. Reads only; everything counts by `sort_at`.

Every function takes a period and, where one agent is looked at, its id in Retell, and answers with
counts and sums only, read from the parts that `analytics.rollup` keeps.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from agents.numbers import ByAgent
from analytics.rollup import reading
from analytics.rollup.reading import AGENT, SLICE
from analytics.rollup.sums import DURATION_BOUNDS_S, SENTIMENTS
from calls.models import Call
from calls.outcomes import Outcome
from config.periods import Period

# A person took the call.
ANSWERED = (Outcome.SUCCESSFUL, Outcome.UNSUCCESSFUL, Outcome.ENDED)
# Lower bounds of the distribution of durations, in seconds; each is one of those added up.
DURATIONS_S = (0, 15, 30, 60, 120, 180, 300, 600)
MINI_BAR_DAYS = 14


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some calls. `talked` of them have a duration, `timed` a latency."""

    calls: int = 0
    talked: int = 0
    duration_ms: int = 0
    timed: int = 0
    latency_ms: Decimal = Decimal(0)
    cost_cents: Decimal = Decimal(0)
    outcomes: Counter[str] = field(default_factory=Counter)
    sentiments: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Sums) -> Sums:
        pairs = ((getattr(self, part.name), getattr(other, part.name)) for part in fields(self))
        return Sums(*(one + another for one, another in pairs))

    def of(self, outcomes: Iterable[str]) -> int:
        """How many calls had one of these outcomes."""
        return sum(self.outcomes[outcome] for outcome in outcomes)

    @property
    def over(self) -> int:
        return self.calls - self.outcomes[Outcome.ONGOING]

    @property
    def judged(self) -> int:
        return self.of([Outcome.SUCCESSFUL, Outcome.UNSUCCESSFUL])

    @property
    def felt(self) -> int:
        """Calls of which it is known how the caller felt."""
        return sum(self.sentiments[name] for name in ("Positive", "Neutral", "Negative"))

    # Rates are of the calls they can be said of; None where there are none.

    @property
    def answer_rate(self) -> float | None:
        return self.of(ANSWERED) / self.over if self.over else None

    @property
    def success_rate(self) -> float | None:
        return self.outcomes[Outcome.SUCCESSFUL] / self.judged if self.judged else None

    @property
    def positive_rate(self) -> float | None:
        return self.sentiments["Positive"] / self.felt if self.felt else None

    @property
    def handling_ms(self) -> float | None:
        return self.duration_ms / self.talked if self.talked else None

    @property
    def mean_latency_ms(self) -> Decimal | None:
        return self.latency_ms / self.timed if self.timed else None

    @property
    def minutes(self) -> float:
        return self.duration_ms / 60_000


def _sums(row: Mapping[str, Any]) -> Sums:
    return Sums(
        calls=row["calls"],
        talked=row["talked"],
        duration_ms=row["duration_ms"],
        timed=row["timed"],
        latency_ms=row["latency_ms"],
        cost_cents=row["cost_cents"],
        outcomes=Counter({code: row[f"outcome_{code}"] for code in Outcome.values}),
        sentiments=Counter({name: row[f"sentiment_{name.lower()}"] for name in SENTIMENTS}),
    )


def totals(period: Period, agent: str | None = None) -> Sums:
    return _sums(reading.sums(period, agents=_only(agent))[0])


def _only(agent: str | None) -> list[str] | None:
    return [agent] if agent else None


def over_time(period: Period, agent: str | None = None) -> list[Sums]:
    """One for each of the period's slices."""
    rows = reading.sums(period, agents=_only(agent), by=(SLICE,))
    found = {row["group_1"]: _sums(row) for row in rows}
    return [found.get(at, Sums()) for at, _ in enumerate(period.slices, start=1)]


@dataclass(frozen=True, slots=True)
class Latencies:
    """Sums of the calls' own p50 and p95, and how many calls have them."""

    p50_ms: Decimal = Decimal(0)
    p50_calls: int = 0
    p95_ms: Decimal = Decimal(0)
    p95_calls: int = 0

    @property
    def mean_p50_ms(self) -> Decimal | None:
        return self.p50_ms / self.p50_calls if self.p50_calls else None

    @property
    def mean_p95_ms(self) -> Decimal | None:
        return self.p95_ms / self.p95_calls if self.p95_calls else None


def latency_over_time(period: Period, agent: str | None = None) -> list[Latencies]:
    """One for each of the period's slices."""
    rows = reading.sums(period, agents=_only(agent), by=(SLICE,))
    found = {
        row["group_1"]: Latencies(row["latency_ms"], row["timed"], row["p95_ms"], row["timed_p95"])
        for row in rows
    }
    return [found.get(at, Latencies()) for at, _ in enumerate(period.slices, start=1)]


def by_hour_of_week(period: Period, agent: str | None = None) -> list[list[int]]:
    """Calls per weekday (Monday first) and local hour."""
    grid = [[0] * 24 for _ in range(7)]
    for weekday, hour, calls in reading.hours_of_week(period, agents=_only(agent)):
        grid[weekday - 1][hour] = calls
    return grid


def endings(period: Period, agent: str | None = None) -> list[tuple[str, int]]:
    """Disconnection reasons with their calls, the most frequent first."""
    rows = reading.counts("reasons", period, agents=_only(agent))
    return [(reason, int(calls)) for reason, calls in rows]


def durations(period: Period, agent: str | None = None) -> list[int]:
    """Calls per range of `DURATIONS_S`; those without a duration are in none."""
    found = [0] * len(DURATIONS_S)
    for band, calls in reading.counts("durations", period, agents=_only(agent)):
        shortest = (0, *DURATION_BOUNDS_S)[int(band)]
        found[bisect_right(DURATIONS_S, shortest) - 1] += int(calls)
    return found


def cost_by_product(period: Period, agent: str | None = None) -> list[tuple[str, Decimal]]:
    """Cents per product as Retell names it; "" for lines that name none."""
    return reading.counts("products", period, agents=_only(agent))


def by_agent(period: Period, agent: str | None = None) -> dict[str, Sums]:
    """Per agent, by its id in Retell; "" for calls of none. The busiest first."""
    rows = reading.sums(period, agents=_only(agent), by=(AGENT,))
    rows.sort(key=lambda row: (-row["calls"], row["group_1"] or ""))
    return {row["group_1"] or "": _sums(row) for row in rows}


def agent_numbers(period: Period, agent: str | None = None) -> ByAgent:
    """As `by_agent`, for the pages of agents; see agents/numbers.py."""
    return {
        key: {
            "calls": sums.calls,
            "judged": sums.judged,
            "successful": sums.outcomes[Outcome.SUCCESSFUL],
            "cost_cents": sums.cost_cents,
            "latency_ms": sums.mean_latency_ms,
            "duration_ms": sums.handling_ms,
        }
        for key, sums in by_agent(period, agent).items()
        if key
    }


def agents_by_day(period: Period, agents: list[str]) -> dict[str, list[int]]:
    """Calls of these agents on each of the period's last days."""
    days = [period.last_day - timedelta(days=back) for back in range(MINI_BAR_DAYS - 1, -1, -1)]
    window = Period("", days[0], days[-1], period.zone)
    bars = {agent: [0] * len(days) for agent in agents}
    for row in reading.sums(window, agents=agents, by=(AGENT, SLICE)):
        bars[row["group_1"]][row["group_2"] - 1] = row["calls"]
    return bars


def has_any_calls() -> bool:
    return Call.objects.exists()


def ongoing(since: datetime, agent: str | None = None) -> QuerySet[Call]:
    """Calls that began since then and go on, newest first, without the large columns."""
    return _newest(agent).filter(outcome_code=Outcome.ONGOING, sort_at__gte=since)


def over(agent: str | None = None) -> QuerySet[Call]:
    """The newest calls that came to an end."""
    return _newest(agent).exclude(outcome_code=Outcome.ONGOING)


def _newest(agent: str | None) -> QuerySet[Call]:
    calls: QuerySet[Call] = Call.objects.for_list()
    return calls.filter(agent_id=agent) if agent else calls
