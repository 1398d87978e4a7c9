"""What monitoring asks, on any host and without signing in.

| path | answer |
|---|---|
| `/health` | 200 while this process answers at all; nothing else is asked |
| `/health/ready` | 200 when every measurement is well, else 503; which, by name |
| `/metrics` | from `METRICS_ALLOWED` or with `METRICS_TOKEN`; to others as if not there |

A load balancer asks `/health`: a dead worker is no reason to take pages out of service.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST

from config.addresses import client_address
from config.networks import parse_address
from operations import metrics
from operations.health import MEASUREMENTS
from operations.health.ready import measurements

GetResponse = Callable[[HttpRequest], HttpResponse]


class ProbeMiddleware:
    """Above everything that looks for hosts, people or pages."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = _PROBES.get(request.path_info.rstrip("/"))
        if probe is None or (probe is _metrics and not may_scrape(request)):
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        return probe()


def _alive() -> HttpResponse:
    return JsonResponse({"status": "ok"})


def _ready() -> HttpResponse:
    """Names only: what was found is for the operator's pages. What is not known is not well."""
    well = {one.code for one in measurements.look() if one.is_well}
    checks = {code: "ok" if code in well else "not ok" for code in MEASUREMENTS}
    if len(well) == len(MEASUREMENTS):
        return JsonResponse({"status": "ok", "checks": checks})
    return JsonResponse(
        {"status": "unavailable", "checks": checks}, status=503, headers={"Retry-After": "5"}
    )


def _metrics() -> HttpResponse:
    return HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)


def may_scrape(request: HttpRequest) -> bool:
    """From an allowed address, or with the token."""
    address = parse_address(client_address(request))
    if address is not None and any(address in network for network in settings.METRICS_ALLOWED):
        return True
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not settings.METRICS_TOKEN or scheme.lower() != "bearer":
        return False
    return constant_time_compare(token, settings.METRICS_TOKEN)


_PROBES: dict[str, Callable[[], HttpResponse]] = {
    "/health": _alive,
    "/health/ready": _ready,
    "/metrics": _metrics,
}
