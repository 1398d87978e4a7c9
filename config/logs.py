"""How log records are written: a line for people in development, JSON for machines in production.

No value of a row reaches a log: PostgreSQL's errors quote them, in the detail, the context and
the parameters of a statement, so of these errors only the primary message is written.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import django.db
import psycopg

# What `extra=` may say besides the message.
EXTRA_FIELDS = ("organization", "event", "cause", "group", "delivery")
_DATABASE_ERRORS = (psycopg.Error, django.db.Error)
_QUOTED = re.compile(r'"[^"]*"')
# Paths that carry a secret; Django logs the path of a request that failed.
_SECRET_PATHS = re.compile(r"(/(?:invitations|enter|email-change|reset/[^/\s]+)/)[^/\s]+")


def _server_error(error: BaseException) -> psycopg.Error | None:
    """PostgreSQL's own error: Django wraps it in one of the same text."""
    found = error if isinstance(error, psycopg.Error) else error.__cause__
    return found if isinstance(found, psycopg.Error) else None


def error_text(error: BaseException) -> str:
    """The error in one line; of a database's error what holds no values."""
    if not isinstance(error, _DATABASE_ERRORS):
        return str(error)
    server = _server_error(error)
    sqlstate = (server.sqlstate if server else None) or ""
    lines = str(error).splitlines() or [""]
    primary = (server.diag.message_primary if server else None) or lines[0]
    if sqlstate.startswith("22"):  # invalid data, which even the primary message quotes
        primary = _QUOTED.sub('"…"', primary)
    return f"{sqlstate} {primary}".strip()


def _exception_lines(error: BaseException, seen: frozenset[int] = frozenset()) -> Iterator[str]:
    """As Python prints a traceback, with the causes first."""
    seen |= {id(error)}
    context = None if error.__suppress_context__ else error.__context__
    before = error.__cause__ or context
    if before is not None and id(before) not in seen:
        yield from _exception_lines(before, seen)
        reason = "was the direct cause of" if error.__cause__ else "was being handled at"
        yield f"\nThe exception above {reason} this one:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}: {error_text(error)}\n"
    for part in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _exception_lines(part, seen)


class _Formatter(logging.Formatter):
    """What both kinds of lines are made of."""

    def message_of(self, record: logging.LogRecord) -> str:
        return _SECRET_PATHS.sub(r"\1***", self._whole_message_of(record))

    def _whole_message_of(self, record: logging.LogRecord) -> str:
        values = record.args
        if isinstance(values, tuple):
            shown = tuple(_shown(value) for value in values)
            return str(record.msg) % shown if shown else str(_shown(record.msg))
        return record.getMessage()

    def extras_of(self, record: logging.LogRecord) -> dict[str, str]:
        found = {name: getattr(record, name, None) for name in EXTRA_FIELDS}
        return {name: str(value) for name, value in found.items() if value is not None}

    def exception_of(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        return "".join(_exception_lines(error)).rstrip() if error else ""


def _shown(value: Any) -> Any:
    return error_text(value) if isinstance(value, _DATABASE_ERRORS) else value


class LineFormatter(_Formatter):
    """`time LEVEL logger message name=value [request id]`, then the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        extras = "".join(f" {name}={value}" for name, value in self.extras_of(record).items())
        line = (
            f"{self.formatTime(record)} {record.levelname:7} {record.name}"
            f" {self.message_of(record)}{extras} [{getattr(record, 'request_id', '-')}]"
        )
        exception = self.exception_of(record)
        return f"{line}\n{exception}" if exception else line


class JsonFormatter(_Formatter):
    """One JSON object a line, whatever the message holds."""

    def format(self, record: logging.LogRecord) -> str:
        content = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.message_of(record),
            "request": getattr(record, "request_id", "-"),
            **self.extras_of(record),
        }
        if exception := self.exception_of(record):
            content["exception"] = exception
        return json.dumps(content)
