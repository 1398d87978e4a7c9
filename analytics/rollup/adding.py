"""Keeps the sums: adds up again whatever calls were written, as their marks tell.

Marks are taken away first and the calls read after that. What commits in between is added up too
early at worst, and its mark stays; so sums without a mark are always those of the calls.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from analytics.models import Day, Quarter, Standing
from analytics.rollup.sums import (
    DIMENSIONS,
    MAPS,
    MEASURES,
    QUARTER,
    measured,
    quarter_of,
    quarters_of_days,
    summed,
)
from calls import news

# Quarters of an hour that one transaction adds up: a quarter of a busy organization has thousands
# of calls, and statements of the application have half a minute.
QUARTERS_AT_ONCE = 96
MOST_ROUNDS = 400

_NAMES = ", ".join(MEASURES)
QUARTER_COLUMNS = f"at, {DIMENSIONS}, {_NAMES}, {', '.join(MAPS)}"
DAY_COLUMNS = f"day, {QUARTER_COLUMNS}, hours"
_NOTHING = ", ".join("0" for _ in MEASURES)
_AGGREGATED = ", ".join(
    f"coalesce(jsonb_object_agg(key, n) FILTER (WHERE map = '{name}'), '{{}}') AS {name}"
    for name in MAPS
)
_HOURS = "coalesce(jsonb_object_agg(key, n) FILTER (WHERE map = 'hours'), '{}') AS hours"

# Newest first: people look at these. Both ends of a move are added up together.
_CHOOSE = f"""
    SELECT DISTINCT {quarter_of("at")}, {quarter_of("moved_from")} FROM calls_change
    ORDER BY 1 DESC LIMIT %(limit)s"""  # noqa: S608 - pieces of our own
_TAKE_MARKS = f"""
    DELETE FROM calls_change WHERE {quarter_of("at")} = ANY (%(quarters)s::timestamptz[])
    AND (moved_from IS NULL OR {quarter_of("moved_from")} = ANY (%(quarters)s::timestamptz[]))
"""  # noqa: S608
# The same, and which calls they were of.
_TAKE_MARKED_CALLS = f"""
    WITH taken AS ({_TAKE_MARKS} RETURNING call_id)
    SELECT DISTINCT call_id FROM taken WHERE call_id IS NOT NULL"""  # noqa: S608
_CALL_MAPS = " UNION ALL ".join(
    f"SELECT '{name}' AS map, key, n FROM ({select}) AS {name}"  # noqa: S608
    for name, select in MAPS.items()
)
# What the quarters come to, from the calls.
QUARTERS = f"""
    WITH c AS MATERIALIZED (
        SELECT quarter.at, c.* FROM unnest(%(quarters)s::timestamptz[]) AS quarter(at)
        CROSS JOIN LATERAL (
            SELECT agent_id, is_billable, outcome_code, user_sentiment, disconnection_reason,
                duration_ms, latency_p50_ms, latency, cost, cost_cents
            FROM calls_call
            WHERE sort_at >= quarter.at AND sort_at < quarter.at + {QUARTER} OFFSET 0) c)
    SELECT {QUARTER_COLUMNS} FROM (
        SELECT at, {DIMENSIONS}, {summed()}, {_AGGREGATED} FROM (
            SELECT at, {DIMENSIONS}, {measured()}, NULL AS map, NULL AS key, NULL::numeric AS n
            FROM c
            UNION ALL
            SELECT at, {DIMENSIONS}, {_NOTHING}, map, key, sum(n)
            FROM c CROSS JOIN LATERAL ({_CALL_MAPS}) AS counted GROUP BY at, {DIMENSIONS}, map, key
        ) AS parts GROUP BY at, {DIMENSIONS}) AS added_up"""  # noqa: S608
_ADD_QUARTERS = f"INSERT INTO analytics_quarter ({QUARTER_COLUMNS}) {QUARTERS}"

_DAY_MAPS = " UNION ALL ".join(
    f"SELECT '{name}' AS map, key, value::text::numeric AS n FROM jsonb_each({name})"  # noqa: S608
    for name in MAPS
)
_LOCAL = "(at AT TIME ZONE %(zone)s::text)"
# What the days come to, from the quarters.
DAYS = f"""
    WITH q AS ({quarters_of_days("unnest(%(days)s::date[])")})
    SELECT {DAY_COLUMNS} FROM (
        SELECT day, min(at) AS at, {DIMENSIONS}, {summed()}, {_AGGREGATED}, {_HOURS} FROM (
            SELECT day, at, {DIMENSIONS}, {_NAMES}, NULL AS map, NULL AS key, NULL::numeric AS n
            FROM q
            UNION ALL
            SELECT day, min(at), {DIMENSIONS}, {_NOTHING}, map, key, sum(n)
            FROM q CROSS JOIN LATERAL (
                {_DAY_MAPS} UNION ALL SELECT 'hours', extract(hour FROM {_LOCAL})::int::text, calls
            ) AS counted GROUP BY day, {DIMENSIONS}, map, key
        ) AS parts GROUP BY day, {DIMENSIONS}) AS added_up"""  # noqa: S608
_ADD_DAYS = f"INSERT INTO analytics_day ({DAY_COLUMNS}) {DAYS}"
_DAYS_OF = f"SELECT DISTINCT {_LOCAL}::date FROM unnest(%(quarters)s::timestamptz[]) AS q(at)"  # noqa: S608
_ALL_DAYS = f"SELECT DISTINCT {_LOCAL}::date FROM analytics_quarter"  # noqa: S608
# From one quarter with calls to the next, by the index: millions of calls stand in a few thousand.
_MARK_ALL = f"""
    INSERT INTO calls_change (at)
    WITH RECURSIVE busy(at) AS (
        SELECT {quarter_of("min(sort_at)")} FROM calls_call
        UNION ALL
        SELECT (SELECT {quarter_of("min(sort_at)")} FROM calls_call
            WHERE sort_at >= busy.at + {QUARTER})
        FROM busy WHERE busy.at IS NOT NULL)
    SELECT at FROM busy WHERE at IS NOT NULL UNION SELECT at FROM analytics_quarter"""  # noqa: S608


def add_up(zone: str) -> int:
    """Add up what is marked, inside the organization's context; how many quarters that were.

    `zone`: whose days they are. When it is another one than before, all days are made anew.
    """
    _begin(zone)
    done = 0
    for _ in range(MOST_ROUNDS):
        if not _is_any_marked():
            break
        quarters, is_all = _add_up_some(zone)
        done += quarters
        if is_all:  # what was marked meanwhile waits for the next time, or this would never end
            break
    return done


def mark_all() -> None:
    """Have every call added up again."""
    _execute(_MARK_ALL)


def _begin(zone: str) -> None:
    standing = Standing.objects.filter(pk=1).first()
    if standing is not None and standing.time_zone == zone:
        return
    with transaction.atomic():
        _alone()
        if standing is None:
            mark_all()
        Day.objects.all().delete()
        _add_days([day for (day,) in _rows(_ALL_DAYS, zone=zone)], zone)
        Standing.objects.update_or_create(
            pk=1, defaults={"time_zone": zone, "built_at": timezone.now()}
        )


def _alone() -> None:
    """Wait for other jobs that add up here: one that read earlier must not write later."""
    _execute(
        "SELECT pg_advisory_xact_lock(hashtext('analytics.rollup'), hashtext(current_schema()))"
    )


def _is_any_marked() -> bool:
    return bool(_rows("SELECT EXISTS (SELECT 1 FROM calls_change)")[0][0])


def _add_up_some(zone: str) -> tuple[int, bool]:
    """One transaction's worth of marks: how many quarters, and whether those were all."""
    with transaction.atomic():
        _alone()
        pairs = _rows(_CHOOSE, limit=QUARTERS_AT_ONCE)
        quarters = sorted({at for pair in pairs for at in pair if at is not None})
        _take_marks(quarters)
        Quarter.objects.filter(at__in=quarters).delete()
        _execute(_ADD_QUARTERS, quarters=quarters)
        days = [day for (day,) in _rows(_DAYS_OF, quarters=quarters, zone=zone)]
        Day.objects.filter(day__in=days).delete()
        _add_days(days, zone)
    return len(quarters), len(pairs) < QUARTERS_AT_ONCE


def _take_marks(quarters: list[datetime]) -> None:
    """Marks are taken here only, so this passes on which calls were written."""
    if news.is_wanted():
        news.note_written([pk for (pk,) in _rows(_TAKE_MARKED_CALLS, quarters=quarters)])
    else:
        _execute(_TAKE_MARKS, quarters=quarters)


def _add_days(days: list[date], zone: str) -> None:
    if days:
        _execute(_ADD_DAYS, days=days, zone=zone)


def _execute(statement: str, **parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
