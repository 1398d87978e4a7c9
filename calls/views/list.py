"""The list of calls."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from accounts.access import member_required
from accounts.http import MemberRequest
from calls.filters import CallFilter
from calls.models import Call
from config import zones
from config.paging import count_text, keyset_page
from config.partials import render_page


@require_GET
@member_required
def call_list(request: MemberRequest) -> HttpResponse:
    filters = CallFilter(request.GET, Call.objects.for_list(), zone=request.organization.zone)
    page = keyset_page(request, filters.qs, name="calls")
    context = {
        "page": page,
        "count_text": count_text(filters.qs, len(page.rows), "calls"),
        "zone": zones.shown(),
        "filters": filters.form.chips(request),
        "filter_form": filters.form,
        "ignored": filters.form.ignored(request.GET),
        "clear_url": request.path,
    }
    return render_page(request, "calls/list.html", "calls/_table.html", context)
