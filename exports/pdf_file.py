"""Reports: typst makes them from data, in a process of its own, in parts that are put together.

Rows are first written to a temporary file, because the first page has the totals and every page
says how many there are. A page holds a fixed number of lines, so every part knows its place.
A report of more calls than `CALLS_A_FILE` becomes several in a ZIP file, their pages numbered
through: no one opens a PDF of ten thousand pages, and putting it together would fill the memory.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from config.templatetags import formats
from exports import batches, files, texts
from exports.columns import Column, Kind
from exports.files import FileWriter
from exports.models import Export
from exports.subjects import Subject
from exports.totals import Totals
from jobs.actions import JobFailed, Progress

logger = logging.getLogger(__name__)

FOLDER = Path(__file__).resolve().parent / "report"
PDF, ZIP = "application/pdf", "application/zip"
# Lines of 5.4 mm on a page of A4 below its row of headings, one left for the totals.
PORTRAIT_LINES, LANDSCAPE_LINES, LINE_MM = 45, 30, 5.4
# Title and boxes stand above the first ones, and what the report is about, line by line.
HEAD_MM, ABOUT_LINE_MM, ABOUT_LINES = 32, 4.4, 20
# What fits beside each other at 8 pt; then the page is turned, then the letters get smaller.
PORTRAIT_CHARACTERS, LANDSCAPE_CHARACTERS = 105, 148
ROW_PT, SMALLEST_PT = 8, 5.7
PART_ROWS = 2_500
TAGGED_ROWS = 500
CALLS_A_FILE = 50_000
POLL_SECONDS = 0.1
PROCESS_SECONDS = 300
ABOUT_CHARACTERS = 130
NOT_MADE = (
    "The report could not be laid out, so there is no file. CSV and Excel have the same calls; the"
    " operator finds the reason in the log."
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How many lines fit, and so how many pages there are."""

    columns: Sequence[Column]
    rows: int
    about: Sequence[list[str]]

    @property
    def characters(self) -> int:
        return sum(column.weight for column in self.columns)

    @property
    def is_landscape(self) -> bool:
        return self.characters > PORTRAIT_CHARACTERS

    @property
    def row_pt(self) -> float:
        return min(ROW_PT, ROW_PT * LANDSCAPE_CHARACTERS / self.characters)

    @property
    def head_lines(self) -> int:
        return ceil((HEAD_MM + ABOUT_LINE_MM * len(self.about)) / LINE_MM)

    @property
    def lines(self) -> int:
        return LANDSCAPE_LINES if self.is_landscape else PORTRAIT_LINES

    @property
    def pages(self) -> int:
        more = max(self.rows - (self.lines - self.head_lines), 0)
        return 1 + -(-more // self.lines)

    def page_rows(self, page: int) -> int:
        return self.lines - self.head_lines if page == 0 else self.lines

    @property
    def pages_a_part(self) -> int:
        return PART_ROWS // self.lines

    @property
    def parts_a_file(self) -> int:
        return max(CALLS_A_FILE // (self.pages_a_part * self.lines), 1)


def fits(columns: Sequence[Column]) -> bool:
    """Whether letters that one can read have room for them."""
    return sum(c.weight for c in columns) * SMALLEST_PT <= LANDSCAPE_CHARACTERS * ROW_PT


def write(export: Export, progress: Progress) -> None:
    """From its beginning, when it was interrupted: laying out a part takes a second."""
    files.clear(export)
    progress.job.done = 0
    writer = FileWriter(export, progress.step)
    with tempfile.TemporaryDirectory(prefix="export-") as name:
        report = _Report(export, progress, Path(name))
        report.collect()
        media_type, extension = report.write(writer)
    writer.finish(
        rows=report.totals.calls,
        totals=report.totals.to_store(),
        name=texts.file_name(export, progress.organization, extension),
        media_type=media_type,
    )


class _Report:
    """One report, made in a folder of its own."""

    def __init__(self, export: Export, progress: Progress, folder: Path) -> None:
        self.export, self.progress, self.folder = export, progress, folder
        self.columns = export.columns
        self.zone = ZoneInfo(export.zone)
        self.totals = Totals()
        self.rows_file = folder / "rows.jsonl"
        shutil.copy(FOLDER / "report.typ", folder)

    def collect(self) -> None:
        """All rows into a file, as texts; then the totals are known."""
        calls = batches.calls_of(self.export, self.progress.organization)
        with self.rows_file.open("w", encoding="utf-8") as out:
            for batch in batches.cell_batches(self.export, calls):
                for row in batch.cells:
                    out.write(json.dumps(self._texts(row), ensure_ascii=False) + "\n")
                self.totals += batch.totals
                self.progress.step(done=batch.totals.calls)

    def write(self, writer: FileWriter) -> tuple[str, str]:
        """One PDF, or a ZIP file of several: the media type and the ending of the name."""
        layout = Layout(self.columns, self.totals.calls, self._about())
        with self.rows_file.open(encoding="utf-8") as rows:
            parts = self._parts(layout, rows)
            if layout.pages <= layout.pages_a_part * layout.parts_a_file:
                with self._file(list(parts)).open("rb") as made:
                    shutil.copyfileobj(made, writer)
                return PDF, "pdf"
            with zipfile.ZipFile(writer, "w", zipfile.ZIP_STORED) as archive:
                number = 0
                while group := list(islice(parts, layout.parts_a_file)):
                    number += 1
                    name = texts.file_name(self.export, self.progress.organization, "pdf")
                    archive.write(self._file(group), name.replace(".pdf", f"-{number:03}.pdf"))
        return ZIP, "zip"

    def _parts(self, layout: Layout, lines: Iterator[str]) -> Iterator[Path]:
        """A PDF of at most `PART_ROWS` rows after the other."""
        rows = map(json.loads, lines)
        for first in range(0, layout.pages, layout.pages_a_part):
            pages = [
                list(islice(rows, layout.page_rows(page)))
                for page in range(first, min(first + layout.pages_a_part, layout.pages))
            ]
            yield self._part(layout, first, pages)

    def _part(self, layout: Layout, first: int, pages: list[list[list[str]]]) -> Path:
        is_last = first + len(pages) == layout.pages
        data = self._frame(layout) | {
            "pages": pages,
            "first-page": first + 1,
            "has-head": first == 0,
            "totals": self._totals_row() if is_last else None,
        }
        (self.folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
        self._run("part")
        made = self.folder / f"page-{first}.made"
        (self.folder / "part.pdf").rename(made)
        return made

    def _file(self, parts: list[Path]) -> Path:
        """Parts as one PDF."""
        if len(parts) == 1:
            return parts[0]
        for number, part in enumerate(parts):
            part.rename(self.folder / f"{number}.pdf")
        self._run("merge")
        for number in range(len(parts)):
            (self.folder / f"{number}.pdf").unlink()
        return self.folder / "merged.pdf"

    def _run(self, what: str) -> None:
        """Wait for the process, showing meanwhile that this one lives. It gets no settings."""
        command = [sys.executable, "-I", str(FOLDER / "render.py"), what, str(self.folder)]
        process = subprocess.Popen(
            command, env={"PATH": os.defpath}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            _wait(process, self.progress.step)
        except BaseException:
            process.kill()
            process.communicate()
            raise

    def _frame(self, layout: Layout) -> dict[str, Any]:
        """What every part has: texts, columns, how many pages there are."""
        organization = self.progress.organization
        return {
            "title": self.export.about_label,
            "organization": organization.name,
            "language": (get_language() or "en").partition("-")[0],
            "paper": "a4",
            "landscape": layout.is_landscape,
            "tagged": layout.rows <= TAGGED_ROWS,
            "footer": f"{organization.name} — {self.export.about_label}, {self.export.zone}",
            "page-of": _("Page %(page)s of %(pages)s") % {"page": "%(page)s", "pages": "%(pages)s"},
            "pages-total": layout.pages,
            "kpis": self._kpis(),
            "about": layout.about,
            "row-size": layout.row_pt,
            "columns": [
                {
                    "label": str(column.label),
                    "weight": column.weight,
                    "right": column.kind.is_numeric,
                }
                for column in self.columns
            ],
        }

    def _about(self) -> list[list[str]]:
        organization = self.progress.organization
        about = [
            *texts.about(self.export, organization),
            *texts.converted(self.totals, organization),
        ]
        lines = [[label, _shortened(text, ABOUT_CHARACTERS)] for label, text in about]
        more = [["…", _("more on the page of this export")]]
        return lines if len(lines) <= ABOUT_LINES else lines[: ABOUT_LINES - 1] + more

    def _kpis(self) -> list[list[str]]:
        totals = self.totals
        minutes = [_("Minutes"), formats.number(totals.minutes, 1)]
        return [
            [self.export.about_label, formats.number(totals.calls)],
            *([minutes] if self.export.subject == Subject.CALLS else []),
            [_("Cost"), formats.money(totals.cost_cents)],
            [_("Successful"), formats.percent(totals.success_rate)],
        ]

    def _totals_row(self) -> list[str]:
        row = [
            cell(column, self.totals.under(column.sums), self.zone) if column.sums else ""
            for column in self.columns
        ]
        return [row[0] or _("Total"), *row[1:]]

    def _texts(self, row: Sequence[Any]) -> list[str]:
        return [
            _shortened(cell(column, value, self.zone), max(column.weight, 12))
            for column, value in zip(self.columns, row, strict=True)
        ]


def cell(column: Column, value: Any, zone: ZoneInfo) -> str:
    """As a page shows it."""
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    if column.kind is Kind.MONEY:
        return formats.number(value, 4)
    if column.code == "duration":
        return formats.number(value, 1)
    if column.kind.is_numeric and column.code != "version":
        return formats.number(value)
    return str(formats.dash(column.words(value)))


def _shortened(text: str, characters: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= characters else f"{line[: characters - 1]}…"


def _wait(process: subprocess.Popen[bytes], beat: Callable[[], object]) -> None:
    """Raises `JobFailed` when it did not end well."""
    for _turn in range(int(PROCESS_SECONDS / POLL_SECONDS)):
        try:
            _out, errors = process.communicate(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            beat()
            continue
        if process.returncode != 0:
            logger.error(
                "a report failed", extra={"error": errors[-2000:].decode("utf-8", "replace")}
            )
            raise JobFailed(NOT_MADE)
        return
    raise JobFailed(NOT_MADE)
