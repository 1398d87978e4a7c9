"""The next newer and older conversation of the list somebody came from: its filter stands in the
URL of each page, so that walking stays within it and leads back to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from accounts.http import MemberRequest
from calls.chat_filters import ChatFilter, chat_filter_of
from calls.models import Call, Chat
from calls.selection import Selection

# Which tab of saved views the list stands under.
VIEW_MAX_LENGTH = 36


@dataclass(frozen=True, slots=True)
class Neighbours:
    """URLs; None at an end. `query` is that of the list, "?…" or nothing."""

    newer_url: str | None
    older_url: str | None
    list_url: str
    query: str


def neighbours_of_call(request: MemberRequest, call: Call) -> Neighbours:
    """Two queries, and those that the filters' choices take."""
    selection = Selection.from_request(request)
    view = request.GET.get("view", "")[:VIEW_MAX_LENGTH]
    query = "&".join(part for part in (selection.query, view and urlencode({"view": view})) if part)
    return _linked(selection.neighbours(call), query, reverse("calls:list"))


def neighbours_of_chat(request: MemberRequest, chat: Chat) -> Neighbours:
    filters = chat_filter_of(request)
    beside = filters.chats.select_related(None).neighbours(chat)
    return _linked(beside, query_of(filters), reverse("calls:chat_list"))


def query_of(filters: ChatFilter) -> str:
    """Canonical: what of a URL was understood."""
    return urlencode(filters.canonical())


def _linked(beside: tuple[Any, Any], query: str, list_url: str) -> Neighbours:
    newer, older = beside
    query = f"?{query}" if query else ""
    return Neighbours(
        newer_url=newer and newer.get_absolute_url() + query,
        older_url=older and older.get_absolute_url() + query,
        list_url=list_url + query,
        query=query,
    )
