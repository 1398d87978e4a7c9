"""Reads of subscriptions and of what was sent to them, named for who needs them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import Count, FilteredRelation, Q

if TYPE_CHECKING:
    from notices.models import Message, Sending, Subscription  # noqa: F401 - in strings below


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def for_list(self) -> SubscriptionQuerySet:
        """Newest first, with how many sendings wait."""
        waiting = FilteredRelation("sendings", condition=Q(sendings__state="waiting"))
        return self.annotate(waits=waiting, waiting=Count("waits")).order_by("-id")

    def wanting(self, topic: str) -> SubscriptionQuerySet:
        return self.filter(is_enabled=True, topics__contains=[topic])

    def due(self, now: datetime) -> SubscriptionQuerySet:
        """To which something can be sent now."""
        open_now = Q(paused_until=None) | Q(paused_until__lte=now)
        waiting = Q(sendings__state="waiting", sendings__next_try_at__lte=now)
        return self.filter(open_now, waiting, is_enabled=True).distinct()


class MessageQuerySet(models.QuerySet["Message"]):
    def older_than(self, before: datetime) -> MessageQuerySet:
        return self.filter(created_at__lt=before)


class SendingQuerySet(models.QuerySet["Sending"]):
    def of(self, subscription_id: UUID) -> SendingQuerySet:
        """Newest first, with what they send."""
        return (
            self.filter(subscription_id=subscription_id).select_related("message").order_by("-id")
        )

    def due(self, subscription_id: UUID, now: datetime) -> SendingQuerySet:
        """What can be tried now, what waits longest first."""
        return self.filter(
            subscription_id=subscription_id, state="waiting", next_try_at__lte=now
        ).order_by("next_try_at", "id")

    def since(self, subscription_id: UUID, at: datetime) -> SendingQuerySet:
        """Of what happened at `at` or later."""
        return self.filter(subscription_id=subscription_id, message__created_at__gte=at)

    def failed(self) -> SendingQuerySet:
        return self.filter(state="failed")
