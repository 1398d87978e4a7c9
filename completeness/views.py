"""The page that says up to when every call is here, and how that is known."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import may, member_required, right_required
from accounts.http import MemberRequest
from accounts.roles import Right
from completeness import gaps
from completeness import jobs as completeness_jobs
from completeness.forms import AcceptForm, HistoryForm, RangeForm
from completeness.models import Run
from completeness.presentation import missing, status
from config.filtering import ignored_by
from config.paging import count_text, keyset_page
from config.partials import render_page, wants_partial


@require_GET
@member_required
def overview(request: MemberRequest) -> HttpResponse:
    runs = Run.objects.order_by("-id")
    page = keyset_page(request, runs, name="runs", keys=("id",))
    context: dict[str, Any] = {
        "is_refresh": wants_partial(request),
        "completeness": status(),
        "missing": missing(),
        "page": page,
        "count_text": count_text(runs, len(page.rows), "comparisons"),
        "ignored": ignored_by(page, request),
    }
    if may(request, Right.MANAGE_RETELL):
        forms = {"range": RangeForm(), "history": HistoryForm(), "accept": AcceptForm()}
        context |= {f"{name}_form": form for name, form in forms.items()}
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


@require_POST
@right_required(Right.MANAGE_RETELL)
def accept_gaps(request: MemberRequest) -> HttpResponse:
    """What Retell will never answer need not stay red for ever."""
    form = AcceptForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Nothing was accepted.") + " " + _reasons(form))
        return redirect("completeness:overview")
    number = gaps.accept(
        request.organization,
        gap_ids=form.cleaned_data["gap"],
        range_until=form.cleaned_data["range_until"],
        reason=form.cleaned_data["reason"],
        user=request.user,
    )
    if number:
        messages.success(request, gettext("Accepted. It stands in the audit log, and below."))
    else:
        messages.info(request, gettext("Nothing was left to accept: it came, or was accepted."))
    return redirect("completeness:overview")


def _refuse(request: MemberRequest, form: Form) -> HttpResponse:
    messages.error(request, gettext("Nothing was started.") + " " + _reasons(form))
    return redirect("completeness:overview")


def _reasons(form: Form) -> str:
    return " ".join(str(reason) for errors in form.errors.values() for reason in errors)
