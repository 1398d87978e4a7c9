"""CSV files that spreadsheets open without running anything: streamed, of any length."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import StreamingHttpResponse

# What spreadsheets take as the beginning of a formula; the wide forms too, as some of them do.
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
# Tells Excel that the text is UTF-8; everything else skips it.
_BYTE_ORDER_MARK = "\ufeff"

Cell = str | int | float | Decimal | bool | datetime | None


def safe_cell(value: Cell) -> str | int | float | Decimal:
    """As a cell may hold it: text that would be a formula begins with an apostrophe.

    Numbers stay numbers, negative ones and those that come as text too.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | Decimal):
        return value
    text = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
    if text.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


class _Line:
    """What `csv.writer` writes to: hands the line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """A line a row. Text stands in quotes, so that a spreadsheet that splits at semicolons, as in
    half of Europe, finds no formula after one either."""
    writer: Any = csv.writer(_Line(), quoting=csv.QUOTE_NONNUMERIC)
    for row in rows:
        yield writer.writerow([safe_cell(cell) for cell in row])


def csv_response(name: str, batches: Iterable[Iterable[Sequence[Cell]]]) -> StreamingHttpResponse:
    """A download named `name`, sent batch by batch.

    The answer is sent after the middleware is done: whatever reads the database meanwhile enters
    its scope itself, for each batch anew (see `config.paging.keyset_batches`).
    """
    response = StreamingHttpResponse(_encoded(batches), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _encoded(batches: Iterable[Iterable[Sequence[Cell]]]) -> Iterator[bytes]:
    yield _BYTE_ORDER_MARK.encode()
    for rows in batches:
        # Not every text is encodable: half a character would end the file in its middle.
        yield "".join(csv_lines(rows)).encode("utf-8", "replace")
