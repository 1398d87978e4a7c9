"""The API's tiers of rate limits, for DRF. A view may name others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from config.addresses import client_address
from config.limits import Use, count_use

if TYPE_CHECKING:  # DRF reads its settings, and with them this module, while it defines its views
    from rest_framework.views import APIView

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class TierThrottle(BaseThrottle):
    """Reads and writes are counted apart, for the person or key, else for the address.

    Not DRF's own throttles: those take the address from a header that the client writes. `group`
    and `use` are what the `RateLimit` headers tell; no use with the cache gone.
    """

    group = ""
    use: Use | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        reads = request.method in SAFE_METHODS
        self.group = "api-reads" if reads else "api-writes"
        rate = settings.API_READ_LIMIT if reads else settings.API_WRITE_LIMIT
        return self.count(request, rate)

    def count(self, request: Request, rate: str) -> bool:
        self.use = count_use(request._request, self.group, _who(request), rate)
        return self.use is None or not self.use.is_over

    def wait(self) -> float:
        return float(self.use.wait_seconds) if self.use else 0.0


class ExportThrottle(TierThrottle):
    """Exports that programs ask for, as few as people may."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        if request.method in SAFE_METHODS:
            return True
        self.group = "exports"
        return self.count(request, settings.EXPORT_LIMIT)


def _who(request: Request) -> str:
    key = getattr(request.user, "pk", None)
    return f"user:{key}" if key else f"address:{client_address(request._request)}"


def headers_of(throttle: TierThrottle) -> dict[str, str]:
    """As draft-ietf-httpapi-ratelimit-headers writes them: how many are left, until when."""
    use = throttle.use
    if use is None:
        return {}
    return {
        "RateLimit": f'"{throttle.group}";r={use.left};t={use.reset_seconds}',
        "RateLimit-Policy": f'"{throttle.group}";q={use.limit};w={use.period_seconds}',
    }
