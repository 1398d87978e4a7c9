"""From a number of the overview to the list of the calls behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import urlencode

from django.urls import reverse

from agents.models import Agent
from config.periods import Period, Slice, call_filter

Filter = str | Sequence[str]


@dataclass(frozen=True)
class Links:
    """Of one period, and of one agent where one was chosen."""

    period: Period
    agent: Agent | None = None

    @property
    def agent_id(self) -> str | None:
        """Its id in Retell, by which numbers are asked for."""
        return self.agent.retell_agent_id if self.agent else None

    def calls(self, **filters: Filter) -> str:
        """The calls of the whole period."""
        return _narrowed(self._begun(self.period.call_filter), filters)

    def slices(self, **filters: Filter) -> list[str]:
        """The calls of each bar of a chart over time."""
        return [_narrowed(url, filters) for url in self._slice_urls]

    @cached_property
    def shown_slices(self) -> list[Slice]:
        return self.period.slices

    @cached_property
    def _slice_urls(self) -> list[str]:
        zone = self.period.zone
        return [self._begun(call_filter(one.start, one.end, zone)) for one in self.shown_slices]

    def since(self, start: datetime, **filters: Filter) -> str:
        """Those that began since then, whatever the period."""
        begun = call_filter(start, start, self.period.zone)["started_after"]
        return _narrowed(self._begun({"started_after": begun}), filters)

    def _begun(self, when: dict[str, str]) -> str:
        agent = {"agent": str(self.agent.pk)} if self.agent else {}
        return f"{reverse('calls:list')}?{urlencode(agent | when)}"


def _narrowed(url: str, filters: dict[str, Filter]) -> str:
    return f"{url}&{urlencode(filters, doseq=True)}" if filters else url
