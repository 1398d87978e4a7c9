"""Pages of exports."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.access import is_confirmed, may, right_required
from accounts.http import MemberRequest
from accounts.limits import limited_export
from accounts.roles import Right
from calls.selection import Selection
from completeness import presentation as completeness
from config import zones
from config.paging import capped_text, count_text, keyset_page
from config.partials import render_page
from exports import access, actions, downloads, totals
from exports.actions import ExportError
from exports.forms import ExportForm
from exports.models import Export
from exports.subjects import ABOUT, Subject

TAKEN_KEY = "exports_taken"
MOST_TAKEN = 100


@require_GET
@right_required(Right.EXPORT)
def export_list(request: MemberRequest) -> HttpResponse:
    filters = access.export_filter(request)
    page = keyset_page(request, filters.qs, name="exports", keys=("id",))
    context = {
        "page": page,
        "rows": [(row, access.may_take(request, row)) for row in page.rows],
        "count_text": count_text(filters.qs, len(page.rows), "exports"),
        "zone": zones.shown(),
        "filter_form": filters.form,
        "filters": filters.form.chips(request),
        "ignored": [*filters.form.ignored(request.GET), *page.notes],
        "is_filtered": bool(filters.form.values()),
        "clear_url": request.path,
    }
    return render_page(request, "exports/list.html", "exports/_exports.html", context)


@require_http_methods(["GET", "POST"])
@right_required(Right.EXPORT)
def new_export(request: MemberRequest, subject: Subject = Subject.CALLS) -> HttpResponse:
    """Says what the file would hold; the filter stands in the URL, as in the list's."""
    selection = ABOUT[subject].selection.from_request(request)
    may_take = may(request, Right.EXPORT_PERSONAL_DATA)
    if request.method == "POST":
        form = ExportForm(request.POST, may_take=may_take, subject=subject)
        return _asked(request, selection, form)
    chosen = access.chosen_columns(request) if subject == Subject.CALLS else None
    form = ExportForm(may_take=may_take, subject=subject, chosen=chosen)
    return _form_page(request, selection, form)


def _form_page(request: MemberRequest, selection: Selection, form: ExportForm) -> HttpResponse:
    about = ABOUT[form.subject]
    context: dict[str, Any] = {
        "form": form,
        "is_of_calls": form.subject == Subject.CALLS,
        "subject": form.subject.label,
        "everything": about.everything,
        "lines": selection.lines,
        "ignored": selection.ignored,
        "totals": totals.quickly(selection.calls()),
        "completeness": completeness.status(),
        "zone": request.organization.time_zone,
        "list_url": f"{reverse(about.list_url)}?{request.GET.urlencode()}",
    }
    if context["totals"] is None:
        context["count_text"] = capped_text(selection.count(), str(form.subject.value))
    return render(request, "exports/new.html", context)


@limited_export
def _asked(request: MemberRequest, selection: Selection, form: ExportForm) -> HttpResponse:
    if not selection.is_understood or not form.is_valid():
        return _form_page(request, selection, form)
    if form.wish.is_personal and not is_confirmed(request):
        messages.info(
            request, _("Nothing was started yet: confirm that it is you, then ask again.")
        )
        return redirect_to_login(request.get_full_path(), reverse("accounts:confirm"))
    found = totals.quickly(selection.calls())
    export = actions.ask(
        request.organization, selection, form.wish, user=request.user,
        total=found.calls if found else None,
    )  # fmt: skip
    return redirect(export)


@require_GET
@right_required(Right.EXPORT)
def export_detail(request: MemberRequest, export_id: UUID) -> HttpResponse:
    export = access.get_export(request, export_id)
    context = {
        "export": export,
        "job": export.job,
        "may_take": access.may_take(request, export),
        "totals": totals.Totals.from_stored(export.totals),
        "ends_in_ms": export.job.ends_in_ms(timezone.now()),
    }
    return render_page(request, "exports/detail.html", "exports/_export.html", context)


@require_safe
@right_required(Right.EXPORT)
def download(request: MemberRequest, export_id: UUID) -> HttpResponse:
    export = access.get_file(request, export_id)
    if not export.is_ready(timezone.now()):
        messages.error(request, _("There is no file to download: see its state here."))
        return redirect(export)
    byte_range = request.headers.get("Range", "")
    if _begins(request, export, byte_range):
        if export.is_personal and not is_confirmed(request):
            return redirect_to_login(export.get_absolute_url(), reverse("accounts:confirm"))
        _note_begun(request, export)
    response = downloads.file_response(
        export,
        request.organization,
        byte_range=byte_range,
        if_range=request.headers.get("If-Range", ""),
        head=request.method == "HEAD",
    )
    # It streams; decorators of views name the base class of Django's other answers.
    return cast(HttpResponse, response)


def _begins(request: MemberRequest, export: Export, byte_range: str) -> bool:
    """Later parts are the same download, if this session began it."""
    taken: list[str] = request.session.get(TAKEN_KEY, [])
    return str(export.pk) not in taken or downloads.is_beginning(byte_range)


def _note_begun(request: MemberRequest, export: Export) -> None:
    if request.method == "HEAD":
        return
    actions.note_download(export)
    taken = [pk for pk in request.session.get(TAKEN_KEY, []) if pk != str(export.pk)]
    request.session[TAKEN_KEY] = [*taken, str(export.pk)][-MOST_TAKEN:]


@require_POST
@right_required(Right.EXPORT)
def cancel_export(request: MemberRequest, export_id: UUID) -> HttpResponse:
    export = access.get_export(request, export_id)
    actions.cancel(export)
    messages.success(request, _("It stops after the step it is in. There will be no file."))
    return redirect(export)


@require_POST
@right_required(Right.EXPORT)
def delete_export(request: MemberRequest, export_id: UUID) -> HttpResponse:
    export = access.get_export(request, export_id)
    try:
        actions.delete_export(export)
    except ExportError as error:
        messages.error(request, str(error))
        return redirect(export)
    messages.success(request, _("The export and its file were deleted."))
    return redirect("exports:list")
