"""What a view says of each method it answers: for the scope it takes, and for the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework.serializers import Serializer

from accounts.scopes import Scope

DEFAULT_LIMIT, MOST_ROWS = 50, 200


@dataclass(frozen=True, slots=True)
class Operation:
    """`id` names it in generated clients. `gives`: what it answers (None: nothing, or a file);
    `many`: a page of them. `example` is of one. `takes`: the body."""

    id: str
    scope: Scope | None = None
    gives: type[Serializer[Any]] | None = None
    example: Any = None
    many: bool = False
    status: int = 200
    takes: type[Serializer[Any]] | None = None
    takes_example: Any = None
    # Of a file.
    media_types: tuple[str, ...] = ()
    # Whether a POST may be sent again with an Idempotency-Key.
    is_idempotent: bool = True
    # Further answers: status → what it means.
    problems: tuple[int, ...] = ()
