"""Measuring the readiness nightly, and when somebody asks."""

from __future__ import annotations

from procrastinate.contrib.django import app

from operations.readiness import actions
from operations.readiness.models import ReadinessAssessment
from tenants.scope import platform


@app.periodic(cron="41 5 * * *")
@app.task(name="operations.readiness_nightly", queueing_lock="operations.readiness_nightly")
def assess_nightly(timestamp: int) -> None:
    """Daily, for the history; after backup and proof."""
    with platform():
        asked = ReadinessAssessment.objects.create()
    actions.assess_now(asked)


@app.task(name="operations.readiness")
def assess_requested(assessment_id: int) -> None:
    """One that somebody asked for on the page."""
    with platform():
        asked = ReadinessAssessment.objects.get(pk=assessment_id)
    actions.assess_now(asked)
