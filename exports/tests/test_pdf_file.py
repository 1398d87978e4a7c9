"""Reports: pages, totals, that data stays data, and that more than a file becomes several."""

from __future__ import annotations

import io
import zipfile

import pytest
from pypdf import PdfReader

from agents.models import Agent
from exports import columns, pdf_file
from exports.forms import ExportForm
from exports.models import Export, Format
from exports.pdf_file import Layout
from exports.tests.helpers import content, made, make_call, make_calls
from tenants.models import Organization
from testing.fixtures import World

CODES = ["started", "caller", "agent", "outcome", "duration", "cost"]


def pages(data: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]


def report(organization: Organization, world: World, query: str = "") -> Export:
    alice = world.people.alice
    return made(organization, alice, query, format=Format.PDF, codes=CODES)


def test_the_first_page_says_what_it_is_and_the_last_what_it_adds_up_to(
    world: World, in_acme: Organization
) -> None:
    make_calls(60)
    first, last = pages(content(report(in_acme, world, "direction=inbound")))
    for text in ("Acme", "America/New_York", "Direction is Inbound", "Complete up to", "$7.41"):
        assert text in first
    assert "Page 1 of 2" in first
    assert "Page 2 of 2" in last
    assert "Total" in last
    assert "7.4070" in last


def test_every_call_stands_there(world: World, in_acme: Organization) -> None:
    make_calls(60)
    text = "\n".join(pages(content(report(in_acme, world))))
    assert text.count("+14155550142") == 60


def test_a_report_can_be_read_aloud(world: World, in_acme: Organization) -> None:
    make_calls(1)
    reader = PdfReader(io.BytesIO(content(report(in_acme, world))))
    assert "/StructTreeRoot" in reader.root_object
    assert reader.metadata is not None
    assert reader.metadata.title == "Calls"


def test_text_cannot_become_markup(world: World, in_acme: Organization) -> None:
    name = '#read("x") $x$ *b*'
    Agent.objects.create(retell_agent_id="agent_1", name=name)
    make_call()
    assert name in pages(content(report(in_acme, world)))[0]


def test_parts_are_put_together_with_their_pages_numbered_through(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_file, "PART_ROWS", 90)
    make_calls(200)
    found = pages(content(report(in_acme, world)))
    total = len(found)
    assert [f"Page {n} of {total}" in text for n, text in enumerate(found, 1)] == [True] * total
    assert "\n".join(found).count("+14155550142") == 200


def test_more_than_a_file_holds_becomes_several(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_file, "PART_ROWS", 45)
    monkeypatch.setattr(pdf_file, "CALLS_A_FILE", 90)
    make_calls(200)
    export = report(in_acme, world)
    assert export.name.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(content(export))) as archive:
        found = [page for name in archive.namelist() for page in pages(archive.read(name))]
        assert len(archive.namelist()) == 3
    assert "\n".join(found).count("+14155550142") == 200
    assert f"Page {len(found)} of {len(found)}" in found[-1]


def test_what_breaks_in_the_other_process_is_said(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Layout, "row_pt", "broken")
    make_calls(1)
    export = report(in_acme, world)
    assert export.status == "failed"
    assert "could not be laid out" in export.job.message


def test_the_usual_columns_fit_and_all_of_them_do_not() -> None:
    assert pdf_file.fits(columns.for_report(columns.chosen(columns.default_codes())))
    every = [column.code for column in columns.COLUMNS]
    form = ExportForm({"format": "pdf", "columns": every, "numbers": "masked"}, may_take=True)
    assert "no room" in str(form.errors["columns"])


@pytest.mark.parametrize("rows", [0, 1, 28, 29, 30, 31, 100, 2_500, 100_000])
def test_pages_hold_all_rows_and_none_is_empty(rows: int) -> None:
    layout = Layout(columns.chosen(CODES), rows, [["", ""]] * 7)
    room = sum(layout.page_rows(page) for page in range(layout.pages))
    assert room >= rows
    assert layout.pages == 1 or room - layout.lines < rows
