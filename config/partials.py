"""One view, one URL, one context: the whole page, or the part that htmx swaps."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from accounts.http import VisitorRequest


def wants_partial(request: VisitorRequest) -> bool:
    """Asked for by htmx, and neither a boosted link nor the restoring of history."""
    htmx = request.htmx
    return bool(htmx and not htmx.boosted and not htmx.history_restore_request)


def render_page(
    request: VisitorRequest, page: str, partial: str, context: dict[str, Any]
) -> HttpResponse:
    """Render `partial` for htmx, else `page`, which includes it."""
    response = render(request, partial if wants_partial(request) else page, context)
    patch_vary_headers(response, ["HX-Request"])
    return response
