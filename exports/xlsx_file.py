"""Spreadsheets: real numbers and dates, text that is never a formula, a sheet about the file.

Rows go to a temporary file as they come and from there into the parts, so memory stays flat.
A worksheet holds 1,048,576 rows; what is more goes on in the next.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from exports import batches, files, texts
from exports.columns import Column, Kind
from exports.files import FileWriter
from exports.models import Export
from exports.totals import Totals
from jobs.actions import Progress

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# One row of headings, one of totals.
SHEET_ROWS = 1_048_576 - 2
CELL_CHARACTERS = 32_767
_CUT = " … (cut; the CSV file has all of it)"
_NUMBER_FORMATS = {
    Kind.TIME: "yyyy-mm-dd hh:mm:ss",
    Kind.INTEGER: "#,##0",
    Kind.NUMBER: "#,##0.0##",
    Kind.MONEY: "#,##0.0000",
}


def write(export: Export, progress: Progress) -> None:
    """From its beginning: a compressed file cannot be gone on with."""
    files.clear(export)
    progress.job.done = 0
    writer = FileWriter(export, progress.step)
    calls = batches.calls_of(export, progress.organization)
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        options = {"constant_memory": True, "tmpdir": folder, "in_memory": False}
        book = _Book(Workbook(writer, options), export)
        for batch in batches.cell_batches(export, calls):
            for cells in batch.cells:
                book.add(cells)
            book.totals += batch.totals
            progress.step(done=batch.totals.calls)
        book.close(progress)
    writer.finish(
        rows=book.totals.calls,
        totals=book.totals.to_store(),
        name=texts.file_name(export, progress.organization, "xlsx"),
        media_type=MEDIA_TYPE,
    )


class _Book:
    """The workbook being written: one sheet of calls after the other."""

    def __init__(self, workbook: Workbook, export: Export) -> None:
        self.workbook = workbook
        self.export = export
        self.columns = export.columns
        self.zone = ZoneInfo(export.zone)
        self.totals = Totals()
        self._bold = workbook.add_format({"bold": True, "bottom": 1})
        self._formats = {
            kind: workbook.add_format({"num_format": text})
            for kind, text in _NUMBER_FORMATS.items()
        }
        self._sum_formats = {
            kind: workbook.add_format({"num_format": text, "bold": True, "top": 1})
            for kind, text in _NUMBER_FORMATS.items()
        }
        self._sheet: Worksheet | None = None
        self._row = 0

    def add(self, cells: Sequence[Any]) -> None:
        sheet = self._sheet
        if sheet is None or self._row > SHEET_ROWS:
            sheet = self._next_sheet()
        for place, (column, value) in enumerate(zip(self.columns, cells, strict=True)):
            self._write(sheet, place, column, value)
        self._row += 1

    def _write(self, sheet: Worksheet, place: int, column: Column, value: Any) -> None:
        if value is None or value == "":
            return
        if column.kind is Kind.TIME:
            sheet.write_datetime(
                self._row, place, _local(value, self.zone), self._formats[Kind.TIME]
            )
        elif column.kind.is_numeric:
            sheet.write_number(self._row, place, value, self._formats[column.kind])
        else:
            sheet.write_string(self._row, place, cell_text(column.words(value)))

    def _next_sheet(self) -> Worksheet:
        number = len(self.workbook.worksheets()) + 1
        label = self.export.about_label
        name = label if number == 1 else f"{label} {number}"
        sheet = self.workbook.add_worksheet(name)
        self._sheet, self._row = sheet, 1
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(self.columns):
            sheet.set_column(place, place, min(max(column.weight, len(str(column.label))) + 2, 60))
            sheet.write_string(0, place, column.heading(self.export.zone), self._bold)
        return sheet

    def close(self, progress: Progress) -> None:
        """Totals under the last calls, then the sheet about the file."""
        sheet = self._sheet or self._next_sheet()
        for place, column in enumerate(self.columns):
            if column.sums:
                total = self.totals.under(column.sums)
                sheet.write_number(self._row, place, total, self._sum_formats[column.kind])
            elif place == 0:
                sheet.write_string(self._row, 0, _("Total"), self._bold)
        about = self.workbook.add_worksheet(_("About"))
        about.set_column(0, 0, 20)
        about.set_column(1, 1, 80)
        lines = [
            *texts.about(self.export, progress.organization),
            *texts.totals_lines(self.export, self.totals, progress.organization),
        ]
        for row, (label, text) in enumerate(lines):
            about.write_string(row, 0, label, self._bold)
            about.write_string(row, 1, cell_text(text))
        self.workbook.close()


def _local(value: datetime, zone: tzinfo) -> datetime:
    """Spreadsheets know no zones: the clock of the export's, as its heading says."""
    return value.astimezone(zone).replace(tzinfo=None)


def cell_text(value: Any) -> str:
    text = str(value)
    if len(text) <= CELL_CHARACTERS:
        return text
    return text[: CELL_CHARACTERS - len(_CUT)] + _CUT
