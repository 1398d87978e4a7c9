"""What processes count of their own doing; what is measured of the whole is `operations.metrics`.

Labels take few values, all of them known beforehand: names of routes, of jobs, of verdicts. None
is of an organization or a person.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from config import metric_files

GetResponse = Callable[[HttpRequest], HttpResponse]

metric_files.install()
_own = CollectorRegistry()

REQUESTS = Counter(
    "switchboard_requests_total",
    "Requests answered by web.",
    ("route", "method", "status"),
    registry=_own,
)
REQUEST_SECONDS = Histogram(
    "switchboard_request_seconds",
    "How long web took for a request.",
    ("route",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=_own,
)
DELIVERIES = Counter(
    "switchboard_deliveries_total",
    "Correctly signed deliveries from Retell, by what became of them.",
    ("verdict",),
    registry=_own,
)
REFUSALS = Counter(
    "switchboard_refusals_total",
    "Refused deliveries, by cause.",
    ("cause",),
    registry=_own,
)
DELIVERY_AGE = Histogram(
    "switchboard_delivery_age_seconds",
    "From receiving a delivery to its being applied.",
    ("through",),
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 900, 3600, 21600),
    registry=_own,
)
JOBS = Counter(
    "switchboard_jobs_total", "Jobs that ended, by how.", ("task", "outcome"), registry=_own
)
SOCKETS = Counter(
    "switchboard_live_sockets_total",
    "Live sockets that were opened and closed.",
    ("event",),
    registry=_own,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def own_metrics() -> list[Metric]:
    """What all processes of this host counted, or this one alone where they share no folder."""
    files = metric_files.readable()
    merge: Any = MultiProcessCollector.merge  # comes without types
    return list(merge(files)) if files else list(_own.collect())


def route_of(request: HttpRequest) -> str:
    """The name of the page that answered, however its address reads."""
    match = request.resolver_match
    if match is not None:
        return match.view_name or "unnamed"
    if request.path_info.startswith(("/health", "/metrics")):
        return "probe"  # a 503 of which is no failed request
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "none"


class MetricsMiddleware:
    """Counts requests and how long they took, up to where an answer begins to leave."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        route = route_of(request)
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(route, method, response.status_code).inc()
        REQUEST_SECONDS.labels(route).observe(time.perf_counter() - began)
        return response
