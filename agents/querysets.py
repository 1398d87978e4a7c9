"""Reads of agents, named for the screen.

Calls and chats are reached by their relation: `calls` lies beside this app, and knows it.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Count, Exists, F, FilteredRelation, OuterRef, Q, Sum

if TYPE_CHECKING:
    from agents.models import Agent  # noqa: F401 - named by the base class

# Codes of `calls.outcomes.Outcome`.
_JUDGED = ("successful", "unsuccessful")


class AgentQuerySet(models.QuerySet["Agent"]):
    def for_list(self) -> AgentQuerySet:
        """Unassigned ones first: they want a name; then by name, those gone from Retell last."""
        return self.order_by(
            models.Case(models.When(gone_at=None, then=0), default=1),
            models.Case(models.When(name="", then=0), default=1),
            "name",
            "retell_name",
            "retell_agent_id",
        )

    def for_choice(self) -> AgentQuerySet:
        return self.only("id", "name", "retell_name", "retell_agent_id")

    def named(self, text: str) -> AgentQuerySet:
        """By any part of the name typed here, or else of Retell's."""
        ours = Q(name__icontains=text)
        return self.filter(ours | Q(name="", retell_name__icontains=text)).order_by("pk")

    def with_what_was_heard(self, since: datetime) -> models.QuerySet[Any]:
        """`heard_…`: whether webhooks, or comparing with Retell, brought calls since then."""

        # By the calls alone: joined with agents, those of no calls would look through all of them.
        calls: Any = self.model._meta.get_field("calls").related_model

        def heard(**conditions: Any) -> Exists:
            own = calls._default_manager.filter(agent=OuterRef("retell_agent_id"))
            return Exists(own.filter(**conditions))

        return self.annotate(
            heard_by_webhook=heard(sort_at__gte=since, source="webhook"),
            heard_by_comparison=heard(sort_at__gte=since, source="reconciled"),
            heard_since_gone=heard(sort_at__gt=OuterRef("gone_at")),
        )

    def chat_numbers(self, start: datetime, end: datetime) -> dict[str, Any]:
        """Per Retell id: chats that began in between, and sums of theirs; see agents/numbers.py."""
        between = Q(chats__sort_at__gte=start, chats__sort_at__lt=end)
        sums: dict[str, Any] = {
            "calls": Count("within"),
            "judged": Count("within", filter=Q(within__outcome_code__in=_JUDGED)),
            "successful": Count("within", filter=Q(within__outcome_code="successful")),
            "cost_cents": Sum("within__cost_cents", default=Decimal(0)),
        }
        rows = (
            self.order_by()
            .annotate(within=FilteredRelation("chats", condition=between))
            .filter(within__isnull=False)
            .values(key=F("retell_agent_id"))
            .annotate(**sums)
        )
        return {row.pop("key"): row for row in rows}
