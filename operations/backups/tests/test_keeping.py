"""Which backups are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from operations.backups import keeping, storage
from operations.backups.keeping import Kept, superfluous
from operations.backups.models import Backup
from operations.backups.tests.conftest import run
from tenants.scope import platform
from testing.fixtures import World

START = datetime(2026, 1, 1, 2, 30, tzinfo=UTC)
COUNTS = st.integers(min_value=1, max_value=12)


@st.composite
def series(draw: st.DrawFn) -> list[Kept]:
    hours = draw(st.lists(st.integers(0, 24 * 500), unique=True, max_size=60))
    return [
        Kept(UUID(int=number), START + timedelta(hours=hour), draw(st.booleans()))
        for number, hour in enumerate(hours)
    ]


@given(series(), COUNTS, COUNTS, COUNTS)
def test_the_newest_and_the_newest_proven_always_stay(
    backups: list[Kept], daily: int, weekly: int, monthly: int
) -> None:
    gone = superfluous(backups, daily=daily, weekly=weekly, monthly=monthly)
    if backups:
        assert max(backups, key=lambda b: b.at).id not in gone
    proven = [backup for backup in backups if backup.is_proven]
    if proven:
        assert max(proven, key=lambda b: b.at).id not in gone


@given(series(), COUNTS, COUNTS, COUNTS)
def test_doing_it_again_removes_nothing_more(
    backups: list[Kept], daily: int, weekly: int, monthly: int
) -> None:
    gone = superfluous(backups, daily=daily, weekly=weekly, monthly=monthly)
    left = [backup for backup in backups if backup.id not in gone]
    assert superfluous(left, daily=daily, weekly=weekly, monthly=monthly) == set()


@given(series(), COUNTS, COUNTS, COUNTS)
def test_no_more_are_kept_than_asked_for(
    backups: list[Kept], daily: int, weekly: int, monthly: int
) -> None:
    gone = superfluous(backups, daily=daily, weekly=weekly, monthly=monthly)
    newest = max((backup.at for backup in backups), default=START)
    last_day = [backup for backup in backups if newest - backup.at < keeping.LAST_DAY]
    assert len(backups) - len(gone) <= len(last_day) + daily + weekly + monthly + 1


def test_a_year_of_days_leaves_days_weeks_and_months() -> None:
    backups = [Kept(UUID(int=day), START + timedelta(days=day), False) for day in range(365)]
    gone = superfluous(backups, daily=7, weekly=5, monthly=12)
    kept = [backup.at.date() for backup in backups if backup.id not in gone]
    assert kept[-7:] == [(START + timedelta(days=day)).date() for day in range(358, 365)]
    assert len({(day.year, day.month) for day in kept}) == 12
    assert len(kept) <= 7 + 5 + 12


def test_old_backups_go_with_the_next_one_and_their_rows_stay(
    filled: World, store: Path, settings: Any
) -> None:
    settings.BACKUP_KEEP_DAILY = settings.BACKUP_KEEP_WEEKLY = settings.BACKUP_KEEP_MONTHLY = 1
    old = run("backup")["name"]
    long_ago = timezone.now() - timedelta(days=60)
    with platform():
        Backup.objects.filter(name=old).update(snapshot_at=long_ago)
    new = run("backup")["name"]
    assert storage.names() == [new]
    with platform():
        assert Backup.objects.get(name=old).state == "removed"


def test_the_last_proven_one_outlives_newer_ones_that_were_not(
    filled: World, settings: Any
) -> None:
    settings.BACKUP_KEEP_DAILY = settings.BACKUP_KEEP_WEEKLY = settings.BACKUP_KEEP_MONTHLY = 1
    old = run("backup")["name"]
    with platform():
        Backup.objects.filter(name=old).update(
            snapshot_at=timezone.now() - timedelta(days=60), proof_state="proven"
        )
    run("backup")
    assert old in storage.names()
    assert keeping.clean_up(None) == 0
