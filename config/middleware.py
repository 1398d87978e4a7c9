"""Small middleware that belongs to no app: request id, NUL."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from config import errors
from config.addresses import comes_from_proxy
from tenants.pin import pinned_schema

GetResponse = Callable[[HttpRequest], HttpResponse]

request_id: ContextVar[str] = ContextVar("request_id", default="-")
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


class IdentifiedRequest(HttpRequest):
    """What this middleware puts on a request."""

    request_id: str


class RequestIdFilter(logging.Filter):
    """Says of each record for which request or job it is, and of which organization. That is named
    by its schema, as in metrics: the name says nothing about it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        if getattr(record, "organization", None) is None:
            record.organization = pinned_schema()
        return True


class RequestIdMiddleware:
    """One id a request: in logs, on error pages and in the answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: IdentifiedRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        believed = _ACCEPTED_ID.fullmatch(given) and comes_from_proxy(request)
        value = given if believed else uuid.uuid4().hex
        request.request_id = value
        token = request_id.set(value)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response.headers["X-Request-ID"] = value
        return response


class NulMiddleware:
    """400 for a NUL in the path or any parameter: no text of PostgreSQL can hold one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if "%00" in query or "\x00" in query or "\x00" in request.path_info:
            return errors.bad_request(request)
        return self.get_response(request)
