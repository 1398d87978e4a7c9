"""The page that says up to when every call is here, and how that is known."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from accounts.access import may, member_required, right_required
from accounts.http import MemberRequest
from accounts.roles import Right
from completeness import jobs as completeness_jobs
from completeness.forms import HistoryForm, RangeForm
from completeness.models import Run
from completeness.presentation import status
from config.paging import count_text, keyset_page
from config.partials import render_page


@require_GET
@member_required
def overview(request: MemberRequest) -> HttpResponse:
    runs = Run.objects.order_by("-id")
    page = keyset_page(request, runs, name="runs", keys=("id",))
    context: dict[str, Any] = {
        "completeness": status(),
        "page": page,
        "count_text": count_text(runs, len(page.rows), "comparisons"),
    }
    if may(request, Right.MANAGE_RETELL):
        context |= {"range_form": RangeForm(), "history_form": HistoryForm()}
    return render_page(
        request, "completeness/overview.html", "completeness/_overview.html", context
    )


@require_POST
@right_required(Right.MANAGE_RETELL)
def compare_range(request: MemberRequest) -> HttpResponse:
    form = RangeForm(request.POST)
    if not form.is_valid():
        return _refuse(request, form)
    job = completeness_jobs.compare_range(
        request.organization, user=request.user, **form.cleaned_data
    )
    return redirect(job)


@require_POST
@right_required(Right.MANAGE_RETELL)
def fetch_history(request: MemberRequest) -> HttpResponse:
    form = HistoryForm(request.POST)
    if not form.is_valid():
        return _refuse(request, form)
    job = completeness_jobs.fetch_history(
        request.organization, user=request.user, **form.cleaned_data
    )
    return redirect(job)


def _refuse(request: MemberRequest, form: RangeForm | HistoryForm) -> HttpResponse:
    reasons = [str(reason) for errors in form.errors.values() for reason in errors]
    messages.error(request, f"Nothing was started. {' '.join(reasons)}")
    return redirect("completeness:overview")
