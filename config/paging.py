"""Keyset paging both ways: a page costs the same anywhere in the list.

A cursor is the sort key of the row a page starts after, signed and bound to its list; a cursor of
another list or organization, or an edited one, is answered with the first page and a note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core import signing
from django.db import OperationalError, connections, transaction
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from psycopg import sql
from psycopg.errors import QueryCanceled

from tenants.pin import pinned_schema

PAGE_SIZE = 50
BATCH_SIZE = 1_000
COUNT_LIMIT = 10_000
COUNT_MILLISECONDS = 700
_TIMEOUT = sql.SQL("SET LOCAL statement_timeout = {}")
CURSOR_PARAMETERS = ("after", "before")


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and where its neighbours are (None at an end); `notes` are for people."""

    rows: Sequence[Any]
    newer_url: str | None
    older_url: str | None
    notes: list[str] = field(default_factory=list)


def _salt(name: str) -> str:
    return f"cursor:{pinned_schema() or 'shared'}:{name}"


def _encode(row: Model, keys: tuple[str, ...], name: str) -> str:
    values = [getattr(row, key) for key in keys]
    texts = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return signing.dumps(texts, salt=_salt(name))


def _decode(text: str | None, keys: tuple[str, ...], name: str) -> list[Any] | None:
    if not text:
        return None
    try:
        first, *rest = signing.loads(text, salt=_salt(name))
        if len(keys) == 1:
            return [UUID(first)]
        return [datetime.fromisoformat(first), UUID(rest[0])]
    except (signing.BadSignature, ValueError, TypeError, IndexError):
        return None


def _beyond(keys: tuple[str, ...], values: list[Any], comparison: str) -> Q:
    """Rows whose key is less (or greater) than `values`; the first key alone bounds the index."""
    if len(keys) == 1:
        return Q(**{f"{keys[0]}__{comparison}": values[0]})
    first, second = keys
    tie = Q(**{f"{first}__{comparison}": values[0]}) | Q(**{f"{second}__{comparison}": values[1]})
    return Q(**{f"{first}__{comparison}e": values[0]}) & tie


def _url(request: HttpRequest, parameter: str, cursor: str) -> str:
    query = request.GET.copy()
    for name in CURSOR_PARAMETERS:
        query.pop(name, None)
    query[parameter] = cursor
    return f"{request.path}?{query.urlencode()}"


def keyset_page(
    request: HttpRequest,
    queryset: QuerySet[Any],
    *,
    name: str,
    keys: tuple[str, ...] = ("sort_at", "id"),
    size: int = PAGE_SIZE,
) -> Page:
    """The page of `queryset` that the request's `after` or `before` asks for.

    `queryset` is ordered by `keys`, descending. One query, one row more than shown.
    """
    after = _decode(request.GET.get("after"), keys, name)
    before = _decode(request.GET.get("before"), keys, name)
    if before is not None:
        newer_first = queryset.filter(_beyond(keys, before, "gt")).order_by(*keys)
        rows = list(newer_first[: size + 1])
        has_newer, has_older = len(rows) > size, True
        rows = rows[:size][::-1]
    else:
        older = queryset.filter(_beyond(keys, after, "lt")) if after else queryset
        rows = list(older[: size + 1])
        has_newer, has_older = after is not None, len(rows) > size
        rows = rows[:size]
    return Page(
        rows,
        _url(request, "before", _encode(rows[0], keys, name)) if rows and has_newer else None,
        _url(request, "after", _encode(rows[-1], keys, name)) if rows and has_older else None,
        _notes(request, is_read=after is not None or before is not None),
    )


def _notes(request: HttpRequest, *, is_read: bool) -> list[str]:
    if is_read or not any(request.GET.get(name) for name in CURSOR_PARAMETERS):
        return []
    return [_("The link leads to a place in another list. This is the first page.")]


def keyset_batches(
    queryset: QuerySet[Any],
    *,
    scope: Callable[[], AbstractContextManager[None]],
    keys: tuple[str, ...] = ("sort_at", "id"),
    size: int = BATCH_SIZE,
) -> Iterator[list[Any]]:
    """All rows of `queryset`, which is ordered by `keys`, descending, in lists of `size`.

    For answers that are streamed after the middleware has left the organization: `scope` is
    entered for each list and left before it is handed on. Memory stays flat; what is added
    meanwhile is newer and does not appear.
    """
    rest = queryset
    while True:
        with scope():
            rows = list(rest[:size])
        if rows:
            yield rows
        if len(rows) < size:
            return
        rest = queryset.filter(_beyond(keys, [getattr(rows[-1], key) for key in keys], "lt"))


def capped_count(queryset: QuerySet[Any], limit: int = COUNT_LIMIT) -> int:
    """How many there are; `limit + 1` when there are more."""
    return queryset.order_by().values("pk")[: limit + 1].count()


def quick_count(
    queryset: QuerySet[Any], limit: int = COUNT_LIMIT, *, milliseconds: int = COUNT_MILLISECONDS
) -> int | None:
    """As `capped_count`; None when even that takes too long, as for a rare value among millions."""
    connection = connections[queryset.db]
    try:
        with transaction.atomic(using=queryset.db), connection.cursor() as cursor:
            cursor.execute(_TIMEOUT.format(sql.Literal(milliseconds)))
            count = capped_count(queryset, limit)
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return None
        raise
    return count


def capped_text(count: int, noun: str, limit: int = COUNT_LIMIT) -> str:
    """ "1,234 calls", "1 call", "10,000+ calls" of a `capped_count`."""
    number = f"{limit:,}+" if count > limit else f"{count:,}"
    return f"{number} {noun if count != 1 else _singular(noun)}"


def _singular(noun: str) -> str:
    return f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")


def count_text(queryset: QuerySet[Any], shown: int, noun: str) -> str:
    """ "50 of 1,234 calls", honest and bounded: "50 of 10,000+ calls"."""
    return f"{shown:,} of {capped_text(capped_count(queryset), noun)}"


def with_parameters(request: HttpRequest, **changes: str | None) -> str:
    """This page's URL with parameters changed or (None) removed, back on its first page."""
    query: QueryDict = request.GET.copy()
    for name in CURSOR_PARAMETERS:
        query.pop(name, None)
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = value
    text = urlencode([(key, value) for key, values in query.lists() for value in values])
    return f"{request.path}?{text}" if text else request.path
