"""The list of calls, and how each person wants it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import member_required, sees_personal_data
from accounts.http import MemberRequest
from calls import access_list, columns, listing
from calls.actions import saved_views
from calls.forms_list import ColumnsForm
from calls.models import SavedView
from calls.selection import Selection
from config import zones
from config.paging import keyset_page
from config.partials import render_page

ALL = "all"


@require_GET
@member_required
def call_list(request: MemberRequest) -> HttpResponse:
    preference = access_list.preference_of(request)
    if not request.GET and preference.default_view is not None:
        return redirect(preference.default_view)
    selection = Selection.from_request(request)
    views = access_list.views_of(request)
    view = _chosen(request, views)
    shown = columns.chosen(view.columns if view and view.columns else preference.columns)
    page = keyset_page(request, listing.with_columns(selection.calls(), shown), name="calls")
    may_change = listing.may_change(request)
    context = {
        "page": page,
        "rows": listing.rows(page.rows, selection.filters.words, whole=sees_personal_data()),
        "columns": shown,
        "width": len(shown) + int(may_change["anything"]),
        "is_compact": preference.is_compact,
        "count_text": listing.count_text(selection, len(page.rows)),
        "zone": zones.shown(),
        "filters": selection.chips(request),
        "filter_form": selection.form,
        "is_filtered": not selection.is_all,
        "ignored": [*selection.ignored, *_gone(request, view), *page.notes],
        "query": selection.query,
        "export_query": _export_query(selection, view),
        "clear_url": _all_url(preference.default_view),
        "tabs": _tabs(request, views, view, preference.default_view),
        "view": _shown_view(request, view, selection, shown, preference.default_view),
        "kept": [("view", str(view.pk))] if view else [],
        "columns_form": _columns_form(shown, is_compact=preference.is_compact),
        "may_choose_columns": _may_choose_columns(request, view),
        "may_change": may_change,
        "may_save_views": request.standing.acting is None,
    }
    return render_page(request, "calls/list.html", "calls/_table.html", context)


def _chosen(request: MemberRequest, views: list[SavedView]) -> SavedView | None:
    wanted = request.GET.get("view")
    return next((view for view in views if str(view.pk) == wanted), None)


def _export_query(selection: Selection, view: SavedView | None) -> str:
    """A file of a view has the view's columns."""
    pairs = [*selection.filters.canonical(), *([("view", str(view.pk))] if view else [])]
    return urlencode(pairs)


def _gone(request: MemberRequest, view: SavedView | None) -> list[str]:
    if view is None and request.GET.get("view", ALL) != ALL:
        return [_("That saved view is no longer there. Its filters are applied as the link says.")]
    return []


def _all_url(default: SavedView | None) -> str:
    """All calls; said explicitly where the list opens with something else."""
    return reverse("calls:list") + (f"?view={ALL}" if default else "")


def _tabs(
    request: MemberRequest,
    views: list[SavedView],
    current: SavedView | None,
    default: SavedView | None,
) -> list[dict[str, Any]]:
    """ "All calls", everybody's views, one's own."""
    everything = {"label": _("All calls"), "url": _all_url(default), "current": current is None}
    return [
        everything,
        *(
            {"label": view.name, "url": view.get_absolute_url(), "current": view == current}
            for view in views
        ),
    ]


def _shown_view(
    request: MemberRequest,
    view: SavedView | None,
    selection: Selection,
    shown: list[columns.Column],
    default: SavedView | None,
) -> dict[str, Any] | None:
    """What can be done with the view that is open."""
    if view is None:
        return None
    return {
        "view": view,
        "may_change": access_list.may_change_view(request, view),
        "is_changed": selection.is_understood and selection.query != _kept(request, view),
        "is_default": view == default,
    }


def _kept(request: MemberRequest, view: SavedView) -> str:
    """Its query as this version would write it."""
    return Selection.from_query(
        view.query,
        organization=request.organization,
        sees_personal_data=sees_personal_data(),
    ).query


def _columns_form(shown: list[columns.Column], *, is_compact: bool) -> ColumnsForm:
    keys = [column.key for column in shown]
    return ColumnsForm(initial={"columns": keys, "is_compact": is_compact})


def _may_choose_columns(request: MemberRequest, view: SavedView | None) -> bool:
    """A view that has columns of its own shows them to everybody alike."""
    if request.standing.acting is not None:
        return False
    return view is None or not view.columns or access_list.may_change_view(request, view)


@require_POST
@member_required
def choose_columns(request: MemberRequest) -> HttpResponse:
    """For oneself; for a view that is open, for whoever opens it."""
    query = QueryDict(request.POST.get("query", ""))
    form = ColumnsForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("One of these columns is not known. Nothing was changed."))
        return redirect(_back(query))
    chosen = columns.readable(form.cleaned_data["columns"]) if form.cleaned_data["columns"] else []
    view = _open_view(request, query)
    if view and view.columns and access_list.may_change_view(request, view):
        saved_views.change_columns(view, columns=chosen)
    saved_views.choose_columns(
        request.user.pk, columns=chosen, is_compact=form.cleaned_data["is_compact"]
    )
    messages.success(request, _("The columns are kept for your next visits."))
    return redirect(_back(query))


def _open_view(request: MemberRequest, query: QueryDict) -> SavedView | None:
    views = access_list.views_of(request)
    return next((view for view in views if str(view.pk) == query.get("view")), None)


def _back(query: QueryDict) -> str:
    text = query.urlencode()
    return f"{reverse('calls:list')}{'?' if text else ''}{text}"
