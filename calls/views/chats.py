"""Chats: their list and one of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts.access import member_required, sees_personal_data
from accounts.http import MemberRequest
from calls import access, actions, presentation, search
from calls.chat_filters import ChatFilter, chat_filter_of
from calls.models import Chat
from calls.neighbours import neighbours_of_chat, query_of
from config import zones
from config.paging import COUNT_LIMIT, keyset_page, quick_count
from config.partials import render_page
from config.templatetags.formats import number


@require_GET
@member_required
def chat_list(request: MemberRequest) -> HttpResponse:
    filters = chat_filter_of(request)
    page = keyset_page(request, filters.chats, name="chats")
    context = {
        "page": page,
        "rows": _rows(list(page.rows), filters),
        "query": query_of(filters),
        "count_text": _count_text(filters, len(page.rows)),
        "zone": zones.shown(),
        "filters": filters.form.chips(request),
        "filter_form": filters.form,
        "is_filtered": bool(filters.form.values()),
        "ignored": [*filters.form.ignored(request.GET), *page.notes],
        "clear_url": request.path,
    }
    return render_page(request, "calls/chat_list.html", "calls/_chats.html", context)


def _rows(chats: list[Chat], filters: ChatFilter) -> list[dict[str, Any]]:
    """Each chat with the passages that hold the words that were searched for."""
    found = {}
    if filters.words:
        shown = Chat.objects.filter(pk__in=[chat.pk for chat in chats])
        found = search.passages(shown, filters.words, sees_personal_data=sees_personal_data())
    return [{"chat": chat, "passage": found.get(chat.pk, [])} for chat in chats]


def _count_text(filters: ChatFilter, shown: int) -> str:
    """ "50 of 1,234 chats", or what is known when counting takes long."""
    count = quick_count(filters.chats)
    if count is None:
        return _("%(shown)s shown; counting all that match takes too long") % {
            "shown": number(shown)
        }
    total = f"{number(COUNT_LIMIT)}+" if count > COUNT_LIMIT else number(count)
    return ngettext("%(shown)s of %(total)s chat", "%(shown)s of %(total)s chats", count) % {
        "shown": number(shown),
        "total": total,
    }


@require_GET
@member_required
def chat_detail(request: MemberRequest, chat_id: UUID) -> HttpResponse:
    chat = access.get_chat(request, chat_id)
    context = presentation.chat_context(chat) | {
        "zone": zones.shown(),
        "zone_abbreviation": timezone.localtime(chat.sort_at).tzname(),
        "beside": neighbours_of_chat(request, chat),
    }
    if context["transcript_rows"]:
        actions.note_reading(chat)
    return render(request, "calls/chat_detail.html", context)
