"""Reads of calls and chats, named for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from calls.models import Call, Chat

# Large columns a list never shows.
_HEAVY = ("cost", "latency", "transcript", "transcript_entries", "details", "provenance")


class CallQuerySet(models.QuerySet["Call"]):
    def for_list(self) -> CallQuerySet:
        """Newest first, with the agent, without the large columns."""
        return self.defer(*_HEAVY).select_related("agent").order_by("-sort_at", "-id")

    def restricted(self) -> CallQuerySet:
        """Calls whose storage setting forbids keeping all of them."""
        return self.filter(storage_level__gt=0)

    def billable(self) -> CallQuerySet:
        return self.filter(is_billable=True)


class ChatQuerySet(models.QuerySet["Chat"]):
    def for_list(self) -> ChatQuerySet:
        heavy = ("cost", "transcript", "messages", "details", "provenance")
        return self.defer(*heavy).select_related("agent").order_by("-sort_at", "-id")

    def restricted(self) -> ChatQuerySet:
        return self.filter(storage_level__gt=0)
