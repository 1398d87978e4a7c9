"""Measuring the organizations for the operator's pages."""

from __future__ import annotations

from procrastinate.contrib.django import app

from operations import certificates, measuring
from operations.backups import tasks as backup_tasks  # noqa: F401 - the worker finds them here
from operations.readiness import tasks as readiness_tasks  # noqa: F401 - as above
from tenants.each import for_each_organization


@app.periodic(cron="*/2 * * * *")
@app.task(name="operations.measure", queueing_lock="operations.measure")
def measure(timestamp: int) -> None:
    """Every two minutes: how each does, and its last days."""
    for_each_organization(measuring.measure)


@app.periodic(cron="23 4 * * *")
@app.task(name="operations.measure_long_ago", queueing_lock="operations.measure_long_ago")
def measure_long_ago(timestamp: int) -> None:
    """Daily: days of long ago, for calls that came or changed late."""
    for_each_organization(measuring.measure_long_ago)


@app.periodic(cron="5 * * * *")
@app.task(name="operations.measure_certificate", queueing_lock="operations.measure_certificate")
def measure_certificate(timestamp: int) -> None:
    """Hourly: how long the certificate lasts."""
    certificates.measure()
