"""Finds the exports a request may see: one's own; people who are admins see everybody's."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404

from accounts.access import may
from accounts.http import MemberRequest
from accounts.models import User
from accounts.roles import Right
from calls.models import ListPreference, SavedView
from exports import columns
from exports.filters import ExportFilter
from exports.models import Export
from exports.querysets import ExportQuerySet


def exports_of(request: MemberRequest) -> ExportQuerySet:
    exports = Export.objects.for_list()
    # A key may manage users for a program that provisions them; that program exports nothing.
    if may(request, Right.MANAGE_USERS) and isinstance(request.user, User):
        return exports
    return exports.asked_by(request.user.pk)


def export_filter(request: MemberRequest) -> ExportFilter:
    exports = exports_of(request)
    zone = request.organization.zone
    return ExportFilter(request.GET, exports, zone=zone, people=exports.people())


def get_export(request: MemberRequest, export_id: UUID) -> Export:
    export: Export = get_object_or_404(exports_of(request), pk=export_id)
    return export


def may_take(request: MemberRequest, export: Export) -> bool:
    """Whether they may have the file now, whatever they might when they asked."""
    return not export.is_personal or may(request, Right.EXPORT_PERSONAL_DATA)


def get_file(request: MemberRequest, export_id: UUID) -> Export:
    """404 if it is not theirs to see, 403 if it holds what they may not take."""
    export = get_export(request, export_id)
    if not may_take(request, export):
        raise PermissionDenied
    return export


def chosen_columns(request: MemberRequest) -> list[str]:
    """Codes of the columns of the saved view in the URL, else of those that they chose for the
    list; the call's id with them, by which programs find it again. None: the usual ones."""
    views = SavedView.objects.visible_to(request.user.pk)
    view = next((v for v in views if str(v.pk) == request.GET.get("view")), None)
    keys = view.columns if view else []
    if not keys:
        preference = ListPreference.objects.filter(pk=request.user.pk).first()
        keys = preference.columns if preference else []
    return [column.code for column in columns.chosen(["call_id", *keys])] if keys else []
