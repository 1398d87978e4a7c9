"""Notes and tags on one call."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import right_required
from accounts.http import MemberRequest
from accounts.roles import Right
from calls import access, actions
from calls.forms import NoteForm, TagForm
from calls.models import Call
from calls.views.detail import render_call


def _back(request: MemberRequest, call: Call, place: str) -> HttpResponse:
    """To the same place of the page, in the same list of calls."""
    query = request.GET.urlencode()
    return redirect(f"{call.get_absolute_url()}{'?' if query else ''}{query}#{place}")


@require_POST
@right_required(Right.ANNOTATE_CALLS)
def note_new(request: MemberRequest, call_id: UUID) -> HttpResponse:
    call = access.get_call(request, call_id)
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            actions.write_note(call, text=form.cleaned_data["text"], author=request.user)
        except actions.NoteError as error:
            form.add_error("text", str(error))
        else:
            return _back(request, call, "notes")
    return render_call(request, call, note_form=form)


@require_POST
@right_required(Right.ANNOTATE_CALLS)
def note_edit(request: MemberRequest, call_id: UUID, note_id: UUID) -> HttpResponse:
    note = access.get_note(request, call_id, note_id)
    form = NoteForm(request.POST, prefix=str(note.pk))
    if not form.is_valid():
        return render_call(request, access.get_call(request, call_id), edited=(note.pk, form))
    actions.edit_note(note, text=form.cleaned_data["text"])
    messages.success(request, _("The note was changed."))
    return _back(request, note.call, "notes")


@require_POST
@right_required(Right.ANNOTATE_CALLS)
def note_delete(request: MemberRequest, call_id: UUID, note_id: UUID) -> HttpResponse:
    note = access.get_note(request, call_id, note_id, delete=True)
    actions.delete_note(note)
    messages.success(request, _("The note was deleted."))
    return _back(request, note.call, "notes")


@require_POST
@right_required(Right.ANNOTATE_CALLS)
def tag_new(request: MemberRequest, call_id: UUID) -> HttpResponse:
    call = access.get_call(request, call_id)
    form = TagForm(request.POST)
    if form.is_valid():
        try:
            actions.tag_call(
                call, name=form.cleaned_data["name"], tagged_by=request.user.display_name
            )
        except actions.TagError as error:
            form.add_error("name", str(error))
        else:
            return _back(request, call, "tags")
    return render_call(request, call, tag_form=form)


@require_POST
@right_required(Right.ANNOTATE_CALLS)
def tag_delete(request: MemberRequest, call_id: UUID, tag_id: UUID) -> HttpResponse:
    call = access.get_call(request, call_id)
    actions.untag_call(call, access.get_tag(call, tag_id))
    return _back(request, call, "tags")
