"""Which pages of other origins may ask: an organization's own list, never all.

No cookies are let in: a program on such a page sends a key or a token of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import cast

from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from accounts.access import policy_of
from accounts.http import VisitorRequest
from config.api.documents import is_for_api
from tenants.scope import door

_READ = (
    "Accept-Ranges, Content-Disposition, Content-Range, Deprecation, ETag, Idempotency-Replayed,"
    " Link, Location, RateLimit, RateLimit-Policy, Retry-After, Sunset, X-Request-ID"
)
_SENT = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Range"
_METHODS = "GET, POST, PATCH, DELETE, OPTIONS"
_PREFLIGHT_SECONDS = "600"


class OriginMiddleware:
    """For every answer below `/api/`, those that no view gave among them. Below the middleware
    that finds the organization."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if is_for_api(request):
            # With the database away the answer says so, to pages of our own origin.
            with suppress(DatabaseError):
                allow(cast(VisitorRequest, request), response)
        return response


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
