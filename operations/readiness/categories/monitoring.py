"""Whether somebody would hear of a fault."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from config.metrics import REQUESTS, own_metrics
from operations.health import Measurement
from operations.readiness import reporting
from operations.readiness.vocabulary import Category, Item, Phase

# Of all requests that were answered.
ERROR_RATE = 0.001


def metrics() -> Measurement:
    is_well = bool(settings.METRICS_TOKEN or settings.METRICS_ALLOWED)
    return Measurement(
        "metrics",
        is_well,
        "Prometheus may read /metrics." if is_well else "Nobody may read /metrics.",
        "Set METRICS_TOKEN or METRICS_ALLOWED, and add this host to Prometheus with the rules of"
        " ops/prometheus.",
    )


def error_rate() -> Measurement:
    """The share of errors among what this host's processes answered since they were started."""
    answered, failed = counted()
    if not answered:
        found = "No request was counted on this host yet."
        return Measurement("error-rate", True, found)
    found = f"Of {answered} requests counted on this host, {failed} were answered by an error."
    fix = "Look for the newest in Sentry, or in the log by request id."
    return Measurement("error-rate", failed <= answered * ERROR_RATE, found, fix)


def counted() -> tuple[int, int]:
    """Requests answered, and those answered 500 or above."""
    answered = failed = 0
    for family in own_metrics():
        for sample in family.samples:
            if sample.name != REQUESTS._name + "_total":
                continue
            answered += int(sample.value)
            failed += int(sample.value) if sample.labels["status"] >= "500" else 0
    return answered, failed


ITEMS = (
    Item(
        code="sentry",
        category=Category.MONITORING,
        title=_("Errors are reported"),
        why=_("A test event is sent, and must be accepted."),
        is_essential=True,
        measure=reporting.sentry,
    ),
    Item(
        code="metrics",
        category=Category.MONITORING,
        title=_("Metrics can be read"),
        why=_("The alert rules are made for them."),
        measure=metrics,
    ),
    Item(
        code="error-rate",
        category=Category.MONITORING,
        title=_("Fewer than one request in a thousand fails"),
        why=_("Nobody reports the error that they saw once."),
        phases=(Phase.LAUNCH_DAY, Phase.POST_LAUNCH),
        measure=error_rate,
    ),
    Item(
        code="alerts-arrive",
        category=Category.MONITORING,
        title=_("An alert reaches somebody's telephone"),
        why=_("A rule that wakes nobody is no alert."),
        fix=_("Stop the worker for ten minutes, and wait for the call."),
        signed_days=90,
        is_essential=True,
    ),
    Item(
        code="logs-kept",
        category=Category.MONITORING,
        title=_("Logs are kept somewhere else for a month"),
        why=_("The host that failed may be the one that has them."),
        fix=_("Ship standard output of all processes, one JSON record a line, to a store."),
        signed_days=180,
    ),
    Item(
        code="outside-watch",
        category=Category.MONITORING,
        title=_("/health/ready is watched from outside"),
        why=_("From the same host everything looks well while the line is cut."),
        fix=_("Let a service that is none of yours ask for it each minute."),
        signed_days=180,
    ),
)
