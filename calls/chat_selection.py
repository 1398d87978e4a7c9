"""Which chats: as `calls.selection`, for exports of them."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext as _

from calls.chat_filters import ChatFilter
from calls.models import Chat
from calls.selection import Selection


class ChatSelection(Selection):
    """`calls()` are chats, newest first."""

    filter_class: ClassVar = ChatFilter
    model: ClassVar = Chat

    @property
    def everything(self) -> str:
        return _("all chats")
