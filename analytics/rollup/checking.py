"""Compares the sums with the calls, a few days at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from analytics.models import Standing
from analytics.rollup.adding import DAY_COLUMNS, DAYS, QUARTER_COLUMNS, QUARTERS
from analytics.rollup.sums import QUARTER, quarter_of

AT_ONCE = timedelta(days=3)

# Quarters with marks are read from the calls, so what is kept of them does not matter.
_UNMARKED = f"""
    NOT EXISTS (SELECT 1 FROM calls_change m WHERE {quarter_of("m.at")} = row.at
        OR {quarter_of("m.moved_from")} = row.at)"""  # noqa: S608 - pieces of our own
_DIFFERENT = """
    SELECT DISTINCT row.at FROM (
        (SELECT {columns} FROM {table} WHERE {where} EXCEPT ALL SELECT {columns} FROM fresh)
        UNION ALL
        (SELECT {columns} FROM fresh EXCEPT ALL SELECT {columns} FROM {table} WHERE {where})
    ) AS row WHERE {unmarked} ORDER BY 1"""
_QUARTERS = f"WITH fresh AS ({QUARTERS})" + _DIFFERENT.format(
    columns=QUARTER_COLUMNS,
    table="analytics_quarter",
    where="at = ANY (%(quarters)s::timestamptz[])",
    unmarked=_UNMARKED,
)
_DAYS = f"WITH fresh AS ({DAYS})" + _DIFFERENT.format(
    columns=DAY_COLUMNS,
    table="analytics_day",
    where="day = ANY (%(days)s::date[])",
    unmarked="true",
)
_ENDS = """
    SELECT least((SELECT min(sort_at) FROM calls_call), (SELECT min(at) FROM analytics_quarter)),
        greatest((SELECT max(sort_at) FROM calls_call), (SELECT max(at) FROM analytics_quarter))"""
_SERIES = f"""
    SELECT generate_series({quarter_of("%(start)s::timestamptz")}, %(end)s::timestamptz, {QUARTER})
"""
_KEPT_DAYS = """
    SELECT DISTINCT day FROM (SELECT day FROM analytics_day UNION SELECT
        (at AT TIME ZONE %(zone)s::text)::date FROM analytics_quarter) AS known ORDER BY 1"""


def differences() -> Iterator[datetime]:
    """Quarters and days whose sums are not those of their calls, inside the organization's
    context; nothing while there are no sums yet."""
    standing = Standing.objects.filter(pk=1).first()
    if standing is None:
        return
    yield from _of_quarters()
    days = _values(_KEPT_DAYS, zone=standing.time_zone)
    for at in range(0, len(days), AT_ONCE.days):
        some = days[at : at + AT_ONCE.days]
        yield from _values(_DAYS, days=some, zone=standing.time_zone)


def _of_quarters() -> Iterator[datetime]:
    with connection.cursor() as cursor:
        cursor.execute(_ENDS)
        first, last = cursor.fetchone()
    while first is not None and first <= last:
        quarters = _values(_SERIES, start=first, end=min(first + AT_ONCE, last))
        yield from _values(_QUARTERS, quarters=quarters)
        first += AT_ONCE


def _values(statement: str, **parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [value for (value,) in cursor.fetchall()]
