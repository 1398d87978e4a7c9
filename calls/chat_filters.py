"""Filters of the list of chats: those of calls, as far as chats have what they ask for."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.access import sees_personal_data
from accounts.http import MemberRequest
from calls.filters import CallFilter, CallFilterForm
from calls.models import Chat
from calls.querysets import ChatQuerySet
from calls.search import TranscriptWords, query

_TYPES = (("api_chat", _("Web")), ("sms_chat", _("SMS")))
_STATUSES = (("ongoing", _("In progress")), ("ended", _("Ended")), ("error", _("Error")))


class ChatFilterForm(CallFilterForm):
    labels: ClassVar = {**CallFilterForm.labels, "text": _("Messages")}


class ChatFilter(CallFilter):
    q = django_filters.CharFilter(method="search", label=_("Chat ID, words"), max_length=100)
    text = django_filters.CharFilter(
        method="by_text", label=_("Words in the messages"), max_length=200
    )
    type = django_filters.ChoiceFilter("chat_type", choices=_TYPES, label=_("Type"))
    status = django_filters.ChoiceFilter(choices=_STATUSES, label=_("Status"))

    # Of calls only.
    call: Any = None
    reason: Any = None
    direction = hour = weekday = revenue = tag = product = None
    min_duration_s = max_duration_s = None

    class Meta:
        model = Chat
        form = ChatFilterForm
        fields: tuple[str, ...] = ()

    def search(self, chats: Any, name: str, value: str) -> Any:
        """A chat id, or words of the messages."""
        text = value.strip()
        matches = Q(retell_chat_id=text)
        if self._are_words(text):
            chats = chats.alias(words=TranscriptWords("transcript"))
            matches |= Q(words=query(text))
        return chats.filter(matches)

    @property
    def chats(self) -> ChatQuerySet:
        """Newest first, with agents, without the large columns."""
        found: ChatQuerySet = self.qs
        return found


def chat_filter_of(request: MemberRequest) -> ChatFilter:
    """By the parameters of a page's URL, for the person who looks."""
    return ChatFilter(
        request.GET,
        Chat.objects.for_list(),
        zone=request.organization.zone,
        sees_personal_data=sees_personal_data(),
    )
