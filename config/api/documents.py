"""Problem documents (RFC 9457), for what is answered before DRF, and by it.

Knows no app: the error pages of every layer come here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse

PREFIX = "/api/"
MEDIA_TYPE = "application/problem+json"
# Stable: programs compare it. Followed by the slug of the problem.
TYPE_PREFIX = "urn:switchboard:problem:"

# Per status what an answer says that comes from elsewhere: slug, title, detail.
PLAIN: dict[int, tuple[str, str, str]] = {
    400: ("bad-request", "The request cannot be read", "Nothing was done."),
    403: ("forbidden", "Not allowed", "You may not do this here. Nothing was done."),
    404: ("not-found", "Not found", "There is nothing at this address."),
    413: ("too-large", "Too large", "The body is larger than what is read. Nothing was done."),
    429: ("too-many-requests", "Too many requests", "Wait as long as Retry-After says."),
    500: (
        "server-error",
        "An error on our side",
        "Nothing was half done. Tell the operator the request id.",
    ),
    503: (
        "unavailable",
        "Not available for the moment",
        "The database does not answer. Try again after as long as Retry-After says.",
    ),
}


def is_for_api(request: HttpRequest) -> bool:
    return request.path_info.startswith(PREFIX)


def document(
    status: int,
    slug: str,
    title: str,
    detail: str,
    *,
    request_id: str,
    errors: Sequence[dict[str, str]] = (),
) -> dict[str, Any]:
    """`errors`: what is wrong field by field, each with `field`, `detail` and `code`."""
    found: dict[str, Any] = {
        "type": TYPE_PREFIX + slug,
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    return found | ({"errors": list(errors)} if errors else {})


def plain_answer(request: HttpRequest, status: int) -> HttpResponse:
    slug, title, detail = PLAIN[status]
    request_id = getattr(request, "request_id", "")
    body = json.dumps(document(status, slug, title, detail, request_id=request_id))
    return HttpResponse(body, status=status, content_type=MEDIA_TYPE)
