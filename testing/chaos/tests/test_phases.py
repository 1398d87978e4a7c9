"""What a row of the table calls wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from testing.chaos.book import NO_ANSWER, TIMED_OUT, Attempt
from testing.chaos.faults import Fault, Strike
from testing.chaos.oracle import Findings
from testing.chaos.phases import Phase
from testing.chaos.table import as_table

FAULT = Fault("a fault", lambda _world: Strike(), excused=frozenset({503}))


def phase(
    found: Findings | None = None, *, fault: Fault = FAULT, strike: Strike | None = None
) -> Phase:
    found = found or Findings(answers=Counter({204: 9}))
    attempts = [Attempt("maple", "00", 10, 16, 204)]
    return Phase(fault, strike or Strike(), [], attempts, found)


def answered(**of: int) -> Findings:
    return Findings(answers=Counter({int(status[1:]): times for status, times in of.items()}))


def test_a_row_without_anything_wrong_is_held() -> None:
    assert phase(answered(_204=9, _200=1, _503=3)).problems(strict=True) == []
    assert "| held " in as_table([phase()], strict=True)


def test_an_answer_that_the_fault_does_not_excuse_is_wrong() -> None:
    found = answered(_204=9, _500=2, _0=1)
    assert phase(found).problems() == ["1 x none", "2 x 500"]


def test_a_timeout_is_wrong_in_a_full_run_only() -> None:
    found = Findings(answers=Counter({204: 9, TIMED_OUT: 2}))
    assert phase(found).problems() == []
    assert phase(found).problems(strict=True) == ["2 x timeout"]


def test_a_503_must_say_when_to_come_again() -> None:
    found = replace(answered(_503=3), hasty=2)
    assert phase(found).problems() == ["2 x 503 without Retry-After"]


def test_a_fault_that_did_nothing_is_wrong() -> None:
    fault = replace(FAULT, wanted=frozenset({503, NO_ANSWER}))
    assert sorted(phase(answered(_204=9), fault=fault).problems()) == [
        "never answered 503: the fault missed",
        "never answered none: the fault missed",
    ]


def test_each_kind_of_wrong_row_is_named() -> None:
    found = Findings(lost=[("maple", "a")] * 5, misbilled=[("maple", "call_1")])
    assert phase(found).problems() == [
        "5 lost (maple a, maple a, maple a)",
        "1 billed wrongly (maple call_1)",
    ]


def test_a_late_recovery_is_wrong_in_a_full_run_only() -> None:
    late = phase(fault=replace(FAULT, bar_seconds=5), strike=Strike(healed_at=10))
    assert late.problems() == []
    assert late.problems(strict=True) == ["not well within 5 s"]
