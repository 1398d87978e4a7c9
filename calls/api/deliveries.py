"""The deliveries behind calls. They belong to `webhooks`, a layer above, which registers its
reader here when Django starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

# Ids in Retell → for each that has any, its deliveries, oldest first.
Reader = Callable[[Sequence[str]], dict[str, list[dict[str, Any]]]]


def _nothing(subject_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    return {}


_reader: Reader = _nothing


def register(reader: Reader) -> None:
    global _reader  # noqa: PLW0603 - set once, when Django starts
    _reader = reader


def deliveries_about(subject_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """In one query for any number."""
    return _reader(subject_ids)
