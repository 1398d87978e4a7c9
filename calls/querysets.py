"""Reads of calls and chats, named for the screen."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import EmptyResultSet
from django.db import models, transaction
from django.db.models import sql
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import JSONObject, Lower

from calls import changes
from calls.merge import Rank

if TYPE_CHECKING:
    from calls.models import Call, Chat

MOST_SUGGESTED = 200
# Large columns a list never shows.
_HEAVY = ("cost", "latency", "transcript", "transcript_entries", "details", "provenance")

# What the API includes when asked to, and the columns it is read from.
_INCLUDED = {
    "transcript": ("transcript", "transcript_entries", "details"),
    "cost_lines": ("cost",),
}


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


def _notes(notes: type[models.Model]) -> ArraySubquery:
    """Those of each call, the oldest first."""
    fields = {name: name for name in ("text", "author", "written_at", "edited_at")}
    of_call = notes._default_manager.filter(call=models.OuterRef("pk")).order_by("pk")
    return ArraySubquery(of_call.values(note=JSONObject(**fields)))


class CallQuerySet(NewestFirst):
    def for_list(self) -> CallQuerySet:
        """Newest first, with the agent, without the large columns."""
        heavy = (*_HEAVY, "agent__versions")
        return self.defer(*heavy).select_related("agent").order_by("-sort_at", "-id")

    def for_api(self, include: Iterable[str] = ()) -> CallQuerySet:
        """As lists, with `tag_names`; and the large columns, and `notes_read` (a list of dicts,
        times as text), that were asked for: in one query."""
        wanted = {column for name in include for column in _INCLUDED.get(name, ())}
        kept_back = [column for column in _HEAVY if column not in wanted]
        tagged = self.model.tags.rel.model.objects.filter(calls=models.OuterRef("pk"))
        names = ArraySubquery(tagged.order_by(Lower("name")).values("name"))
        calls = self.defer(None).defer(*kept_back, "agent__versions")
        found: CallQuerySet = calls.annotate(tag_names=names)
        if "notes" in include:
            found = found.annotate(notes_read=_notes(self.model.notes.rel.related_model))
        return found

    def restricted(self) -> CallQuerySet:
        """Calls whose storage setting forbids keeping all of them."""
        return self.filter(storage_level__gt=0)

    def billable(self) -> CallQuerySet:
        return self.filter(is_billable=True)

    def without_final_transcript(self) -> CallQuerySet:
        """Calls with none, or only with what an event before their end said so far."""
        nothing = models.Q(transcript__isnull=True, transcript_entries__isnull=True)
        key = KeyTextTransform("transcript", "provenance")  # see calls/merge.py
        before_end = models.Q(transcript_key__lt=str(Rank.CALL_ENDED.value))
        found: CallQuerySet = self.alias(transcript_key=key).filter(nothing | before_end)
        return found

    def mark(self) -> None:
        """Have these added up again; see calls/changes.py."""
        places = self.order_by().values_list("sort_at", "moved_from", "id")
        with suppress(EmptyResultSet):
            changes.mark(*places.query.sql_with_params())

    def create(self, **kwargs: Any) -> Call:
        with transaction.atomic(using=self.db):
            call: Call = super().create(**kwargs)
            self.model._default_manager.filter(pk=call.pk).mark()
        return call

    def bulk_create(self, objs: Iterable[Call], *args: Any, **options: Any) -> list[Call]:
        with transaction.atomic(using=self.db):
            made: list[Call] = super().bulk_create(objs, *args, **options)
            self.model._default_manager.filter(pk__in=[call.pk for call in made]).mark()
        return made

    def update(self, **values: Any) -> int:
        """As Django's; in one statement with the marks, as nobody may change a row between."""
        if changes.PLACES & values.keys():
            values["moved_from"] = models.F("sort_at")
        query: Any = self.query.chain(sql.UpdateQuery)
        query.add_update_values(values)
        query.clear_ordering(force=True)
        self._result_cache = None
        with suppress(EmptyResultSet):
            statement, params = query.get_compiler(self.db).as_sql()
            # Empty where only generated columns were named.
            return changes.update_and_mark(statement, params) if statement else 0
        return 0

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic(using=self.db):
            locked = self.order_by().select_for_update(of=("self",)).values_list("pk", flat=True)
            doomed = self.model._default_manager.filter(pk__in=list(locked))
            doomed.mark()
            return models.QuerySet.delete(doomed)


class TagQuerySet(models.QuerySet[Any]):
    def suggested(self) -> TagQuerySet:
        """Those that some call has, while one types another."""
        used = self.model.calls.through.objects.values("tag")
        return self.filter(pk__in=used)[:MOST_SUGGESTED]


class SavedViewQuerySet(models.QuerySet[Any]):
    def visible_to(self, person_id: UUID) -> SavedViewQuerySet:
        """Everybody's, then one's own."""
        mine = models.Q(owner_id=None) | models.Q(owner_id=person_id)
        return self.filter(mine).order_by(models.F("owner_id").asc(nulls_first=True), "name", "id")


class ChatQuerySet(NewestFirst):
    def for_api(self, include: Iterable[str] = ()) -> ChatQuerySet:
        """As lists, with the messages if they were asked for."""
        heavy = ["cost", "transcript", "details", "provenance", "agent__versions"]
        if "messages" not in include:
            heavy.append("messages")
        return self.defer(*heavy).select_related("agent").order_by("-sort_at", "-id")

    def for_list(self) -> ChatQuerySet:
        heavy = (
            "cost", "transcript", "messages", "details", "provenance", "agent__versions",
        )  # fmt: skip
        return self.defer(*heavy).select_related("agent").order_by("-sort_at", "-id")

    def restricted(self) -> ChatQuerySet:
        return self.filter(storage_level__gt=0)
