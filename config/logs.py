"""How log records are written: a line for people in development, JSON for machines in production.

No value of a row and nothing that somebody sent reaches a log: PostgreSQL's errors quote rows, in
the detail, the context and the parameters of a statement, so of these errors only the primary
message is written. Errors that parsing raises quote what they could not parse, so of these only
their kind and place are. What remains is gone through by `config.scrubbing`.

Every process writes this way, the servers' own records too: see `config/server_logs.json`.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import django.db
import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from redis.exceptions import RedisError

from config.scrubbing import clean

logger = logging.getLogger(__name__)

# What `extra=` may say besides the message.
EXTRA_FIELDS = (
    "organization", "event", "cause", "group", "delivery", "job", "task", "agent", "kind",
)  # fmt: skip
_DATABASE_ERRORS = (psycopg.Error, django.db.Error)
_QUOTED = re.compile(r'"[^"]*"')
# Of others than our own, these say what is wrong with the program or a service, not what was sent.
_TOLD = (
    AssertionError,
    AttributeError,
    ImportError,
    ImproperlyConfigured,
    MemoryError,
    NameError,
    NotImplementedError,
    RedisError,
    RuntimeError,
    TypeError,
)
_OUR_FOLDERS = {entry.name for entry in os.scandir(settings.BASE_DIR) if entry.is_dir()}


def _server_error(error: BaseException) -> psycopg.Error | None:
    """PostgreSQL's own error: Django wraps it in one of the same text."""
    found = error if isinstance(error, psycopg.Error) else error.__cause__
    return found if isinstance(found, psycopg.Error) else None


def error_text(error: BaseException) -> str:
    """What may be told of an error, in one line; empty where its text may quote anything."""
    if isinstance(error, _DATABASE_ERRORS):
        return clean(_database_error_text(error))
    if isinstance(error, OSError):
        return error.strerror or ""
    is_ours = type(error).__module__.partition(".")[0] in _OUR_FOLDERS
    return clean(str(error)) if is_ours or isinstance(error, _TOLD) else ""


def _database_error_text(error: BaseException) -> str:
    server = _server_error(error)
    sqlstate = (server.sqlstate if server else None) or ""
    lines = str(error).splitlines() or [""]
    primary = (server.diag.message_primary if server else None) or lines[0]
    if sqlstate.startswith("22"):  # invalid data, which even the primary message quotes
        primary = _QUOTED.sub('"…"', primary)
    return f"{sqlstate} {primary}".strip()


def error_name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _told(error: BaseException) -> str:
    return f"{error_name(error)}: {error_text(error)}".removesuffix(": ")


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
    yield f"{_told(error)}\n"
    for part in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _exception_lines(part, seen)


def message_of(record: logging.LogRecord) -> str:
    """The message, with what may be told of errors among its values."""
    values = record.args
    if isinstance(values, tuple):
        shown = tuple(_shown(value) for value in values)
        text = str(record.msg) % shown if shown else str(_shown(record.msg))
    else:
        text = record.getMessage()
    return clean(text)


def extras_of(record: logging.LogRecord) -> dict[str, str]:
    found = {name: getattr(record, name, None) for name in EXTRA_FIELDS}
    return {name: clean(str(value)) for name, value in found.items() if value is not None}


def _shown(value: Any) -> Any:
    if isinstance(value, _DATABASE_ERRORS):
        return error_text(value)
    return _told(value) if isinstance(value, BaseException) else value


class _Formatter(logging.Formatter):
    def exception_of(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        return "".join(_exception_lines(error)).rstrip() if error else ""


class LineFormatter(_Formatter):
    """`time LEVEL logger message name=value [request id]`, then the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        extras = "".join(f" {name}={value}" for name, value in extras_of(record).items())
        line = (
            f"{self.formatTime(record)} {record.levelname:7} {record.name}"
            f" {message_of(record)}{extras} [{getattr(record, 'request_id', '-')}]"
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
            "message": message_of(record),
            "request": getattr(record, "request_id", "-"),
            **extras_of(record),
        }
        if exception := self.exception_of(record):
            content["exception"] = exception
        return json.dumps(content)


def take_what_nobody_caught() -> None:
    """Errors that end a process or a thread, and warnings of Python, are records, too."""
    sys.excepthook = _log_ending
    threading.excepthook = _log_thread_ending
    logging.captureWarnings(settings.PRODUCTION)


def _log_ending(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, where)
    else:
        logger.critical("an error ended the process", exc_info=error)


def _log_thread_ending(ending: threading.ExceptHookArgs) -> None:
    if ending.exc_value is not None and not isinstance(ending.exc_value, SystemExit):
        logger.critical("an error ended a thread", exc_info=ending.exc_value)


def formatter() -> logging.Formatter:
    """As this installation writes, for the servers' own records."""
    return JsonFormatter() if settings.LOG_FORMAT == "json" else LineFormatter()
