"""Lines of CSV, put together by PostgreSQL: a million of them in Python would take minutes.

A cell is one or more arguments of the `concat` of its `Line`, for which a missing value is no text.
Expressions of the ORM; no SQL is built from text that varies.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg, StringAgg
from django.db.models import DecimalField, Func, TextField, UUIDField

# What `config.csv_files` escapes: code points of = + - @ tab, CR, LF and the wide forms.
_FORMULA_STARTS = "61, 43, 45, 64, 9, 13, 10, 65309, 65291, 65293, 65312"
_QUOTE = "'\"'"
_QUOTE_AND_APOSTROPHE = "'\"'''"


class CsvText(Func):
    """Text in quotes; with an apostrophe before what a spreadsheet would take for a formula."""

    template = (
        "CASE WHEN ascii(%(expressions)s) IN (" + _FORMULA_STARTS + ")"
        " THEN " + _QUOTE_AND_APOSTROPHE + " ELSE " + _QUOTE + " END,"
        " replace(%(expressions)s, '\"', '\"\"'), " + _QUOTE
    )
    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> tuple[str, Any]:
        sql, params = super().as_sql(compiler, connection, *args, **context)
        return sql, (*params, *params)  # the expression stands there twice


class CsvWord(Func):
    """A word of our own in quotes: nothing in it needs escaping."""

    template = _QUOTE + ", %(expressions)s, " + _QUOTE
    output_field = TextField()


class CsvNumber(Func):
    """Digits as they are stored, without zeros behind the last one that counts."""

    template = "trim_scale((%(expressions)s)::numeric)"
    output_field = TextField()


class CsvTime(Func):
    """`2026-11-24T14:05:00.123-05:00`, in quotes, on the clock the session is set to."""

    template = "to_json(%(expressions)s)::text"
    output_field = TextField()


class Hundredth(Func):
    """Cents as dollars: exact, where dividing would round."""

    template = "((%(expressions)s)::numeric * 0.01)"
    output_field = DecimalField()


class Thousandth(Func):
    template = "((%(expressions)s)::numeric * 0.001)"
    output_field = DecimalField()


class Line(Func):
    """One line of a file. In one piece: `||` would copy it again with every cell."""

    function = "concat"
    template = "%(function)s(%(expressions)s, E'\\r\\n')"
    arg_joiner = ", ',', "
    output_field = TextField()


class MaskedNumber(Func):
    """As `accounts.masking.mask`: the last four characters."""

    template = (
        "CASE WHEN length(%(expressions)s) > 4 THEN '•••• ' || right(%(expressions)s, 4)"
        " WHEN length(%(expressions)s) > 0 THEN '••••' END"
    )
    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> tuple[str, Any]:
        sql, params = super().as_sql(compiler, connection, *args, **context)
        return sql, (*params, *params, *params)


class Lines(StringAgg):
    """All lines of a batch as one text, in the order of the batch."""

    def __init__(self, line: str, *, order_by: tuple[str, ...]) -> None:
        super().__init__(line, delimiter="", order_by=order_by)


class LastId(ArrayAgg):
    """The id of the row that comes last; in the order of the lines, so that it costs no sort.

    PostgreSQL has no max() of a UUID before 18.
    """

    template = (
        "(%(function)s(%(expressions)s %(order_by)s))"
        "[array_upper(%(function)s(%(expressions)s %(order_by)s), 1)]"
    )

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> tuple[str, Any]:
        sql, params = super().as_sql(compiler, connection, *args, **context)
        return sql, (*params, *params)

    @property
    def output_field(self) -> UUIDField[Any, Any]:  # type: ignore[override]  # one of the array
        return UUIDField()
