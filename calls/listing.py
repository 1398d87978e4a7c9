"""What the rows of the calls list show, and how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import access
from accounts.http import MemberRequest
from accounts.masking import shown_number, shown_text
from accounts.roles import Right
from calls import bulk, search
from calls.columns import Column
from calls.models import Call
from calls.querysets import CallQuerySet
from calls.search import Part
from calls.selection import Selection
from config.paging import COUNT_LIMIT, quick_count
from config.templatetags.formats import number


@dataclass(frozen=True, slots=True)
class Row:
    """One call, with what only some columns need."""

    call: Call
    passage: list[Part] = field(default_factory=list)

    @property
    def line(self) -> str | None:
        """The agent's own number, which the other side saw or dialled."""
        call = self.call
        own = call.from_number if call.direction == "outbound" else call.to_number
        return shown_number(own)

    @property
    def summary(self) -> str | None:
        return shown_text(self.call.summary)


def with_columns(calls: CallQuerySet, shown: Iterable[Column]) -> CallQuerySet:
    """Read what the chosen columns need, in the same number of queries for any number of rows."""
    keys = {column.key for column in shown}
    found = calls.prefetch_related("tags") if "tags" in keys else calls
    return found if "summary" in keys else found.defer("summary")


def rows(calls: Sequence[Call], words: str, *, whole: bool) -> list[Row]:
    """With the passages that match `words`; `whole`: without masking numbers."""
    passages: dict[Any, list[Part]] = {}
    if words:
        found = Call.objects.filter(pk__in=[call.pk for call in calls])
        passages = search.passages(found, words, sees_personal_data=whole)
    return [Row(call, passages.get(call.pk, [])) for call in calls]


def count_text(selection: Selection, shown: int) -> str:
    """ "50 of 1,234 calls", "50 of 10,000+ calls", or what is known when counting takes long."""
    count = quick_count(selection.calls())
    if count is None:
        return _("%(shown)s shown; counting all that match takes too long") % {
            "shown": number(shown)
        }
    total = f"{number(COUNT_LIMIT)}+" if count > COUNT_LIMIT else number(count)
    return ngettext("%(shown)s of %(total)s call", "%(shown)s of %(total)s calls", count) % {
        "shown": number(shown),
        "total": total,
    }


def may_change(request: MemberRequest) -> dict[str, bool]:
    """Which changes to many calls this person may make, by name."""
    return {do: access.may(request, right) for do, right in bulk.RIGHTS.items()} | {
        "anything": access.may(request, Right.ANNOTATE_CALLS)
    }
