"""Finds calls and chats a request may see: all of its own organization's."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts import access
from accounts.http import MemberRequest
from accounts.masking import shown_text
from accounts.roles import Right
from calls.models import Call, CallNote, CallTag, Chat, Tag


def get_call(request: HttpRequest, call_id: UUID, *, write: bool = False) -> Call:
    """404 if there is none here, 403 if it may be seen but not changed."""
    call: Call = get_object_or_404(Call.objects.select_related("agent"), pk=call_id)
    if write and not access.may(request, Right.CLASSIFY_CALLS):
        raise PermissionDenied
    return call


def get_chat(request: HttpRequest, chat_id: UUID) -> Chat:
    chat: Chat = get_object_or_404(Chat.objects.select_related("agent"), pk=chat_id)
    return chat


def get_note(
    request: MemberRequest, call_id: UUID, note_id: UUID, *, delete: bool = False
) -> CallNote:
    """404 if there is none on this call, 403 if it may not be edited, or deleted."""
    notes = CallNote.objects.select_related("call")
    note: CallNote = get_object_or_404(notes, pk=note_id, call_id=call_id)
    may = may_delete_note if delete else may_edit_note
    if not may(request, note):
        raise PermissionDenied
    return note


def may_edit_note(request: MemberRequest, note: CallNote) -> bool:
    """One's own; but who may not see its numbers whole would save it without them."""
    return note.author_id == request.user.pk and shown_text(note.text) == note.text


def may_delete_note(request: MemberRequest, note: CallNote) -> bool:
    return note.author_id == request.user.pk or access.may(request, Right.DELETE_NOTES)


def get_tag(call: Call, tag_id: UUID) -> Tag:
    """404 if the call has no such tag."""
    return get_object_or_404(CallTag.objects.select_related("tag"), call=call, tag_id=tag_id).tag
