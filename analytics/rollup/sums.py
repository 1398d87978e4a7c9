"""What is added up of a call: pieces of SQL that are the same wherever it is done."""

from __future__ import annotations

from typing import Final

from calls.outcomes import Outcome

# The days of every zone begin with a quarter of an hour of UTC, and did since 1972.
QUARTER_MINUTES: Final = 15
QUARTER: Final = f"interval '{QUARTER_MINUTES} minutes'"


def quarter_of(moment: str) -> str:
    return f"date_bin({QUARTER}, {moment}, timestamptz '2000-01-01 00:00Z')"


def quarters_of_days(days: str) -> str:
    """The sums by quarter of each day in `days`, a function's rows, on the clock of `zone`.

    By the quarter's own local date, so that clock changes need no thought; clocks are at most 14
    hours ahead of UTC and 12 behind.
    """
    return f"""
        SELECT d.day, q.* FROM {days} AS d(day) CROSS JOIN LATERAL (
            SELECT * FROM analytics_quarter
            WHERE at >= d.day::timestamp AT TIME ZONE 'UTC' - interval '15 hours'
                AND at < d.day::timestamp AT TIME ZONE 'UTC' + interval '37 hours'
                AND (at AT TIME ZONE %(zone)s::text)::date = d.day
            OFFSET 0  -- day by day: never all quarters, to be joined with a few days
        ) q"""  # noqa: S608


DIMENSIONS: Final = "agent_id, is_billable"

SENTIMENTS: Final = ("Positive", "Neutral", "Negative", "Unknown")
# The p95 of a call `c`. Beyond an hour it is no latency; Retell's numbers may be anything.
_P95 = """CASE WHEN jsonb_typeof(c.latency #> '{e2e,p95}') = 'number'
    THEN CASE WHEN (c.latency #>> '{e2e,p95}')::numeric BETWEEN 0 AND 3600000
        THEN round((c.latency #>> '{e2e,p95}')::numeric, 10) END END"""

# Column → what one call `c` adds to it.
MEASURES: Final = {
    "calls": "1",
    "talked": "coalesce(c.duration_ms > 0, false)::int",
    "duration_ms": "greatest(coalesce(c.duration_ms, 0), 0)",
    "timed": "(c.latency_p50_ms IS NOT NULL)::int",
    "latency_ms": "coalesce(c.latency_p50_ms, 0)",
    "timed_p95": f"({_P95} IS NOT NULL)::int",
    "p95_ms": f"coalesce({_P95}, 0)",
    "cost_cents": "coalesce(c.cost_cents, 0)",
    **{f"outcome_{code}": f"(c.outcome_code = '{code}')::int" for code in Outcome.values},
    **{
        f"sentiment_{name.lower()}": f"coalesce(c.user_sentiment = '{name}', false)::int"
        for name in SENTIMENTS
    },
}
AMOUNTS: Final = frozenset({"latency_ms", "p95_ms", "cost_cents"})  # the others are whole numbers

# Where the next band of durations begins, in seconds; a call's band is how many it reaches.
DURATION_BOUNDS_S: Final = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1800)
_BOUNDS_MS = ", ".join(str(1000 * bound) for bound in DURATION_BOUNDS_S)

# Column → (key, number) rows of one call `c`: what it is counted under, and how much it counts.
MAPS: Final = {
    "reasons": "SELECT c.disconnection_reason AS key, 1::numeric AS n"
    " WHERE c.disconnection_reason <> ''",
    "durations": f"SELECT width_bucket(c.duration_ms, ARRAY[{_BOUNDS_MS}]::bigint[])::text AS key,"
    " 1::numeric AS n WHERE c.duration_ms >= 0",
    # Only what looks like a cost line; anything may stand in its place.
    "products": """SELECT coalesce(line ->> 'product', '') AS key, (line ->> 'cost')::numeric AS n
        FROM jsonb_array_elements(CASE jsonb_typeof(c.cost -> 'product_costs')
            WHEN 'array' THEN c.cost -> 'product_costs' ELSE '[]' END) line
        WHERE jsonb_typeof(line -> 'cost') = 'number'""",
}


def measured() -> str:
    """`1 AS calls, …` of a call `c`."""
    return ", ".join(f"{expression} AS {name}" for name, expression in MEASURES.items())


def summed() -> str:
    """`sum(calls) AS calls, …` of rows with these columns, in the columns' types."""
    return ", ".join(
        f"coalesce(sum({name}), 0)::{'numeric' if name in AMOUNTS else 'bigint'} AS {name}"
        for name in MEASURES
    )
