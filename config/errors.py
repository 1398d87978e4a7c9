"""Error pages: what happened, what was kept, what to do next, and the request id."""

from __future__ import annotations

import sys
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from config.api.documents import is_for_api, plain_answer

RETRY_AFTER_SECONDS = 5


def error_page(request: HttpRequest, status: int, **context: Any) -> HttpResponse:
    """The page `templates/errors/<status>.html`, rendered without touching session or database;
    for the API a problem document."""
    if is_for_api(request):
        return plain_answer(request, status)
    organization = getattr(request, "organization", None)
    values = {
        "request_id": getattr(request, "request_id", ""),
        "status": status,
        "is_demo": organization is not None and organization.is_demo,
        **context,
    }
    return HttpResponse(render_to_string(f"errors/{status}.html", values), status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(request, 403, csrf=True)


def address_refused(request: HttpRequest, address: str) -> HttpResponse:
    return error_page(request, 403, address_refused=True, address=address)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 404)


def invitation_not_found(request: HttpRequest) -> HttpResponse:
    """The same for one that expired, was used or revoked, is another host's, or never was."""
    return error_page(request, 404, invitation=True)


def too_many_requests(request: HttpRequest, retry_after_seconds: int) -> HttpResponse:
    response = error_page(request, 429, retry_after_seconds=retry_after_seconds)
    response.headers["Retry-After"] = str(retry_after_seconds)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls this while the exception is being handled; a database that is away is a 503."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        response = error_page(request, 503)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    return error_page(request, 500)
