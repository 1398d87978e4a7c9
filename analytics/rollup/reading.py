"""Reads sums of calls between two times: exact, whatever was written a moment ago.

Whole days come from the sums by day; days with marks, or cut by an end, from those by quarter of
an hour; quarters with marks, or cut, from the calls. One statement sees all three and the marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from analytics.rollup.sums import (
    DIMENSIONS,
    MAPS,
    MEASURES,
    QUARTER,
    QUARTER_MINUTES,
    measured,
    quarter_of,
    quarters_of_days,
    summed,
)
from config.periods import Period, start_of_day

_NAMES = ", ".join(MEASURES)

# `marked`: quarters to be read from the calls. `open_day`: days to be read by quarter.
# Without a standing there are no sums yet; with one of another clock there are none by day.
_SOURCES = f"""
    WITH marked AS (
        SELECT DISTINCT {quarter_of("place.at")} AS at
        FROM calls_change m CROSS JOIN LATERAL (VALUES (m.at), (m.moved_from)) AS place(at)
        WHERE place.at >= %(first_quarter)s::timestamptz AND place.at < %(end)s::timestamptz
        UNION SELECT unnest(%(cut_quarters)s::timestamptz[])
        UNION SELECT generate_series(%(first_quarter)s::timestamptz,
                %(end)s::timestamptz - interval '1 microsecond', {QUARTER})
            WHERE NOT EXISTS (SELECT 1 FROM analytics_standing)
    ), open_day AS (
        SELECT (at AT TIME ZONE %(zone)s::text)::date AS day FROM marked
        UNION SELECT unnest(%(cut_days)s::date[])
        UNION SELECT unnest(%(days)s::date[])
            WHERE %(by_quarter)s::boolean OR NOT EXISTS (
                SELECT 1 FROM analytics_standing WHERE time_zone = %(zone)s::text)
    ), q AS (
        SELECT * FROM ({quarters_of_days("(SELECT day FROM open_day)")}) AS of_days
        WHERE at >= %(start)s::timestamptz AND at + {QUARTER} <= %(end)s::timestamptz
            AND NOT EXISTS (SELECT 1 FROM marked WHERE marked.at = of_days.at)
            AND (%(agents)s::text[] IS NULL OR agent_id = ANY (%(agents)s::text[]))
    ), d AS (
        SELECT * FROM analytics_day
        WHERE day >= %(first_day)s::date AND day <= %(last_day)s::date
            AND NOT EXISTS (SELECT 1 FROM open_day WHERE open_day.day = analytics_day.day)
            AND (%(agents)s::text[] IS NULL OR agent_id = ANY (%(agents)s::text[]))
    ), c AS (
        SELECT calls_call.* FROM marked CROSS JOIN LATERAL (
            SELECT sort_at, agent_id, is_billable, outcome_code, user_sentiment,
                disconnection_reason, duration_ms, latency_p50_ms, latency, cost, cost_cents
            FROM calls_call
            WHERE sort_at >= greatest(marked.at, %(start)s::timestamptz)
                AND sort_at < least(marked.at + {QUARTER}, %(end)s::timestamptz)
                AND (%(agents)s::text[] IS NULL OR agent_id = ANY (%(agents)s::text[]))
            OFFSET 0  -- quarter by quarter: never all calls, to be joined with the few marked ones
        ) AS calls_call
    )"""  # noqa: S608 - pieces of our own

_PARTS = f"""
    SELECT at, {DIMENSIONS}, {_NAMES} FROM d
    UNION ALL SELECT at, {DIMENSIONS}, {_NAMES} FROM q
    UNION ALL SELECT sort_at, {DIMENSIONS}, {measured()} FROM c"""  # noqa: S608

# A slice of a period by its number, from 1; whole days or smaller ones read by quarter.
SLICE = "width_bucket(at, %(slices)s::timestamptz[])"
AGENT = "agent_id"
BILLABLE = "is_billable"


def _parameters(
    period: Period, agents: Sequence[str] | None, *, by_quarter: bool = False
) -> dict[str, Any]:
    start, end, zone = period.start, period.end, period.zone
    is_cut = end != start_of_day(period.last_day + timedelta(days=1), zone)
    return {
        "start": start,
        "end": end,
        "zone": zone.key,
        "agents": None if agents is None else list(agents),
        "slices": [one.start for one in period.slices],
        "first_quarter": _floor(start),
        "cut_quarters": [_floor(edge) for edge in (start, end) if edge != _floor(edge)],
        "first_day": period.first_day,
        "last_day": period.last_day,
        "days": period.days,
        "cut_days": [period.last_day] if is_cut else [],
        "by_quarter": by_quarter,
    }


def _floor(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    minute = moment.minute - moment.minute % QUARTER_MINUTES
    return moment.replace(minute=minute, second=0, microsecond=0)


def sums(
    period: Period, *, agents: Sequence[str] | None = None, by: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """`MEASURES` of a period, of all agents or some, in groups of `SLICE`, `AGENT` or `BILLABLE`,
    which are `group_1` and so on. Without groups there is one row, also of no calls."""
    keys = "".join(f"{group} AS group_{at}, " for at, group in enumerate(by, start=1))
    grouping = ", ".join(str(at) for at, _ in enumerate(by, start=1))
    statement = f"{_SOURCES} SELECT {keys}{summed()} FROM ({_PARTS}) AS parts"  # noqa: S608
    if grouping:
        statement += f" GROUP BY {grouping}"
    # The slices of a single day are its hours.
    by_quarter = SLICE in by and len(period.days) == 1
    return _rows(statement, _parameters(period, agents, by_quarter=by_quarter))


def counts(
    name: str, period: Period, *, agents: Sequence[str] | None = None
) -> list[tuple[str, Decimal]]:
    """One of `MAPS` over a period: (key, number), the largest first."""
    stored = f"SELECT key, value::text::numeric AS n FROM {{}}, jsonb_each({name})"  # noqa: S608
    statement = f"""{_SOURCES}
        SELECT key, sum(n) AS n FROM (
            {stored.format("d")} UNION ALL {stored.format("q")}
            UNION ALL SELECT m.key, m.n FROM c CROSS JOIN LATERAL ({MAPS[name]}) AS m
        ) AS parts GROUP BY key ORDER BY n DESC, key"""  # noqa: S608
    rows = _rows(statement, _parameters(period, agents))
    return [(row["key"], row["n"]) for row in rows]


_HOURS_OF_WEEK = f"""{_SOURCES}
    SELECT weekday, hour, sum(calls)::bigint AS calls FROM (
        SELECT extract(isodow FROM d.day)::int AS weekday, key::int AS hour,
            value::text::bigint AS calls
        FROM d, jsonb_each(hours)
        UNION ALL
        SELECT extract(isodow FROM at AT TIME ZONE %(zone)s::text)::int,
            extract(hour FROM at AT TIME ZONE %(zone)s::text)::int, calls
        FROM (SELECT at, calls FROM q UNION ALL SELECT sort_at, 1 FROM c) AS pieces
    ) AS parts GROUP BY 1, 2"""  # noqa: S608


def hours_of_week(
    period: Period, *, agents: Sequence[str] | None = None
) -> list[tuple[int, int, int]]:
    """(weekday from 1 for Monday, local hour, calls)."""
    rows = _rows(_HOURS_OF_WEEK, _parameters(period, agents))
    return [(row["weekday"], row["hour"], row["calls"]) for row in rows]


def _rows(statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
