"""Log lines say what happened and hold nothing of a person."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connection, transaction

from calls.models import RetellAlert
from config.logs import JsonFormatter, LineFormatter
from config.middleware import RequestIdFilter
from tenants.models import Organization

PHONE = "+16195550142"
FORMATTERS: list[Callable[[], logging.Formatter]] = [LineFormatter, JsonFormatter]


@contextmanager
def written_by(formatter: logging.Formatter) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(formatter)
    handler.addFilter(RequestIdFilter())
    logger = logging.Logger("webhooks.door")  # noqa: LOG001 - one that nobody else listens to
    logger.addHandler(handler)
    yield logger, output


def insert_twice() -> None:
    for _ in range(2):
        RetellAlert.objects.create(incident_id=PHONE)


def insert_without_a_value() -> None:
    RetellAlert.objects.create(incident_id=PHONE, name=None)  # type: ignore[misc]


def cast_to_a_number() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT (%s::text || 'x')::integer", [PHONE])


FAILURES = [insert_twice, insert_without_a_value, cast_to_a_number]


def failure_of(work: Callable[[], None]) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        work()
    return caught.value


@pytest.mark.parametrize("make", FORMATTERS)
@pytest.mark.parametrize("work", FAILURES)
def test_a_failing_statement_leaves_no_number_in_the_log(
    in_acme: Organization, make: Callable[[], logging.Formatter], work: Callable[[], None]
) -> None:
    error = failure_of(work)
    assert PHONE in str(error)
    caused = RuntimeError("while applying")
    caused.__cause__ = error
    with written_by(make()) as (logger, output):
        logger.error("applying a delivery failed: %s", error, exc_info=caused)
        logger.error(error)
        logger.error("group", exc_info=ExceptionGroup("several", [error]))
    text = output.getvalue()
    assert PHONE[1:] not in text
    assert "while applying" in text
    assert type(error).__name__ in text
    assert work.__name__ in text
    assert str(error.__cause__.sqlstate) in text  # type: ignore[union-attr]


def test_in_development_the_extra_fields_stand_behind_the_message() -> None:
    with written_by(LineFormatter()) as (logger, output):
        logger.warning("webhook %s", "refused", extra={"cause": "expired", "nonsense": PHONE})
    assert output.getvalue().endswith("WARNING webhooks.door webhook refused cause=expired [-]\n")


def test_in_production_a_record_is_one_line_of_json() -> None:
    with written_by(JsonFormatter()) as (logger, output):
        logger.error(
            "job\nfailed \ud800",
            extra={"organization": 7, "group": "sign-in"},
            exc_info=RuntimeError("two\nlines"),
        )
    (line,) = output.getvalue().splitlines()
    content = json.loads(line)
    assert content.pop("time").endswith("+00:00")
    assert content.pop("exception").endswith("RuntimeError: two\nlines")
    assert content == {
        "level": "ERROR", "logger": "webhooks.door", "message": "job\nfailed \ud800",
        "request": "-", "organization": "7", "group": "sign-in",
    }  # fmt: skip


def test_messages_are_put_together_as_usual() -> None:
    with written_by(LineFormatter()) as (logger, output):
        logger.error("50% done")
        logger.error("%(a)s of %(b)s", {"a": 1, "b": 2})
        logger.error("%s%%", 100)
    lines = [line.partition("door ")[2] for line in output.getvalue().splitlines()]
    assert lines == ["50% done [-]", "1 of 2 [-]", "100% [-]"]
