"""Sums while calls are written and added up in the same moment."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Count, Sum

from analytics.rollup import adding, checking, reading
from analytics.rollup.reading import SLICE
from calls.actions import merge
from calls.merge import Rank, Source, StorageLevel
from calls.models import Call
from calls.reader import Reading
from calls.sql import CALLS
from config.periods import Period
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import World

SECONDS = 2.5
CALLS_MOVED = 5
DAYS = Period("", date(2026, 3, 1), date(2026, 3, 3), ZoneInfo("Asia/Kathmandu"))
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def move(organization: Organization, chance: random.Random, turn: int) -> None:
    """Each event says more of a call than those before, and another time."""
    source = Source("call_ended", Rank.CALL_ENDED, turn, 0, chance.randbytes(32))
    said = Reading(f"call_{chance.randrange(CALLS_MOVED)}", source, StorageLevel.EVERYTHING)
    said.put("started_at", START + timedelta(minutes=chance.randrange(1440)))
    said.put("duration_ms", chance.randrange(1, 10**6))
    merge(organization.schema_name, CALLS, said)


def compare() -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(calls, ms) of all and of each day: read, and counted, at one time."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        read = [*reading.sums(DAYS), *reading.sums(DAYS, by=(SLICE,))]
        counted = []
        for start, end in [(DAYS.start, DAYS.end)] + [(one.start, one.end) for one in DAYS.slices]:
            calls = Call.objects.filter(sort_at__gte=start, sort_at__lt=end)
            row = calls.aggregate(calls=Count("id"), ms=Sum("duration_ms", default=0))
            counted.append((row["calls"], row["ms"]))
    return (
        sorted((row["calls"], row["duration_ms"]) for row in read),
        sorted(row for row in counted if row[0]),
    )


def test_sums_are_exact_while_calls_move_and_are_added_up(committed: World) -> None:
    acme, end = committed.acme, monotonic() + SECONDS

    def repeat(work: Callable[[int], object]) -> int:
        turn = 0
        try:
            with organization_context(acme):
                while monotonic() < end:
                    turn += 1
                    work(turn)
        finally:
            connection.close()
        return turn

    def moving(seed: int) -> Callable[[int], None]:
        chance = random.Random(seed)
        return lambda turn: move(acme, chance, turn)

    def compared(turn: int) -> None:
        read, counted = compare()
        assert read == counted

    with organization_context(acme):
        move(acme, random.Random(0), 0)
    works = [moving(1), moving(2), moving(3), lambda _: adding.add_up("Asia/Kathmandu"), compared]
    with ThreadPoolExecutor(len(works)) as pool:
        turns = list(pool.map(repeat, works))
    assert min(turns) > 1
    with organization_context(acme):
        adding.add_up("Asia/Kathmandu")
        assert list(checking.differences()) == []
