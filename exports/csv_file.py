"""CSV: a line of headings, the calls, then lines that begin with "#".

The headings come first, so that programs and spreadsheets find them; whatever is no call comes
last and is told by its "#": the totals, each under its column, then filter, zone and the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from config.csv_files import Cell, csv_lines
from exports import batches, texts
from exports.batches import Position
from exports.files import FileWriter
from exports.models import Export
from exports.totals import Totals
from jobs.actions import Progress

# Tells Excel that the text is UTF-8.
_MARK = "\ufeff"


def write(export: Export, progress: Progress) -> None:
    """Goes on where an earlier run got to: each part is stored with what comes after it."""
    writer = FileWriter(export, progress.step)
    calls = batches.calls_of(export, progress.organization)
    totals = Totals.from_stored(export.totals)
    if not export.size_bytes:
        writer.append(_encoded(_head(export)), position={})
    for batch in batches.csv_batches(export, calls, Position.from_stored(export.position)):
        totals += batch.totals
        writer.append(
            batch.lines.encode(),
            rows=totals.calls,
            position=batch.position.to_store(),
            totals=totals.to_store(),
        )
        progress.step(done=batch.totals.calls)
    writer.write(_encoded(csv_lines(_foot(export, totals, progress))))
    writer.finish(
        rows=totals.calls,
        totals=totals.to_store(),
        name=texts.file_name(export, progress.organization, "csv"),
        media_type="text/csv; charset=utf-8",
    )


def _head(export: Export) -> Iterable[str]:
    if export.with_mark:
        yield _MARK
    yield from csv_lines([[column.heading(export.zone) for column in export.columns]])


def _foot(export: Export, totals: Totals, progress: Progress) -> Iterable[Sequence[Cell]]:
    width, organization = len(export.columns), progress.organization
    under: list[Cell] = [
        totals.under(column.sums) if column.sums else "" for column in export.columns
    ]
    if not export.columns[0].sums:  # where nothing could tell it from a call
        yield ["# Total", *under[1:]]
    lines = [*texts.totals_lines(export, totals, organization), *texts.about(export, organization)]
    for label, text in lines:
        yield [f"# {label}: {text}", *[""] * (width - 1)]


def _encoded(lines: Iterable[str]) -> bytes:
    return "".join(lines).encode("utf-8", "replace")
