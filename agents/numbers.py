"""What the calls and chats of agents come to.

Calls are added up above this app, in `analytics`, which says how to read its sums when Django
starts: counting ten million calls for a list of agents would take seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypedDict

from agents.models import Agent
from config.periods import Period


class Numbers(TypedDict, total=False):
    """Means of durations and latencies are of the calls that have one; None where none has."""

    calls: int
    judged: int
    successful: int
    cost_cents: Decimal
    latency_ms: Decimal | None
    duration_ms: float | None


ByAgent = dict[str, Numbers]
Source = Callable[[Period, str | None], ByAgent]
_sources: list[Source] = []


def register(source: Source) -> None:
    """When Django starts. The source is given a period, and an agent's id in Retell or None for
    all, and answers by such ids; inside the organization's context."""
    _sources.append(source)


def of_period(period: Period, agent: Agent | None = None) -> ByAgent:
    """By id in Retell, only agents that had any calls or chats."""
    agents = Agent.objects.filter(pk=agent.pk) if agent else Agent.objects.all()
    found: ByAgent = agents.chat_numbers(period.start, period.end)
    for source in _sources:
        found |= source(period, agent.retell_agent_id if agent else None)
    return found
