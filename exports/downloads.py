"""Sending a file, or the rest of one: a download that broke off goes on where it was."""

from __future__ import annotations

import re
from functools import partial

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from exports.files import streamed
from exports.models import Export
from tenants.models import Organization
from tenants.pin import organization_context

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class NotSatisfiable(Exception):
    """The range begins after the end."""


def etag(export: Export) -> str:
    return f'"{export.sha256}"'


def is_beginning(header: str) -> bool:
    """Whether the first byte is asked for: leaving it out keeps nobody out of the log."""
    found = _RANGE.fullmatch(header.strip())
    return found is None or found[1].strip("0") == ""


def wanted_range(header: str, if_range: str, export: Export) -> tuple[int, int] | None:
    """(first, end) of what was asked for; None for everything.

    Several ranges, one that is not understood, and one of another file than this ask for
    everything, as RFC 9110 allows. Raises `NotSatisfiable`.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or not (found[1] or found[2]) or if_range not in ("", etag(export)):
        return None
    size = export.size_bytes
    if not found[1]:
        first, end = max(size - int(found[2]), 0), size
    else:
        first = int(found[1])
        end = min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < first:
            return None
    if first >= size or first >= end:
        raise NotSatisfiable
    return first, end


def file_response(
    export: Export, organization: Organization, *, byte_range: str, if_range: str, head: bool
) -> HttpResponseBase:
    """200 with all of it, 206 with a part, 416 for a part behind the end."""
    try:
        wanted = wanted_range(byte_range, if_range, export)
    except NotSatisfiable:
        refused = HttpResponse(status=416)
        refused.headers["Content-Range"] = f"bytes */{export.size_bytes}"
        return refused
    first, end = wanted or (0, export.size_bytes)
    response = _body(export, organization, first, end, head=head)
    headers = {
        "Content-Type": export.media_type,
        "Content-Length": str(end - first),
        "Content-Disposition": content_disposition_header(True, export.name) or "attachment",
        "Accept-Ranges": "bytes",
        "ETag": etag(export),
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    for name, value in headers.items():
        response.headers[name] = value
    if wanted:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {first}-{end - 1}/{export.size_bytes}"
    return response


def _body(
    export: Export, organization: Organization, first: int, end: int, *, head: bool
) -> HttpResponseBase:
    if head:
        return HttpResponse()
    scope = partial(organization_context, organization)
    return StreamingHttpResponse(streamed(export.pk, first, end, scope))
