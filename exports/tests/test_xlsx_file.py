"""Spreadsheets: what kind of cell holds what, and that no text becomes a formula."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from xml.etree import ElementTree

import pytest

from exports.models import Export, Format
from exports.tests.helpers import content, made, make_call, make_calls
from exports.xlsx_file import CELL_CHARACTERS
from tenants.models import Organization
from testing.fixtures import World

NAMES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


class Workbook:
    """Just enough of a reader: cells as (kind, text), sheet by sheet."""

    def __init__(self, export: Export) -> None:
        self.archive = zipfile.ZipFile(io.BytesIO(content(export)))
        root = self._read("xl/workbook.xml")
        self.sheets = [sheet.attrib["name"] for sheet in root.iterfind(".//m:sheet", NAMES)]

    def _read(self, name: str) -> ElementTree.Element:
        return ElementTree.fromstring(self.archive.read(name))  # noqa: S314 - our own file

    def rows(self, number: int = 1) -> list[dict[str, tuple[str, str]]]:
        sheet = self._read(f"xl/worksheets/sheet{number}.xml")
        return [dict(self._cells(row)) for row in sheet.iterfind(".//m:row", NAMES)]

    def _cells(self, row: ElementTree.Element) -> Iterator[tuple[str, tuple[str, str]]]:
        for cell in row.iterfind("m:c", NAMES):
            assert cell.find("m:f", NAMES) is None, "a formula"
            place = re.sub(r"\d", "", cell.attrib["r"])
            text = "".join(cell.itertext())
            yield place, (cell.attrib.get("t", "n"), text)

    def text(self, name: str) -> str:
        return self.archive.read(name).decode()


def book(organization: Organization, world: World, codes: list[str]) -> Workbook:
    return Workbook(made(organization, world.people.alice, format=Format.XLSX, codes=codes))


def test_numbers_and_times_are_numbers(world: World, in_acme: Organization) -> None:
    make_calls(1)
    rows = book(in_acme, world, ["started", "duration", "cost", "duration_ms"]).rows()
    kinds = {place: kind for place, (kind, _) in rows[1].items()}
    assert kinds == {"A": "n", "B": "n", "C": "n", "D": "n"}
    assert [float(rows[1][place][1]) for place in "BCD"] == [61.5, 0.12345, 61500]
    day = datetime(1899, 12, 30) + timedelta(days=float(rows[1]["A"][1]))  # noqa: DTZ001
    assert abs(day - datetime(2026, 11, 1, 0, 30)) < timedelta(seconds=1)  # noqa: DTZ001


def test_words_are_those_of_the_page(world: World, in_acme: Organization) -> None:
    make_calls(1)
    rows = book(in_acme, world, ["agent", "direction", "outcome", "ended_by", "revenue"]).rows()
    assert [rows[1][place][1] for place in "ABCDE"] == [
        "Front desk", "Inbound", "Successful", "Caller hung up", "Revenue",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["=1+1", "+15550142", "@SUM(A1)", "https://example.com", "007", "{=1}", "<b>&amp;"]
)
def test_text_stays_text(world: World, in_acme: Organization, text: str) -> None:
    make_call(agent_id=None, disconnection_reason=text)
    opened = book(in_acme, world, ["ended_by"])
    kind, shown = opened.rows()[1]["A"]
    assert (kind in ("inlineStr", "s"), shown) == (True, text)
    assert not any("hyperlinks" in name for name in opened.archive.namelist())


def test_the_totals_stand_under_their_columns(world: World, in_acme: Organization) -> None:
    make_calls(3)
    last = book(in_acme, world, ["call_id", "duration_ms", "cost"]).rows()[-1]
    assert last["A"][1] == "Total"
    assert [float(last[place][1]) for place in "BC"] == [184500, 0.37035]


def test_a_sheet_says_what_the_file_is(world: World, in_acme: Organization) -> None:
    make_calls(2)
    opened = book(in_acme, world, ["call_id"])
    assert opened.sheets == ["Calls", "About"]
    about = {row["A"][1]: row["B"][1] for row in opened.rows(2)}
    assert about["Time zone"] == "America/New_York"
    assert about["Filter"] == "none: every call"
    assert about["Calls"] == "2"
    assert "Complete up to" in about


def test_the_headings_stay_in_sight(world: World, in_acme: Organization) -> None:
    make_calls(1)
    assert 'state="frozen"' in book(in_acme, world, ["call_id"]).text("xl/worksheets/sheet1.xml")


def test_more_calls_than_a_sheet_holds_go_on_in_the_next(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exports.xlsx_file.SHEET_ROWS", 2)
    make_calls(5)
    opened = book(in_acme, world, ["call_id"])
    assert opened.sheets == ["Calls", "Calls 2", "Calls 3", "About"]
    found = [row["A"][1] for number in (1, 2, 3) for row in opened.rows(number)[1:]]
    assert found == [f"call_{number}" for number in (4, 3, 2, 1, 0)] + ["Total"]


def test_what_no_cell_can_hold_is_cut_and_says_so(world: World, in_acme: Organization) -> None:
    make_call(transcript="x" * 40_000)
    _, text = book(in_acme, world, ["transcript"]).rows()[1]["A"]
    assert len(text) == CELL_CHARACTERS
    assert text.endswith("the CSV file has all of it)")
