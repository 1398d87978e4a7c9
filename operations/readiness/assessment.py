"""Measurements and signatures put together: what is done, what is missing, and the score."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from operations.health import Measurement
from operations.readiness.categories import ITEMS
from operations.readiness.models import SignOff
from operations.readiness.vocabulary import Category, Item, State

logger = logging.getLogger(__name__)

NOT_MEASURED = "This could not be measured; the log says why."


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of one item: measured, or signed off by whom until when."""

    item: Item
    state: State
    found: str = ""
    fix: str = ""
    sign_off: SignOff | None = None

    @property
    def tone(self) -> str:
        """Red is for what nobody should go live without."""
        is_essential = self.item.is_essential
        return "warn" if self.state == State.MISSING and not is_essential else self.state.tone


@dataclass(frozen=True, slots=True)
class Score:
    """The share of what is done, in whole percent; 100 only when nothing is missing."""

    percent: int
    done: int
    items: int

    @property
    def share(self) -> float:
        return self.percent / 100


@dataclass(frozen=True, slots=True)
class Assessment:
    results: Sequence[Result]

    @property
    def score(self) -> Score:
        return _score(self.results)

    def score_of(self, category: Category) -> Score:
        return _score(self.of(category))

    def of(self, category: Category) -> list[Result]:
        return [result for result in self.results if result.item.category == category]

    @property
    def missing(self) -> list[Result]:
        """What is still to be done, the essential first."""
        left = [result for result in self.results if not result.state.counts]
        return sorted(left, key=lambda result: not result.item.is_essential)

    @property
    def lacks_essentials(self) -> bool:
        return any(result.item.is_essential for result in self.missing)


def _score(results: Iterable[Result]) -> Score:
    counted = list(results)
    done = [result for result in counted if result.state.counts]
    whole = sum(result.item.weight for result in counted)
    reached = sum(result.item.weight for result in done)
    return Score(reached * 100 // whole if whole else 100, len(done), len(counted))


def measure_all(items: Sequence[Item] = ITEMS) -> dict[str, Measurement]:
    """Every item that can be measured, now. Takes seconds: it asks other hosts, too."""
    return {item.code: _measure(item) for item in items if item.measure is not None}


def _measure(item: Item) -> Measurement:
    assert item.measure is not None
    try:
        return item.measure()
    except Exception:  # one item that breaks must not hide the others
        logger.exception(
            "an item of the readiness page was not measured", extra={"cause": item.code}
        )
        return Measurement(item.code, is_well=False, found=NOT_MEASURED)


def assess(
    measured: Mapping[str, Measurement],
    signed: Mapping[str, SignOff],
    *,
    now: datetime | None = None,
    items: Sequence[Item] = ITEMS,
) -> Assessment:
    """What is measured and what is signed off, by the code of the item, as one picture."""
    at = now or timezone.now()
    return Assessment([_result(item, measured, signed, at) for item in items])


def _result(
    item: Item,
    measured: Mapping[str, Measurement],
    signed: Mapping[str, SignOff],
    now: datetime,
) -> Result:
    if item.is_signed_off:
        return _signed(item, signed.get(item.code), now)
    found = measured.get(item.code)
    if found is None:
        return Result(item, State.UNMEASURED)
    state = State.WELL if found.is_well else State.MISSING
    return Result(item, state, found.found, "" if found.is_well else found.fix)


def _signed(item: Item, sign_off: SignOff | None, now: datetime) -> Result:
    if sign_off is None:
        return Result(item, State.MISSING, fix=str(item.fix))
    if sign_off.expires_at <= now:
        return Result(item, State.EXPIRED, fix=str(item.fix), sign_off=sign_off)
    return Result(item, State.SIGNED, sign_off=sign_off)


def as_json(assessment: Assessment) -> dict[str, Any]:
    """For `manage.py readiness --json`; times are ISO 8601 in UTC."""
    return {
        "score": assessment.score.percent,
        "categories": {
            category.value: assessment.score_of(category).percent for category in Category
        },
        "lacks_essentials": assessment.lacks_essentials,
        "items": [_result_as_json(result) for result in assessment.results],
    }


def _result_as_json(result: Result) -> dict[str, Any]:
    sign_off = result.sign_off
    return {
        "code": result.item.code,
        "category": result.item.category.value,
        "title": str(result.item.title),
        "is_essential": result.item.is_essential,
        "state": result.state.value,
        "found": result.found,
        "fix": result.fix,
        "signed_by": sign_off.signed_by_label if sign_off else None,
        "expires_at": sign_off.expires_at.isoformat() if sign_off else None,
    }
