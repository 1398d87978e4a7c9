"""When messages are tried again; over all times, without waiting for any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from notices import schedule

NOW = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)
times = st.timedeltas(timedelta(0), timedelta(days=30_000)).map(lambda passed: NOW + passed)
chances = st.floats(0, 1)


def test_the_delays_are_those_of_the_specification() -> None:
    hours = [delay / timedelta(hours=1) for delay in schedule.RETRY_DELAYS]
    assert hours == [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 10]


@given(at=times, tries=st.integers(1, schedule.TRIES - 1), chance=chances)
def test_a_failed_try_is_followed_by_one_in_its_window(
    at: datetime, tries: int, chance: float
) -> None:
    delay = schedule.RETRY_DELAYS[tries - 1]
    found = schedule.next_try(tries, at, chance)
    assert found is not None
    assert at + delay <= found <= at + delay * (1 + schedule.JITTER)


@given(at=times, chance=chances)
def test_tries_end_and_take_between_one_and_two_days(at: datetime, chance: float) -> None:
    tries, moment = 1, at
    while (following := schedule.next_try(tries, moment, chance)) is not None:
        assert following > moment
        tries, moment = tries + 1, following
    assert tries == 8
    assert timedelta(hours=27) < moment - at < timedelta(hours=31)


@given(at=times, tries=st.integers(schedule.TRIES))
def test_after_the_last_there_is_none(at: datetime, tries: int) -> None:
    assert schedule.next_try(tries, at) is None


@given(failures=st.integers(0, 10_000))
def test_pauses_grow_and_stay_bounded(failures: int) -> None:
    until = schedule.paused_until(failures, NOW)
    if failures < schedule.BREAKS_AFTER:
        assert until is None
    else:
        assert until is not None
        assert schedule.FIRST_PAUSE <= until - NOW <= schedule.LONGEST_PAUSE
        following = schedule.paused_until(failures + 1, NOW)
        assert following is not None
        assert following >= until


@given(failing=st.timedeltas(timedelta(0), timedelta(days=30)))
def test_five_days_of_failure_are_the_end(failing: timedelta) -> None:
    assert schedule.is_hopeless(NOW - failing, NOW) == (failing >= timedelta(days=5))
