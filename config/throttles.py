"""The API's two tiers of rate limits, for DRF. A view may name others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from config.addresses import client_address
from config.limits import seconds_to_wait

if TYPE_CHECKING:  # DRF reads its settings, and with them this module, while it defines its views
    from rest_framework.views import APIView

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class TierThrottle(BaseThrottle):
    """Reads and writes are counted apart, for the person or key, else for the address.

    Not DRF's own throttles: those take the address from a header that the client writes.
    """

    seconds = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        reads = request.method in SAFE_METHODS
        group = "api-reads" if reads else "api-writes"
        rate = settings.API_READ_LIMIT if reads else settings.API_WRITE_LIMIT
        self.seconds = seconds_to_wait(request._request, group, _who(request), rate)
        return self.seconds == 0

    def wait(self) -> float:
        return float(self.seconds)


def _who(request: Request) -> str:
    key = getattr(request.user, "pk", None)
    return f"user:{key}" if key else f"address:{client_address(request._request)}"
