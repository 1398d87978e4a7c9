"""Finds saved views a request may see, and what it has chosen for its list of calls."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404

from accounts import access
from accounts.http import MemberRequest
from accounts.roles import Right
from calls.models import ListPreference, SavedView


def views_of(request: MemberRequest) -> list[SavedView]:
    """Everybody's and one's own. Somebody who looks inside as an operator sees everybody's."""
    return list(SavedView.objects.visible_to(request.user.pk))


def get_view(request: MemberRequest, view_id: UUID, *, write: bool = False) -> SavedView:
    """404 for what is not there, or somebody else's; 403 if it may be seen but not changed."""
    views = SavedView.objects.visible_to(request.user.pk)
    view: SavedView = get_object_or_404(views, pk=view_id)
    if write and not may_change_view(request, view):
        raise PermissionDenied
    return view


def may_change_view(request: MemberRequest, view: SavedView) -> bool:
    """One's own, and everybody's with the right to share; nobody's from inside."""
    if request.standing.acting is not None:
        return False
    return not view.is_shared or access.may(request, Right.SHARE_VIEWS)


def preference_of(request: MemberRequest) -> ListPreference:
    """What this person chose here; unsaved when they chose nothing."""
    found = ListPreference.objects.select_related("default_view")
    return found.filter(pk=request.user.pk).first() or ListPreference(person_id=request.user.pk)
