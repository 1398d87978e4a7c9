"""Cells and lines of CSV, put together by PostgreSQL: a million of them in Python would take
minutes. Expressions of the ORM; no SQL is built from text that varies."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg, StringAgg
from django.db.models import DecimalField, Func, TextField, UUIDField

# What `config.csv_files` escapes: code points of = + - @ tab, CR, LF and the wide forms.
_FORMULA_STARTS = "61, 43, 45, 64, 9, 13, 10, 65309, 65291, 65293, 65312"


class CsvText(Func):
    """Text in quotes; with an apostrophe before what a spreadsheet would take for a formula."""

    template = (
        "COALESCE('\"' || CASE WHEN ascii(%(expressions)s) IN (" + _FORMULA_STARTS + ")"
        " THEN '''' ELSE '' END || replace(%(expressions)s, '\"', '\"\"') || '\"', '')"
    )
    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        sql, params = super().as_sql(compiler, connection, **context)
        return sql, (*params, *params)  # the expression stands there twice


class CsvNumber(Func):
    """Digits as they are stored, without zeros behind the last one that counts."""

    template = "COALESCE(trim_scale((%(expressions)s)::numeric)::text, '')"
    output_field = TextField()


class CsvInteger(Func):
    template = "COALESCE((%(expressions)s)::text, '')"
    output_field = TextField()


class Hundredth(Func):
    """Cents as dollars: exact, where dividing would round."""

    template = "((%(expressions)s)::numeric * 0.01)"
    output_field = DecimalField()


class Thousandth(Func):
    template = "((%(expressions)s)::numeric * 0.001)"
    output_field = DecimalField()


class CsvTime(Func):
    """`2026-11-24T14:05:00.123-05:00`, in quotes, on the clock the session is set to."""

    template = "COALESCE(to_json(%(expressions)s)::text, '')"
    output_field = TextField()


class Line(Func):
    """One line of a file: cells that are CSV already, parted by commas."""

    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return super().as_sql(
            compiler, connection, template="%(expressions)s || E'\\r\\n'", arg_joiner=" || ',' || "
        )


class MaskedNumber(Func):
    """As `accounts.masking.mask`: the last four characters."""

    template = (
        "CASE WHEN length(%(expressions)s) > 4 THEN '•••• ' || right(%(expressions)s, 4)"
        " WHEN length(%(expressions)s) > 0 THEN '••••' END"
    )
    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        sql, params = super().as_sql(compiler, connection, **context)
        return sql, (*params, *params, *params)


class Lines(StringAgg):
    """All lines of a batch as one text, in the order of the batch."""

    def __init__(self, line: str, *, order_by: tuple[str, ...]) -> None:
        super().__init__(line, delimiter="", order_by=order_by)


class LastId(ArrayAgg):
    """The id of the row that comes last; PostgreSQL has no max() of a UUID before 18."""

    template = "(%(function)s(%(distinct)s%(expressions)s %(order_by)s))[1]"

    @property
    def output_field(self) -> UUIDField[Any, Any]:  # type: ignore[override]  # one of the array
        return UUIDField()
