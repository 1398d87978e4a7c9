"""Errors go to Sentry when `SENTRY_DSN` is set: whatever any process logs as an error.

An event is put together here from what a log line would say, and nothing else: no request, no
user, no variables, no queries, no trail of what happened before. Sentry's own integrations collect
those, and of twelve secrets planted for a try they gave nine away.
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterator
from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import single_exception_from_error_tuple

from config import presence
from config.logs import error_text, extras_of, message_of

FLUSH_SECONDS = 2.0
# All that leaves the house; `contexts` is the version of Python.
SENT = (
    "event_id", "timestamp", "level", "logger", "logentry", "exception", "tags", "release",
    "environment", "server_name", "platform", "sdk",
)  # fmt: skip


def start() -> None:
    """Once a process, when settings are known."""
    if not settings.SENTRY_DSN:
        return
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=settings.RELEASE,
        environment=settings.SENTRY_ENVIRONMENT,
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        send_client_reports=False,
        before_send=_only_known_parts,
    )
    atexit.register(sentry_sdk.flush, FLUSH_SECONDS)


def _only_known_parts(event: Event, hint: Hint) -> Event | None:
    """Also of an event that some later version of the SDK makes by itself."""
    known: Any = {name: value for name, value in event.items() if name in SENT}
    return known if "logger" in known else None


class SentryHandler(logging.Handler):
    """Of the root logger; says nothing where there is no Sentry."""

    def __init__(self) -> None:
        super().__init__(level=logging.ERROR)

    def emit(self, record: logging.LogRecord) -> None:
        if not sentry_sdk.get_client().is_active() or record.name.startswith("sentry_sdk"):
            return
        try:
            sentry_sdk.capture_event(event_of(record))
        except Exception:  # noqa: BLE001 - as every handler does: what failed is not made worse
            self.handleError(record)


def event_of(record: logging.LogRecord) -> Event:
    event: Any = {
        "level": "fatal" if record.levelno >= logging.CRITICAL else "error",
        "logger": record.name,
        "logentry": {"message": message_of(record)},
        "tags": {
            "request_id": getattr(record, "request_id", "-"),
            "process": presence.kind(),
            **extras_of(record),
        },
    }
    if record.exc_info and record.exc_info[1] is not None:
        event["exception"] = {"values": [_described(one) for one in _chain(record.exc_info[1])]}
    return event  # type: ignore[no-any-return]


def _described(error: BaseException) -> dict[str, Any]:
    """Kind, place and source lines, as Sentry shows them; the text as in a log."""
    described = single_exception_from_error_tuple(
        type(error),
        error,
        error.__traceback__,
        client_options=sentry_sdk.get_client().options,  # without local variables, as in start()
    )
    return {**described, "value": error_text(error)}


def _chain(error: BaseException) -> list[BaseException]:
    """The error with what led to it, that first."""
    chain = list(_back_from(error))
    return chain[::-1]


def _back_from(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
