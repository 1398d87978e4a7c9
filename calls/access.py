"""Finds calls and chats a request may see: all of its own organization's."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts import access
from accounts.roles import Right
from calls.models import Call, Chat


def get_call(request: HttpRequest, call_id: UUID, *, write: bool = False) -> Call:
    """404 if there is none here, 403 if it may be seen but not changed."""
    call: Call = get_object_or_404(Call.objects.select_related("agent"), pk=call_id)
    if write and not access.may(request, Right.CLASSIFY_CALLS):
        raise PermissionDenied
    return call


def get_chat(request: HttpRequest, chat_id: UUID) -> Chat:
    chat: Chat = get_object_or_404(Chat.objects.select_related("agent"), pk=chat_id)
    return chat
