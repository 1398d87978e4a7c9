"""Saved views of the calls list."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import may, member_required, sees_personal_data
from accounts.http import MemberRequest
from accounts.roles import Right
from calls import access_list
from calls.actions import saved_views
from calls.actions.saved_views import ViewError
from calls.forms_list import ViewForm
from calls.models import SavedView
from calls.selection import Selection


def _selection(request: MemberRequest, query: str) -> Selection:
    return Selection(
        QueryDict(query),
        organization=request.organization,
        sees_personal_data=sees_personal_data(),
    )


def _no_operator(request: MemberRequest) -> None:
    """Who looks inside has no list of their own here."""
    if request.standing.acting is not None:
        raise PermissionDenied


@require_http_methods(["GET", "POST"])
@member_required
def view_new(request: MemberRequest) -> HttpResponse:
    """Keep the filter of the URL under a name."""
    _no_operator(request)
    selection = _selection(request, request.GET.urlencode())
    form = ViewForm(request.POST or None, may_share=may(request, Right.SHARE_VIEWS))
    if request.method == "POST" and form.is_valid():
        try:
            view = saved_views.save_view(
                selection,
                name=form.cleaned_data["name"],
                columns=access_list.preference_of(request).columns,
                user=request.user,
                is_shared=form.cleaned_data.get("is_shared", False),
            )
        except ViewError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("The view was saved."))
            return redirect(view)
    context = {"form": form, "selection": selection}
    return render(request, "calls/view_new.html", context)


@require_http_methods(["GET", "POST"])
@member_required
def view_edit(request: MemberRequest, view_id: UUID) -> HttpResponse:
    view = access_list.get_view(request, view_id, write=True)
    form = ViewForm(request.POST or None, initial={"name": view.name}, may_share=False)
    if request.method == "POST" and form.is_valid():
        try:
            saved_views.rename_view(view, name=form.cleaned_data["name"])
        except ViewError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("The view was renamed."))
            return redirect(view)
    saved = SavedView.objects.get(pk=view.pk)
    selection = _selection(request, saved.query)
    return render(
        request, "calls/view_edit.html", {"form": form, "view": saved, "selection": selection}
    )


@require_POST
@member_required
def view_update(request: MemberRequest, view_id: UUID) -> HttpResponse:
    """Let a view show what the list shows now."""
    view = access_list.get_view(request, view_id, write=True)
    selection = _selection(request, request.POST.get("query", ""))
    try:
        saved_views.change_view(view, selection, columns=view.columns)
    except ViewError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The view shows these filters from now on."))
    return redirect(view)


@require_POST
@member_required
def view_delete(request: MemberRequest, view_id: UUID) -> HttpResponse:
    view = access_list.get_view(request, view_id, write=True)
    saved_views.delete_view(view)
    messages.success(request, _("The view was deleted. The calls are all still here."))
    return redirect("calls:list")


@require_POST
@member_required
def view_default(request: MemberRequest, view_id: UUID) -> HttpResponse:
    """Open the list with it, or no longer."""
    _no_operator(request)
    view = access_list.get_view(request, view_id)
    is_default = access_list.preference_of(request).default_view == view
    saved_views.open_with(None if is_default else view, person_id=request.user.pk)
    said = (
        _("The list opens with all calls.") if is_default else _("The list opens with this view.")
    )
    messages.success(request, said)
    return redirect(view)
