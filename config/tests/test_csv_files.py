"""CSV files that no spreadsheet runs anything of."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.csv_files import Cell, csv_lines, csv_response, safe_cell

FORMULAS = ["=1+1", "+15550142", "@SUM(A1)", "-1+cmd|' /C calc'!A0", "\t=1", "\r=1", "\n=1", "＝1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_would_be_a_formula_becomes_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (-12.5, -12.5),
        (Decimal("-0.10"), Decimal("-0.10")),
        ("-12.5", "-12.5"),
        ("a = b", "a = b"),
        (None, ""),
        (True, "yes"),
        ("é—", "é—"),
    ],
)
def test_everything_else_stays_what_it_is(value: Cell, cell: object) -> None:
    assert safe_cell(value) == cell


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), min_size=1))
def test_a_row_is_read_back_as_written_but_for_apostrophes(row: list[str]) -> None:
    (line,) = csv_lines([row])
    (read,) = csv.reader(io.StringIO(line, newline=""))
    assert [cell.removeprefix("'") for cell in read] == [cell.removeprefix("'") for cell in row]
    assert not any(cell.startswith(tuple("=+@\t\r\n")) for cell in read)


def test_a_semicolon_in_a_text_begins_no_cell() -> None:
    (line,) = csv_lines([["a;=1+1", 3]])
    assert line == '"a;=1+1",3\r\n'


def test_a_download_is_utf_8_with_its_mark_and_kept_nowhere() -> None:
    response = csv_response("a.csv", [[["é", "half \ud800"]], [[1]]])
    assert response.getvalue() == b'\xef\xbb\xbf"\xc3\xa9","half ?"\r\n1\r\n'
    assert response.headers["Content-Disposition"] == 'attachment; filename="a.csv"'
    assert response.headers["Cache-Control"] == "no-store"
