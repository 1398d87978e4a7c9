"""The audit log's pages: an organization's own, and all of them for the operator."""

from __future__ import annotations

from datetime import tzinfo
from typing import cast
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.access import confirmation_required, right_required, super_admin_required
from accounts.http import MemberRequest, OperatorRequest
from accounts.limits import limited_export
from accounts.roles import Right
from audit import actions, export
from audit.filters import EntryFilter, OperatorEntryFilter, chosen_chain
from audit.models import Entry
from audit.presentation import list_context
from audit.querysets import people_of
from config.csv_files import csv_response
from config.partials import render_page
from tenants.pin import organization_context
from tenants.scope import platform

PAGE, PARTIAL = "audit/list.html", "audit/_entries.html"
# One log, one clock: what is read together is read in the organization's zone, by everybody.
OPERATOR_ZONE: tzinfo = ZoneInfo("UTC")


def _filters(request: MemberRequest) -> EntryFilter:
    people = people_of(request.organization.pk)
    entries = Entry.objects.of_chain(request.organization.pk).newest_first()
    return EntryFilter(
        request.GET, entries, request=request, people=people, zone=request.organization.zone
    )


def _operator_filters(request: OperatorRequest) -> OperatorEntryFilter:
    chain = chosen_chain(request.GET.get("organization", ""))
    people = people_of(chain[0] if chain else None)
    entries = Entry.objects.newest_first()
    return OperatorEntryFilter(
        request.GET, entries, request=request, people=people, zone=OPERATOR_ZONE
    )


@require_GET
@right_required(Right.READ_AUDIT)
def entry_list(request: MemberRequest) -> HttpResponse:
    zone = request.organization.zone
    with timezone.override(zone):
        return render_page(
            request, PAGE, PARTIAL, list_context(request, _filters(request), zone=zone)
        )


@require_GET
@super_admin_required
def operator_entry_list(request: OperatorRequest) -> HttpResponse:
    filters = _operator_filters(request)
    with timezone.override(OPERATOR_ZONE):
        context = list_context(request, filters, zone=OPERATOR_ZONE, names=True)
        return render_page(request, PAGE, PARTIAL, context)


@require_GET
@right_required(Right.READ_AUDIT)
@right_required(Right.EXPORT_PERSONAL_DATA)
@confirmation_required
@limited_export
def entry_export(request: MemberRequest) -> HttpResponse:
    """Names, addresses and devices of people: as much a matter of personal data as calls."""
    organization = request.organization
    with timezone.override(organization.zone):
        return _export(
            _filters(request),
            name=organization.slug,
            title=_("Audit log of %(name)s") % {"name": organization.name},
            zone=organization.zone,
            scope=lambda: organization_context(organization),
        )


@require_GET
@super_admin_required
@confirmation_required
@limited_export
def operator_entry_export(request: OperatorRequest) -> HttpResponse:
    with timezone.override(OPERATOR_ZONE):
        return _export(
            _operator_filters(request),
            name="operator",
            title=_("Audit logs of all organizations and the operator"),
            zone=OPERATOR_ZONE,
            scope=platform,
        )


def _export(
    filters: EntryFilter, *, name: str, title: str, zone: tzinfo, scope: export.Scope
) -> HttpResponse:
    now = timezone.now()
    actions.note_export(export.filter_text(filters))
    rows = export.batches(filters, title=title, zone=zone, now=now, scope=scope)
    answer = csv_response(f"audit-{name}-{now.astimezone(zone):%Y-%m-%d}.csv", rows)
    return cast(HttpResponse, answer)  # a streamed one is of another class
