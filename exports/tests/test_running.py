"""Making files: interrupted, cancelled, taken over, expired; and that nothing tears them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from calls.models import Call
from calls.selection import Selection
from exports import actions, batches, files
from exports.files import FileWriter, Superseded
from exports.models import Chunk, Export, Format
from exports.tests.helpers import START, asked, content, made, make_call, make_calls, run, table
from exports.totals import Totals
from jobs import actions as jobs
from jobs.models import Job, JobState
from tenants.models import Organization
from testing.fixtures import World
from testing.retell import against_database, undone


class KilledWorker(BaseException):
    """As SIGKILL leaves it: nothing is tidied up."""


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SAVE_EVERY_SECONDS", 0)
    monkeypatch.setattr("exports.batches.ROWS", 3)


def at_batch(number: int, do: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something just before the batch of this number is stored."""
    read, seen = batches.csv_batches, []

    def counted(*args: Any) -> Any:
        for batch in read(*args):
            seen.append(batch)
            if len(seen) == number:
                do()
            yield batch

    monkeypatch.setattr(batches, "csv_batches", counted)


def killed(organization: Organization, export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    def die() -> None:
        raise KilledWorker

    with monkeypatch.context() as patch:
        at_batch(3, die, patch)
        with pytest.raises(KilledWorker):
            jobs.run(organization, export.job_id)
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))


def test_after_a_killed_worker_another_goes_on_where_it_was(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_calls(10)
    undisturbed = content(made(in_acme, world.people.alice)).decode()
    export = asked(in_acme, world.people.alice)
    killed(in_acme, export, monkeypatch)
    first_parts = list(Chunk.objects.filter(export=export).values_list("pk", flat=True))
    export = run(in_acme, export)
    assert export.job.state == JobState.DONE
    assert Chunk.objects.filter(pk__in=first_parts).count() == len(first_parts) == 3
    calls = undisturbed.partition("# Asked for")[0]
    assert content(export).decode().partition("# Asked for")[0] == calls


def test_the_hash_is_of_the_whole_file_after_an_interruption(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_calls(10)
    export = asked(in_acme, world.people.alice)
    killed(in_acme, export, monkeypatch)
    export = run(in_acme, export)
    assert export.sha256 == hashlib.sha256(content(export)).hexdigest()
    assert export.size_bytes == len(content(export))


@pytest.mark.parametrize("format_", [Format.XLSX, Format.PDF])
def test_a_compressed_file_is_begun_anew(
    world: World, in_acme: Organization, format_: Format
) -> None:
    make_calls(2)
    export = asked(in_acme, world.people.alice, format=format_, codes=["started", "cost"])
    FileWriter(export).append(b"the beginning of another run")
    export.refresh_from_db()
    export = run(in_acme, export)
    assert (export.job.state, export.rows, export.job.done) == (JobState.DONE, 2, 2)
    assert content(export)[:2] in (b"PK", b"%P")


def test_a_cancelled_one_leaves_nothing(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_calls(10)
    export = asked(in_acme, world.people.alice)
    at_batch(2, lambda: jobs.cancel(Job.objects.get(pk=export.job_id)), monkeypatch)
    export = run(in_acme, export)
    assert export.status == "cancelled"
    assert not Chunk.objects.exists()


def test_a_worker_that_was_taken_for_dead_stops(world: World, in_acme: Organization) -> None:
    make_calls(1)
    export = asked(in_acme, world.people.alice)
    slow = FileWriter(export)
    FileWriter(export)
    with pytest.raises(Superseded):
        slow.append(b"late")
    assert not Chunk.objects.exists()


def test_what_comes_in_after_asking_is_left_out(world: World, in_acme: Organization) -> None:
    make_calls(4)
    export = asked(in_acme, world.people.alice)
    make_call(99, started_at=START - timedelta(days=1))
    _, calls, _ = table(run(in_acme, export))
    assert sorted(row[1] for row in calls) == [f"call_{number}" for number in range(4)]


def test_a_call_that_moves_in_time_meanwhile_stands_there_once(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_calls(6)
    moving = make_call(50, started_at=None, status="ongoing")  # first, as it was seen just now
    export = asked(in_acme, world.people.alice)

    def begin() -> None:
        Call.objects.filter(pk=moving.pk).update(started_at=START - timedelta(days=1))

    at_batch(2, begin, monkeypatch)
    export = run(in_acme, export)
    _, calls, _ = table(export)
    assert [row[1] for row in calls].count("call_50") == 1
    assert export.rows == len(calls) == 7


def test_a_change_meanwhile_leaves_rows_and_totals_the_same_thing(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_calls(9)
    at_batch(2, lambda: Call.objects.update(cost_cents=Decimal(100)), monkeypatch)
    export = made(in_acme, world.people.alice, codes=["call_id", "cost"])
    _, calls, foot = table(export)
    assert sum(Decimal(row[1]) for row in calls) == Decimal(foot[0][1])


CALLS = st.fixed_dictionaries(
    {
        "direction": st.sampled_from(["inbound", "outbound", None]),
        "duration_ms": st.none() | st.integers(0, 7_200_000),
        "cost_cents": st.none() | st.decimals(0, 10_000, places=6),
        "call_successful": st.sampled_from([True, False, None]),
        "billable_override": st.sampled_from([True, False, None]),
        "status": st.sampled_from(["ended", "ongoing", "error", "not_connected"]),
        "started_at": st.none() | st.integers(0, 5).map(lambda n: START + timedelta(hours=n)),
    }
)
VALUES = ["inbound", "outbound", "revenue", "test", "successful", "error"]
FILTERS = st.dictionaries(
    st.sampled_from(["direction", "revenue", "outcome"]), st.sampled_from(VALUES), max_size=2
)


@against_database
@given(calls=st.lists(CALLS, max_size=9), filters=FILTERS)
def test_rows_and_totals_are_those_of_the_screen(
    world: World, in_acme: Organization, calls: list[dict[str, Any]], filters: dict[str, str]
) -> None:
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    selection = Selection.from_query(query, organization=in_acme, sees_personal_data=True)
    if not selection.is_understood:
        return
    with undone():
        for number, values in enumerate(calls):
            make_call(number, **values)
        listed = [call.retell_call_id for call in selection.calls()]
        screen = selection.totals()
        export = made(in_acme, world.people.alice, query, codes=["call_id", "duration_ms", "cost"])
        _, rows, foot = table(export)
        found = Totals.from_stored(export.totals)
    assert [row[0] for row in rows] == listed
    assert (found.calls, found.duration_ms, found.cost_cents) == (
        screen.calls, screen.duration_ms, screen.cost_cents,
    )  # fmt: skip
    assert foot[0][1] == str(screen.duration_ms)
    assert Decimal(foot[0][2]) * 100 == screen.cost_cents


def test_a_filter_that_means_nothing_any_more_makes_no_file(
    world: World, in_acme: Organization
) -> None:
    make_calls(1)
    export = asked(in_acme, world.people.alice)
    Export.objects.update(query="agent=00000000-0000-0000-0000-000000000000")
    export = run(in_acme, export)
    assert export.status == "failed"
    assert "cannot be read any more" in export.job.message


def test_files_go_after_a_week_and_their_rows_after_a_month(
    world: World, in_acme: Organization
) -> None:
    make_calls(1)
    export = made(in_acme, world.people.alice)
    assert export.finished_at is not None
    assert export.expires_at - export.finished_at == timedelta(days=7)
    assert actions.remove_expired() == 0
    Export.objects.update(expires_at=timezone.now())
    assert actions.remove_expired() == 1
    assert not Chunk.objects.exists()
    assert Export.objects.get().status == "expired"
    Export.objects.update(removed_at=timezone.now() - timedelta(days=31))
    actions.remove_expired()
    assert not Export.objects.exists()


def test_a_file_that_lost_a_part_ends_early_instead_of_lying(
    world: World, in_acme: Organization
) -> None:
    make_calls(10)
    export = made(in_acme, world.people.alice)
    Chunk.objects.filter(export=export).order_by("-start")[:1].get().delete()
    assert len(b"".join(files.stored(export.pk, 0, export.size_bytes))) < export.size_bytes
