"""The list of calls."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from accounts.access import member_required
from accounts.http import MemberRequest
from calls.selection import Selection
from config import zones
from config.paging import count_text, keyset_page
from config.partials import render_page


@require_GET
@member_required
def call_list(request: MemberRequest) -> HttpResponse:
    selection = Selection.from_request(request)
    page = keyset_page(request, selection.calls(), name="calls")
    context = {
        "page": page,
        "count_text": count_text(selection.calls(), len(page.rows), "calls"),
        "zone": zones.shown(),
        "filters": selection.chips(request),
        "filter_form": selection.form,
        "ignored": selection.ignored,
        "clear_url": request.path,
    }
    return render_page(request, "calls/list.html", "calls/_table.html", context)
