"""The operator's own screens."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import confirmation_required, super_admin_required
from accounts.actions import acting, handover
from accounts.exceptions import AccountError
from accounts.http import OperatorRequest
from accounts.models import Membership
from accounts.querysets import find_visit
from agents.connection.exceptions import RetellKeyError
from config.partials import render_page
from operations import listing, organizations
from operations.forms import NewOrganizationForm, SuspendForm, VisitForm
from operations.listing import OrganizationFilterForm
from operations.setup import setup_of
from tenants.exceptions import OrganizationError
from tenants.models import Organization, OrganizationStatus
from webhooks import presentation, refusals

VISIT_ALLOWED = lazy("You may look inside for half an hour, beginning when you enter.")
VISIT_ASKED = lazy("The organization's admins were asked. You can enter once one of them agrees.")


@require_GET
@super_admin_required
def organization_list(request: OperatorRequest) -> HttpResponse:
    form = OrganizationFilterForm(request.GET)
    page = listing.page(request, form)
    context = {
        "rows": listing.rows(page.object_list),
        "kpis": listing.kpis(),
        "headings": listing.headings(request),
        "count_text": listing.count_text(page),
        "page": listing.neighbours(request, page),
        "filter_form": form,
        "filters": form.chips(request),
        "ignored": form.ignored(request.GET, known=("page", "sort")),
        "is_filtered": bool(form.values()),
        "clear_url": request.path,
        "refused": presentation.refused(refusals.by_hour("")),
        "kept": [("sort", listing.sort_of(request))] if "sort" in request.GET else [],
    }
    return render_page(
        request, "operations/organizations.html", "operations/_organizations.html", context
    )


@require_http_methods(["GET", "POST"])
@super_admin_required
@sensitive_post_parameters("retell_api_key")
def organization_new(request: OperatorRequest) -> HttpResponse:
    form = NewOrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            created = organizations.request_organization(
                **form.cleaned_data, created_by=request.user.email
            )
        except (OrganizationError, RetellKeyError) as error:
            form.add_error(None, str(error))
        else:
            context = {
                "organization": created.organization,
                "webhook_url": created.endpoint.url,
                "invitation_url": created.invitation_url,
                "is_mailed": settings.MAIL_IS_CONFIGURED,
                "retell_note": created.retell_note,
                "setup": setup_of(created.organization),
            }
            return render(request, "operations/organization_created.html", context)
    return render(request, "operations/organization_new.html", {"form": form})


@require_GET
@super_admin_required
def organization_detail(request: OperatorRequest, organization_id: UUID) -> HttpResponse:
    organization = get_object_or_404(Organization, pk=organization_id)
    endpoint = organization.webhook_endpoints.filter(expires_at=None).first()
    members = Membership.objects.filter(organization=organization).select_related("user")
    context: dict[str, Any] = {
        "organization": organization,
        "webhook_url": endpoint and endpoint.url,
        **listing.at_a_glance(organization),
        "members": [
            {
                "email": member.user.email,
                "name": member.user.name,
                "role": member.get_role_display(),
                "last_login": member.user.last_login,
            }
            for member in members
        ],
    }
    if organization.status == OrganizationStatus.ACTIVE:
        context["visit"] = find_visit(organization, request.user)
        context["visit_form"] = VisitForm()
        context["suspend_url"] = reverse("operations:suspend", args=[organization.pk])
    elif organization.status in (OrganizationStatus.SUSPENDED, OrganizationStatus.ARCHIVED):
        context["resume_url"] = reverse("operations:resume", args=[organization.pk])
    return render(request, "operations/organization_detail.html", context)


@require_GET
@super_admin_required
def setup(request: OperatorRequest, organization_id: UUID) -> HttpResponse:
    """How far a new organization is; htmx asks again until its first event was verified."""
    organization = get_object_or_404(Organization.objects.with_schema(), pk=organization_id)
    endpoint = organization.webhook_endpoints.filter(expires_at=None).first()
    context = {
        "organization": organization,
        "setup": setup_of(organization),
        "webhook_url": endpoint and endpoint.url,
    }
    return render_page(request, "operations/setup.html", "operations/_setup.html", context)


@require_POST
@super_admin_required
@confirmation_required
def visit(request: OperatorRequest, organization_id: UUID) -> HttpResponse:
    """Ask to look inside; the page of the organization shows the way in, or who must agree."""
    organization = get_object_or_404(Organization, pk=organization_id, status="active")
    form = VisitForm(request.POST)
    if form.is_valid():
        asked = acting.ask(organization, request.user, reason=form.cleaned_data["reason"])
        messages.success(request, VISIT_ALLOWED if asked.consented_at else VISIT_ASKED)
    else:
        messages.error(request, _("Nobody looked inside: give a reason of at least ten letters."))
    return redirect("operations:organization_detail", organization.pk)


@require_GET
@super_admin_required
def enter(request: OperatorRequest, organization_id: UUID) -> HttpResponse:
    """The way in. A link, because a form's answer may not lead to another host."""
    organization = get_object_or_404(Organization, pk=organization_id, status="active")
    visit = find_visit(organization, request.user)
    if visit is None:
        raise Http404
    try:
        acting.begin(visit)
    except AccountError as error:
        messages.error(request, str(error))
        return redirect("operations:organization_detail", organization.pk)
    return redirect(handover.mint(request, request.user, organization, acting=visit))


@require_POST
@super_admin_required
def suspend(request: OperatorRequest, organization_id: UUID) -> HttpResponse:
    organization = get_object_or_404(Organization, pk=organization_id)
    form = SuspendForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        organizations.suspend(organization, reason=reason)
        messages.success(
            request,
            _("%(name)s is suspended. Its webhooks are still kept.") % {"name": organization.name},
        )
    except OrganizationError as error:
        messages.error(request, str(error))
    return redirect("operations:organization_detail", organization.pk)


@require_POST
@super_admin_required
def resume(request: OperatorRequest, organization_id: UUID) -> HttpResponse:
    organization = get_object_or_404(Organization, pk=organization_id)
    try:
        organizations.resume(organization)
        messages.success(request, _("%(name)s is active again.") % {"name": organization.name})
    except OrganizationError as error:
        messages.error(request, str(error))
    return redirect("operations:organization_detail", organization.pk)
