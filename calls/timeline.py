"""The deliveries behind a call or chat, and what comparisons with Retell's list did to it.

They belong to `webhooks` and `completeness`, layers above, which register their readers here when
Django starts.
"""

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


@dataclass(frozen=True, slots=True)
class Correction:
    """What a comparison with Retell's list did (`verdict` has label and tone)."""

    at: datetime
    verdict: Any
    changes: list[tuple[str, str, str]]


Reader = Callable[[str], list[TimelineEntry]]
CorrectionReader = Callable[[str], list[Correction]]


def _nothing(subject_id: str) -> list[TimelineEntry]:
    return []


def _uncorrected(call_id: str) -> list[Correction]:
    return []


_reader: Reader = _nothing
_correction_reader: CorrectionReader = _uncorrected


def register(reader: Reader) -> None:
    global _reader  # noqa: PLW0603 - set once, when Django starts
    _reader = reader


def register_corrections(reader: CorrectionReader) -> None:
    global _correction_reader  # noqa: PLW0603 - set once, when Django starts
    _correction_reader = reader


def corrections_of(call_id: str) -> list[Correction]:
    """Oldest first."""
    return _correction_reader(call_id)


def entries_about(subject_id: str) -> list[TimelineEntry]:
    """Oldest first."""
    return _reader(subject_id)
