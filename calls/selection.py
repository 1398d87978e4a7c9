"""Which calls: one thing for the list, saved views, bulk edits, exports and neighbours of a call.

    selection = Selection.from_query(text, organization=organization, sees_personal_data=True)
    selection.calls()         the calls, newest first
    selection.query           canonical query string: what to store, and what makes it again
    selection.lines           what it means, a line a filter, for a file or a confirmation
    selection.chips(request)  the same for a page, each with the URL that removes it
    selection.ignored         what of the text was not understood, as sentences

Everything happens inside the organization's context; times without an offset are read in its zone,
whoever looks. A job stores `query` (with `pinned()`, so that a relative period stays the one that
was shown) and the right of who asked, and makes the selection again. It must check `is_understood`
first: a filter that can no longer be read, because its agent or tag is gone, would otherwise mean
more calls than somebody saw.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar, Self
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, Sum
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from accounts import access
from accounts.http import MemberRequest
from calls.filters import CallFilter, CallFilterForm, masked
from calls.models import Call, Conversation
from calls.querysets import CallQuerySet
from config.paging import COUNT_LIMIT, capped_count
from tenants.models import Organization

# Parameters of the list that are no filters.
OTHER_PARAMETERS = ("view", "do", "all")


@dataclass(frozen=True, slots=True)
class Totals:
    """How many calls, how long they were together, what they cost; exact."""

    calls: int
    duration_ms: int
    cost_cents: Decimal


def totals_of(calls: CallQuerySet) -> Totals:
    """Reads every one of them; for confirmations and the foot of a file."""
    found = calls.order_by().aggregate(
        calls=Count("pk"), duration_ms=Sum("duration_ms"), cost_cents=Sum("cost_cents")
    )
    return Totals(found["calls"], int(found["duration_ms"] or 0), found["cost_cents"] or Decimal(0))


class Selection:
    """Some of an organization's calls, by filters written as a query string."""

    filter_class: ClassVar[type[CallFilter]] = CallFilter
    model: ClassVar[type[Conversation]] = Call

    def __init__(
        self, data: QueryDict, *, organization: Organization, sees_personal_data: bool
    ) -> None:
        self.organization = organization
        self.filters = self.filter_class(
            data,
            self.model._default_manager.for_list(),  # type: ignore[attr-defined]  # of both
            zone=organization.zone,
            sees_personal_data=sees_personal_data,
        )
        self._names = list(data)

    @classmethod
    def from_query(
        cls, query: str, *, organization: Organization, sees_personal_data: bool
    ) -> Self:
        """`sees_personal_data`: whether numbers may be matched by any part of them."""
        return cls(
            QueryDict(query), organization=organization, sees_personal_data=sees_personal_data
        )

    @classmethod
    def from_request(cls, request: MemberRequest) -> Self:
        """By the parameters of a page's URL, for the person who looks."""
        return cls(
            request.GET,
            organization=request.organization,
            sees_personal_data=access.sees_personal_data(),
        )

    @property
    def form(self) -> CallFilterForm:
        form: CallFilterForm = self.filters.form
        return form

    @property
    def is_understood(self) -> bool:
        """Whether every filter was applied."""
        return not self.ignored

    @cached_property
    def ignored(self) -> list[str]:
        return self.form.ignored(self._names, OTHER_PARAMETERS)

    @property
    def is_all(self) -> bool:
        """Whether nothing is filtered away."""
        return not self.form.values()

    @property
    def is_ticked(self) -> bool:
        """Whether calls are named one by one."""
        return "call" in self.form.values()

    @cached_property
    def query(self) -> str:
        """Canonical: the same filters give the same text, whatever URL they came from."""
        return urlencode(self.filters.canonical())

    def pinned(self) -> Self:
        """With a period that is counted from today replaced by its dates."""
        values = self.form.values()
        pairs = self.filters.canonical()
        if "period" in values:
            times = ("period", "started_after", "started_before")
            pairs = [pair for pair in pairs if pair[0] not in times]
            pairs += self._span_as_pairs(values)
        return self.from_query(
            urlencode(pairs),
            organization=self.organization,
            sees_personal_data=self.filters.sees_personal_data,
        )

    def _span_as_pairs(self, values: dict[str, Any]) -> Iterable[tuple[str, str]]:
        """A later start or an earlier end that was chosen besides still counts."""
        start, end = self.filters.span(values["period"])
        start = max(start, values.get("started_after", start))
        end = min(end, values.get("started_before", end))
        return [("started_after", start.isoformat()), ("started_before", end.isoformat())]

    def calls(self) -> CallQuerySet:
        """Newest first, with agents, without the large columns."""
        calls: CallQuerySet = self.filters.qs
        return calls

    def count(self, limit: int = COUNT_LIMIT) -> int:
        """Exact up to `limit`; `limit + 1` when there are more."""
        return capped_count(self.calls(), limit)

    def totals(self) -> Totals:
        return totals_of(self.calls())

    def newest(self) -> UUID | None:
        """The last call that was stored of these; a job that stops at it leaves out what comes
        later."""
        pk: UUID | None = self.calls().order_by("-id").values_list("pk", flat=True).first()
        return pk

    def neighbours(self, call: Call) -> tuple[Call | None, Call | None]:
        """The next newer and the next older of these, beside any call."""
        newer, older = self.calls().select_related(None).neighbours(call)
        return newer, older

    @property
    def searched(self) -> str:
        """What somebody typed to be searched for, as it was written."""
        values = self.form.values()
        return f"{values.get('q', '')} {values.get('text', '')}".strip()

    def chips(self, request: HttpRequest) -> list[dict[str, str]]:
        return self.form.chips(request)

    @property
    def lines(self) -> list[str]:
        """A line a filter: "Agent is any of Front desk, Sales"; none for all calls."""
        return [" ".join(part for part in one[1:] if part) for one in self.form.shown_values()]

    @property
    def text(self) -> str:
        """In one line, for titles and the log: a searched number is masked."""
        shown = self.form.shown_values()
        return (
            ", ".join(f"{one.label} {one.operator} {masked(one.name, one.value)}" for one in shown)
            or self.everything
        )

    @property
    def everything(self) -> str:
        """What no filter at all means."""
        return _("all calls")
