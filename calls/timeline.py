"""The deliveries behind a call or chat. They belong to `webhooks`, a layer above, which registers
its reader here when Django starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One delivery: what came when, and what became of it (`state` has label and tone)."""

    event: str
    received_at: datetime
    state: Any
    url: str
    note: str
    body_sha256: bytes


Reader = Callable[[str], list[TimelineEntry]]


def _nothing(subject_id: str) -> list[TimelineEntry]:
    return []


_reader: Reader = _nothing


def register(reader: Reader) -> None:
    global _reader  # noqa: PLW0603 - set once, when Django starts
    _reader = reader


def entries_about(subject_id: str) -> list[TimelineEntry]:
    """Oldest first."""
    return _reader(subject_id)
