"""Values of any JSON shape, as pages show them."""

from __future__ import annotations

from typing import Any

import pytest

from calls.values import MAX_ITEMS, Value, fields_of, value_of


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [(True, "flag", "Yes"), (False, "flag", "No"), (4.5, "text", "4.5"), (0, "text", "0"),
     ("existing", "text", "existing"), (None, "none", ""), ("", "none", ""), ([], "none", "")],
)  # fmt: skip
def test_a_value_is_shown_by_its_type(value: Any, kind: str, text: str) -> None:
    shown = value_of(value)
    assert (shown.kind, shown.text) == (kind, text)


def test_names_are_readable() -> None:
    assert fields_of({"follow_up_needed": 1, "": 2, "ÜberID": 3}) == [
        ("Follow up needed", Value("text", "1")),
        ("—", Value("text", "2")),
        ("ÜberID", Value("text", "3")),
    ]


def test_nested_values_are_lists_down_to_a_depth() -> None:
    value: Any = "deep"
    for _ in range(500):
        value = [value]
    shown = value_of(value)
    while shown.items:
        shown = shown.items[0]
    assert shown.kind == "text"
    assert shown.text.count("[") == 496


def test_long_lists_say_what_they_leave_out() -> None:
    shown = value_of(list(range(MAX_ITEMS + 20)))
    assert (len(shown.items), shown.left_out) == (MAX_ITEMS, 20)
