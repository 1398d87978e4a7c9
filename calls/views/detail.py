"""One call: its page, its recording, revenue or test. Notes and tags are in `annotations`."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import may, member_required, right_required
from accounts.http import MemberRequest
from accounts.roles import Right
from calls import access, actions, presentation, recordings
from calls.forms import BillableForm, NoteForm, TagForm
from calls.models import Call, Tag
from calls.neighbours import neighbours_of_call
from config import zones

HEARD_KEY = "recordings_heard"
MOST_HEARD = 100


@require_GET
@member_required
def call_detail(request: MemberRequest, call_id: UUID) -> HttpResponse:
    return render_call(request, access.get_call(request, call_id))


def render_call(
    request: MemberRequest,
    call: Call,
    *,
    note_form: NoteForm | None = None,
    tag_form: TagForm | None = None,
    edited: tuple[UUID, NoteForm] | None = None,
) -> HttpResponse:
    """The page of a call; with the forms that were sent and refused."""
    context = presentation.call_context(call) | {
        "zone": zones.shown(),
        "zone_abbreviation": timezone.localtime(call.sort_at).tzname(),
        "beside": neighbours_of_call(request, call),
        "notes": _notes(request, call, edited),
        "tags": call.tags.all(),
    }
    if context["transcript_rows"]:
        actions.note_reading(call)
    if may(request, Right.CLASSIFY_CALLS):
        initial = {"is_billable": "yes" if call.is_billable else "no"}
        context["billable_form"] = BillableForm(initial=initial)
        context["billable_url"] = call.get_classify_url()
    if may(request, Right.ANNOTATE_CALLS):
        context["note_form"] = note_form or NoteForm()
        context["tag_form"] = tag_form or TagForm()
        context["tag_names"] = Tag.objects.suggested()
    return render(request, "calls/detail.html", context)


def _notes(
    request: MemberRequest, call: Call, edited: tuple[UUID, NoteForm] | None
) -> list[dict[str, Any]]:
    """Each with what this person may do with it."""
    rows = []
    for note in call.notes.all():
        form = None
        if edited and edited[0] == note.pk:
            form = edited[1]
        elif access.may_edit_note(request, note):
            form = NoteForm(prefix=str(note.pk), initial={"text": note.text})
        rows.append(
            {
                "note": note,
                "form": form,
                "is_open": form is not None and form.is_bound,
                "may_delete": access.may_delete_note(request, note),
            }
        )
    return rows


def _note_listening(request: MemberRequest, call: Call, byte_range: str, *, download: bool) -> None:
    """Parts after the first are the same listening, if this session began one: a range that leaves
    the first byte out keeps nobody out of the log."""
    heard: list[str] = request.session.get(HEARD_KEY, [])
    if not download and str(call.pk) in heard and not recordings.is_beginning(byte_range):
        return
    actions.note_listening(call, download=download)
    if str(call.pk) not in heard:
        request.session[HEARD_KEY] = [*heard, str(call.pk)][-MOST_HEARD:]


@require_GET
@member_required
def recording(request: MemberRequest, call_id: UUID) -> HttpResponse:
    """The sound of a call, passed through; `?download=1` as a file."""
    call = access.get_call(request, call_id)
    download = "download" in request.GET
    if download and not may(request, Right.EXPORT_PERSONAL_DATA):
        raise PermissionDenied
    byte_range = request.headers.get("Range", "")
    try:
        opened = recordings.open_recording(
            request.organization, call, byte_range=recordings.one_range(byte_range)
        )
    except recordings.NoRecording as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain")
    _note_listening(request, call, byte_range, download=download)
    # It streams; decorators of views name the base class of Django's other answers.
    return cast(HttpResponse, presentation.recording_response(call, opened, download=download))


@require_POST
@right_required(Right.CLASSIFY_CALLS)
def classify_call(request: MemberRequest, call_id: UUID) -> HttpResponse:
    call = access.get_call(request, call_id, write=True)
    form = BillableForm(request.POST)
    if form.is_valid():
        actions.classify(call, **form.cleaned_data, changed_by=request.user.email)
        messages.success(request, _("Saved. The reason stands in the call's details."))
    else:
        messages.error(request, _("Nothing was changed: say why the call is revenue or a test."))
    query = request.GET.urlencode()
    return redirect(f"{call.get_absolute_url()}{'?' if query else ''}{query}")
