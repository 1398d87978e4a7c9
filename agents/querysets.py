"""Reads of agents, named for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from agents.models import Agent  # noqa: F401 - named by the base class


class AgentQuerySet(models.QuerySet["Agent"]):
    def for_list(self) -> AgentQuerySet:
        """Unassigned ones first: they want a name."""
        return self.annotate(
            call_count=models.Count("calls"), last_call_at=models.Max("calls__sort_at")
        ).order_by(models.Case(models.When(name="", then=0), default=1), "name", "retell_name")

    def for_choice(self) -> AgentQuerySet:
        return self.only("id", "name", "retell_name", "retell_agent_id")
