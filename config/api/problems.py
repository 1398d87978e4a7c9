"""What an API view raises, and the handler that makes problem documents of it and of DRF's own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from config.api.documents import MEDIA_TYPE, PLAIN, document


class Problem(exceptions.APIException):
    """A refusal with a stable `slug`; `detail` is a sentence: what happened, what to do next."""

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str,
        *,
        errors: Sequence[dict[str, str]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status_code = status
        self.slug, self.title, self.sentence = slug, title, detail
        self.errors, self.headers = errors, headers or {}


def error(field: str, detail: str, code: str = "invalid") -> dict[str, str]:
    return {"field": field, "detail": detail, "code": code}


def invalid_parameters(errors: Sequence[dict[str, str]]) -> Problem:
    return Problem(
        400,
        "invalid-parameter",
        _("A parameter of the URL is wrong"),
        _("Nothing was read: with a parameter left out the answer would mean something else."),
        errors=errors,
    )


def invalid_body(errors: Sequence[dict[str, str]]) -> Problem:
    return Problem(
        400,
        "invalid-body",
        _("The body is not as it should be"),
        _("Nothing was changed. See errors, and send it again."),
        errors=errors,
    )


def conflict(slug: str, detail: str, *, field: str = "") -> Problem:
    """What was asked is well formed, and cannot be done as things stand."""
    errors = [error(field, detail, slug)] if field else []
    return Problem(409, slug, _("It cannot be done as things stand"), detail, errors=errors)


def unauthorized(slug: str, detail: str) -> Problem:
    headers = {"WWW-Authenticate": 'Bearer realm="api"'}
    return Problem(401, slug, _("Say who you are"), detail, headers=headers)


def handle(raised: Exception, context: dict[str, Any]) -> Response | None:
    """For DRF. None for what is an error of ours: Django's handlers log and answer it."""
    problem = as_problem(raised)
    if problem is None:
        return None
    set_rollback()
    body = document(
        problem.status_code,
        problem.slug,
        problem.title,
        problem.sentence,
        request_id=getattr(context["request"], "request_id", ""),
        errors=problem.errors,
    )
    return Response(
        body, status=problem.status_code, headers=problem.headers, content_type=MEDIA_TYPE
    )


_STATUS_OF: dict[type[Exception], int] = {
    Http404: 404,
    PermissionDenied: 403,
    exceptions.PermissionDenied: 403,
    RequestDataTooBig: 413,
}


def as_problem(raised: Exception) -> Problem | None:
    if isinstance(raised, Problem):
        return raised
    for kind, status in _STATUS_OF.items():
        if isinstance(raised, kind):
            return Problem(status, *PLAIN[status])
    if isinstance(raised, exceptions.ValidationError):
        return invalid_body(list(_flat(raised.get_full_details())))
    if isinstance(raised, DjangoValidationError):
        return invalid_body([error("", message) for message in raised.messages])
    if isinstance(raised, exceptions.Throttled):
        return _too_many(raised)
    if isinstance(raised, exceptions.APIException):
        return _of_drf(raised)
    return None


def _too_many(raised: exceptions.Throttled) -> Problem:
    wait = max(1, math.ceil(getattr(raised, "wait", None) or 1))
    return Problem(429, *PLAIN[429], headers={"Retry-After": str(wait)})


# What DRF calls it → title.
_TITLES = {
    400: "The request cannot be read",
    405: "Not a method of this address",
    406: "No such format",
    415: "Not a format that is read here",
}


def _of_drf(raised: exceptions.APIException) -> Problem:
    status = raised.status_code
    slug = str(raised.get_codes()).replace("_", "-")
    return Problem(status, slug, _TITLES.get(status, "It cannot be done"), str(raised.detail))


def _flat(details: Any, field: str = "") -> Iterator[dict[str, str]]:
    """DRF's nested errors, one a line: `tags.0` is the first of the tags."""
    if isinstance(details, dict) and "message" in details and "code" in details:
        yield error(field, str(details["message"]), str(details["code"]))
    elif isinstance(details, dict):
        for name, inner in details.items():
            path = field if name == "non_field_errors" else f"{field}.{name}".lstrip(".")
            yield from _flat(inner, path)
    elif isinstance(details, list):
        for number, inner in enumerate(details):
            is_leaf = isinstance(inner, dict) and "message" in inner
            yield from _flat(inner, field if is_leaf else f"{field}.{number}".lstrip("."))
