"""The overview of an organization."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.access import member_required
from accounts.http import MemberRequest
from analytics.presentation import overview_context
from completeness import presentation as completeness
from config import periods
from config.partials import render_page


@require_GET
@member_required
def overview(request: MemberRequest) -> HttpResponse:
    period = periods.period(
        request.GET.get("period", ""), now=timezone.now(), zone=request.organization.zone
    )
    context = overview_context(period) | {
        "completeness": completeness.status(),
        "period": period.key,
        "periods": periods.choices(request, period),
    }
    return render_page(request, "analytics/overview.html", "analytics/_overview.html", context)
