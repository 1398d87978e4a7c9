"""Reads for the readiness page. They work on the platform (`tenants.scope`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.utils import timezone

from operations.health import Measurement
from operations.readiness.models import ReadinessAssessment, SignOff
from tenants.scope import platform

# A measurement takes seconds; one that was not finished by then was broken off.
PENDING = timedelta(minutes=3)
HISTORY_DAYS = 90


def sign_offs() -> dict[str, SignOff]:
    """By code, the newest that was not taken back."""
    with platform():
        rows = SignOff.objects.filter(withdrawn_at=None).order_by("code", "-id").distinct("code")
        return {row.code: row for row in rows}


def sign_offs_of(code: str) -> list[SignOff]:
    """All of one item, newest first."""
    with platform():
        return list(SignOff.objects.filter(code=code).order_by("-id"))


def latest() -> ReadinessAssessment | None:
    """The newest measurement that came to an end."""
    with platform():
        finished = ReadinessAssessment.objects.exclude(finished_at=None)
        return finished.order_by("-id").first()


def is_pending() -> bool:
    """Whether one was asked for and is not done yet."""
    since = timezone.now() - PENDING
    with platform():
        return ReadinessAssessment.objects.filter(
            finished_at=None, requested_at__gte=since
        ).exists()


def measured(assessment: ReadinessAssessment | None) -> Mapping[str, Measurement]:
    """What a stored one found, by code."""
    stored = assessment.measured if assessment else {}
    return {code: Measurement(code, **found) for code, found in stored.items()}


def history() -> list[tuple[datetime, int]]:
    """The last score of each day (UTC) of `HISTORY_DAYS`, oldest first."""
    since = timezone.now() - timedelta(days=HISTORY_DAYS)
    with platform():
        rows = ReadinessAssessment.objects.filter(finished_at__gte=since, score__isnull=False)
        found = rows.order_by("finished_at").values_list("finished_at", "score")
        by_day = {at.date(): (at, int(score)) for at, score in found if at and score is not None}
    return list(by_day.values())
