"""Chats: their list and one of them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.access import member_required
from accounts.http import MemberRequest
from calls import access, actions, presentation
from calls.models import Chat
from config import zones
from config.paging import count_text, keyset_page
from config.partials import render_page


@require_GET
@member_required
def chat_list(request: MemberRequest) -> HttpResponse:
    chats = Chat.objects.for_list()
    page = keyset_page(request, chats, name="chats")
    context = {
        "page": page,
        "count_text": count_text(chats, len(page.rows), "chats"),
        "zone": zones.shown(),
    }
    return render_page(request, "calls/chat_list.html", "calls/_chats.html", context)


@require_GET
@member_required
def chat_detail(request: MemberRequest, chat_id: UUID) -> HttpResponse:
    chat = access.get_chat(request, chat_id)
    newer, older = Chat.objects.neighbours(chat)
    context = presentation.chat_context(chat) | {
        "zone": zones.shown(),
        "zone_abbreviation": timezone.localtime(chat.sort_at).tzname(),
        "newer_url": newer and newer.get_absolute_url(),
        "older_url": older and older.get_absolute_url(),
    }
    if context["transcript_rows"]:
        actions.note_reading(chat)
    return render(request, "calls/chat_detail.html", context)
