"""What a file is of: calls or chats. All that differs between the two stands here."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from calls.chat_selection import ChatSelection
from calls.selection import Selection
from exports.columns import CHAT_COLUMNS, COLUMNS, Column


class Subject(models.TextChoices):
    CALLS = "calls", _("Calls")
    CHATS = "chats", _("Chats")


@dataclass(frozen=True, slots=True)
class About:
    columns: tuple[Column, ...]
    selection: type[Selection]
    list_url: str
    new_url: str
    job_kind: str
    everything: str | Promise


ABOUT = {
    Subject.CALLS: About(
        COLUMNS,
        Selection,
        "calls:list",
        "exports:new",
        "export",
        _("none: every call"),
    ),
    Subject.CHATS: About(
        CHAT_COLUMNS,
        ChatSelection,
        "calls:chat_list",
        "exports:new_of_chats",
        "export_chats",
        _("none: every chat"),
    ),
}
