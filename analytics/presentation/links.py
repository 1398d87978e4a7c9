"""From a number of the overview to the list of the calls behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from agents.models import Agent
from config.periods import Period, Slice, call_filter

Filter = str | Sequence[str]


@dataclass(frozen=True, slots=True)
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
        return self._url(self.period.call_filter, filters)

    def slice(self, one: Slice, **filters: Filter) -> str:
        """Those of one bar of a chart over time."""
        return self._url(call_filter(one.start, one.end, self.period.zone), filters)

    def slices(self, **filters: Filter) -> list[str]:
        return [self.slice(one, **filters) for one in self.period.slices]

    def since(self, start: datetime, **filters: Filter) -> str:
        """Those that began since then, whatever the period."""
        begun = call_filter(start, start, self.period.zone)["started_after"]
        return self._url({"started_after": begun}, filters)

    def _url(self, when: dict[str, str], filters: dict[str, Filter]) -> str:
        agent: dict[str, Filter] = {"agent": str(self.agent.pk)} if self.agent else {}
        return f"{reverse('calls:list')}?{urlencode(agent | when | filters, doseq=True)}"
