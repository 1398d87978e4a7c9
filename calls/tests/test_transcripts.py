"""Rows of a transcript, and who spoke when."""

from __future__ import annotations

from typing import Any

import pytest

from calls.speech import BINS, speech_of
from calls.transcripts import Row, rows


def said(role: str, text: str, start: float, end: float, **more: Any) -> dict[str, Any]:
    words = [{"word": text, "start": start, "end": end}]
    return {"role": role, "content": text, "words": words, **more}


def row_of(*entries: dict[str, Any]) -> Row:
    return rows(list(entries))[-1]


def test_a_turn_begins_with_its_first_word() -> None:
    row = row_of(said("agent", "Hello", 0.62, 1.01))
    assert (row.at_ms, row.end_ms, row.speaker, row.tone) == (620, 1010, "Agent", "agent")


def test_the_other_side_is_called_as_the_page_says() -> None:
    assert [row.speaker for row in rows([{"role": "user"}, {"role": "agent"}], caller="Guest")] == [
        "Guest",
        "Agent",
    ]


def test_what_has_no_time_came_after_what_stands_before() -> None:
    row = row_of(said("agent", "Hello", 1, 3), {"role": "dtmf", "digit": "5"})
    assert (row.at_ms, row.is_estimated, row.text) == (3000, True, "Pressed 5")


def test_without_any_time_a_row_has_none() -> None:
    assert row_of({"role": "agent", "content": "Hello"}).at_ms is None


def test_a_tools_result_joins_its_invocation() -> None:
    row = row_of(
        {"role": "tool_call_invocation", "tool_call_id": "t", "name": "book", "time_sec": 2,
         "arguments": '{"day": 1}'},
        {"role": "tool_call_result", "tool_call_id": "t", "content": "ok", "successful": True,
         "time_sec": 2.4},
    )  # fmt: skip
    assert (row.name, row.result, row.successful, row.took_ms) == ("book", "ok", True, 400)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("normal", "A → B"), (None, "A → B"), ("global", "A → B (from anywhere)"),
     ("new_kind", "A → B (new_kind)")],
)  # fmt: skip
def test_a_step_says_how_the_flow_went_on(kind: str | None, shown: str) -> None:
    step = {"role": "node_transition", "former_node_name": "A", "new_node_name": "B"}
    assert row_of(step | {"transition_type": kind}).text == shown


def test_who_begins_before_the_other_ends_interrupts() -> None:
    first = said("agent", "We are open", 0, 5)
    assert row_of(first, said("user", "But", 3, 4)).marks == ["interrupts"]
    assert row_of(first, said("user", "But", 4.9, 6)).marks == []
    assert row_of(first, said("agent", "And", 3, 6)).marks == []


def test_retells_own_marks_are_shown() -> None:
    assert row_of(said("agent", "Wait", 0, 1, metadata={"interrupt_id": 1})).marks == ["interrupts"]
    assert row_of(said("user", "Mhm", 0, 1, metadata={"is_backchannel": True})).marks == [
        "in passing"
    ]


@pytest.mark.parametrize(
    "entry",
    [None, 5, "text", [], {}, {"role": 5}, {"role": "agent", "words": 5, "content": {"a": 1}},
     {"role": "agent", "words": [5, {}, {"start": "x"}, {"start": 3, "end": 1}]},
     {"role": "agent", "metadata": "x", "time_sec": True, "created_timestamp": 10**30}],
)  # fmt: skip
def test_odd_entries_break_nothing(entry: Any) -> None:
    assert len(rows([entry])) <= 1
    assert speech_of([entry], 1000) is None


def test_lanes_show_the_share_of_talk() -> None:
    speech = speech_of([said("agent", "a", 0, 5), said("user", "b", 5, 7.5)], 10_000)
    assert speech is not None
    assert speech.agent.share == pytest.approx(0.5)
    assert speech.caller.share == pytest.approx(0.25)
    assert speech.agent.path.count("M") == BINS / 2
    assert speech.agent.path.startswith("M0.5 30v-26")
    assert speech.caller.path.startswith("M80.5 30v26")


def test_long_pauses_can_be_skipped() -> None:
    speech = speech_of([said("agent", "a", 3, 5), said("user", "b", 6, 7)], 10_000)
    assert speech is not None
    assert speech.pauses == "0.0-3.0 7.0-10.0"


def test_pauses_are_unknown_while_an_utterance_has_no_times() -> None:
    speech = speech_of([said("agent", "a", 3, 5), {"role": "user", "content": "b"}], 10_000)
    assert speech is not None
    assert speech.pauses == ""


def test_words_after_the_end_stay_within_the_drawing() -> None:
    speech = speech_of([said("agent", "a", 0, 99)], 10_000)
    assert speech is not None
    assert speech.agent.share <= 1
    assert speech.agent.path.count("M") == BINS
