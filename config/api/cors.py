"""Which pages of other origins may ask: an organization's own list, never all.

No cookies are let in: a program on such a page sends a key or a token of its own.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from accounts.access import policy_of
from accounts.http import VisitorRequest
from tenants.scope import door

_READ = "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
_SENT = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"
_METHODS = "GET, POST, PATCH, DELETE, OPTIONS"
_PREFLIGHT_SECONDS = "600"


def allow(request: VisitorRequest, response: HttpResponseBase) -> None:
    """Let the page that asks read the answer, if its origin is on the list."""
    patch_vary_headers(response, ["Origin"])
    if not (origin := request.headers.get("Origin", "")) or not _is_allowed(request, origin):
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = _READ
    if _is_preflight(request):
        response.headers["Access-Control-Allow-Methods"] = _METHODS
        response.headers["Access-Control-Allow-Headers"] = _SENT
        response.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS


def _is_preflight(request: HttpRequest) -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def _is_allowed(request: VisitorRequest, origin: str) -> bool:
    if request.organization is None:
        return False
    with door():
        return origin in policy_of(request.organization).api_origins
