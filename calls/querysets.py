"""Reads of calls and chats, named for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from calls.models import Call, Chat

MOST_SUGGESTED = 200
# Large columns a list never shows.
_HEAVY = ("cost", "latency", "transcript", "transcript_entries", "details", "provenance")


class NewestFirst(models.QuerySet[Any]):
    """Rows sorted by `sort_at` and `id`, newest first."""

    def neighbours(self, row: Call | Chat) -> tuple[Any, Any]:
        """The next newer and the next older row, or None."""
        beside = self.only("id", "sort_at")
        newer = beside.filter(sort_at__gte=row.sort_at).filter(
            models.Q(sort_at__gt=row.sort_at) | models.Q(id__gt=row.pk)
        )
        older = beside.filter(sort_at__lte=row.sort_at).filter(
            models.Q(sort_at__lt=row.sort_at) | models.Q(id__lt=row.pk)
        )
        return newer.order_by("sort_at", "id").first(), older.order_by("-sort_at", "-id").first()


class CallQuerySet(NewestFirst):
    def for_list(self) -> CallQuerySet:
        """Newest first, with the agent, without the large columns."""
        heavy = (*_HEAVY, "agent__versions")
        return self.defer(*heavy).select_related("agent").order_by("-sort_at", "-id")

    def restricted(self) -> CallQuerySet:
        """Calls whose storage setting forbids keeping all of them."""
        return self.filter(storage_level__gt=0)

    def billable(self) -> CallQuerySet:
        return self.filter(is_billable=True)


class TagQuerySet(models.QuerySet[Any]):
    def suggested(self) -> TagQuerySet:
        """Those that some call has, while one types another."""
        used = self.model.calls.through.objects.values("tag")
        return self.filter(pk__in=used)[:MOST_SUGGESTED]


class ChatQuerySet(NewestFirst):
    def for_list(self) -> ChatQuerySet:
        heavy = (
            "cost", "transcript", "messages", "details", "provenance", "agent__versions",
        )  # fmt: skip
        return self.defer(*heavy).select_related("agent").order_by("-sort_at", "-id")

    def restricted(self) -> ChatQuerySet:
        return self.filter(storage_level__gt=0)
