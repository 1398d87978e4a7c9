"""The readiness page, for super admins."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import confirmation_required, super_admin_required
from accounts.http import OperatorRequest
from config.partials import render_page
from operations.readiness import actions, presentation, querysets
from operations.readiness.assessment import assess
from operations.readiness.categories import by_code
from operations.readiness.forms import SignOffForm
from operations.readiness.vocabulary import Item, Phase


@require_GET
@super_admin_required
def readiness(request: OperatorRequest) -> HttpResponse:
    """The assessment by category, or one of the checklists; an unknown `list` is ignored."""
    assessment = presentation.current()
    shown = request.GET.get("list", "")
    phase = Phase(shown) if shown in Phase.values else None
    context = {
        "assessment": assessment,
        "tone": presentation.tone_of(assessment.score),
        "tabs": presentation.tabs(assessment, phase.value if phase else ""),
        "kpis": presentation.kpis(assessment) if phase is None else [],
        "cards": presentation.checklist(assessment, phase)
        if phase
        else presentation.cards(assessment),
        "history": presentation.history() if phase is None else None,
        "latest": querysets.latest(),
        "is_pending": querysets.is_pending(),
    }
    return render_page(request, "operations/readiness.html", "operations/_readiness.html", context)


@require_POST
@super_admin_required
def measure(request: OperatorRequest) -> HttpResponse:
    if actions.request_assessment(request.user.audit_label):
        messages.success(request, _("Everything is being measured; this page shows it when done."))
    else:
        messages.info(request, _("It is being measured already."))
    return redirect("operations:readiness")


@require_http_methods(["GET", "POST"])
@super_admin_required
@confirmation_required
def item(request: OperatorRequest, code: str) -> HttpResponse:
    """One item: what is known of it, and signing it off where nothing measures it."""
    found = _item(code)
    form = SignOffForm(request.POST or None, item=found) if found.is_signed_off else None
    if request.method == "POST" and form is not None and form.is_valid():
        actions.sign_off(found, actor=request.user, **form.cleaned_data)
        messages.success(request, _("Signed off. It stands in the audit log."))
        return redirect("operations:readiness")
    measured = querysets.measured(querysets.latest())
    context = {
        "item": found,
        "result": assess(measured, querysets.sign_offs(), items=[found]).results[0],
        "signatures": querysets.sign_offs_of(code),
        "form": form,
    }
    return render(request, "operations/readiness_item.html", context)


@require_POST
@super_admin_required
@confirmation_required
def withdraw(request: OperatorRequest, code: str) -> HttpResponse:
    try:
        actions.withdraw(_item(code))
        messages.success(request, _("Taken back. The item counts as to do again."))
    except actions.ReadinessError as error:
        messages.error(request, str(error))
    return redirect("operations:readiness_item", code)


def _item(code: str) -> Item:
    if code not in by_code:
        raise Http404
    return by_code[code]
