"""Operators looking inside: what an organization's admins see and decide of it."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.access import confirmation_required, right_required
from accounts.actions import acting as actions
from accounts.exceptions import AccountError
from accounts.http import MemberRequest, VisitorRequest
from accounts.models import ActingInside
from accounts.querysets import visits
from accounts.roles import Right
from tenants.scope import door


def _visit(request: MemberRequest, acting_id: UUID) -> ActingInside:
    with door():
        found = (
            ActingInside.objects.filter(pk=acting_id, organization=request.organization)
            .select_related("organization")
            .first()
        )
    if found is None:
        raise Http404
    return found


@require_GET
@right_required(Right.MANAGE_ACCESS)
def visit_list(request: MemberRequest) -> HttpResponse:
    return render(request, "accounts/visits.html", {"visits": visits(request.organization)})


@require_POST
@right_required(Right.MANAGE_ACCESS)
@confirmation_required
def allow_visit(request: MemberRequest, acting_id: UUID) -> HttpResponse:
    visit = _visit(request, acting_id)
    try:
        actions.consent(visit, by=request.user)
        messages.success(request, f"{visit.user_label} may look inside for half an hour.")
    except AccountError as error:
        messages.error(request, str(error))
    return redirect("accounts:visits")


@require_POST
@right_required(Right.MANAGE_ACCESS)
def refuse_visit(request: MemberRequest, acting_id: UUID) -> HttpResponse:
    """Refuses a visit that was asked for, or ends the one that is under way."""
    visit = _visit(request, acting_id)
    try:
        if visit.consented_at is None:
            actions.refuse(visit)
        else:
            actions.end(visit)
        messages.success(request, f"{visit.user_label} cannot look inside.")
    except AccountError as error:
        messages.error(request, str(error))
    return redirect("accounts:visits")


@require_POST
def leave(request: VisitorRequest) -> HttpResponse:
    """The operator goes."""
    acting = request.standing.acting
    if acting is None:
        return redirect("accounts:sign_in")
    actions.leave(request, acting)
    path = reverse(
        "operations:organization_detail",
        args=[acting.organization_id],
        urlconf=settings.PUBLIC_SCHEMA_URLCONF,
    )
    context = {
        "organization": request.organization,
        "operator_url": settings.PUBLIC_BASE_URL + path,
    }
    return render(request, "accounts/left.html", context)
