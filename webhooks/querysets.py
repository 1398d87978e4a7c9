"""Reads of deliveries, named for the screen or job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models

from webhooks import ids

# Reasons of bodies that could not be read as an object: nothing in them can be redacted.
UNDECODABLE_REASONS = (
    "not_utf8",
    "not_json",
    "not_a_number",
    "number_unreadable",
    "too_deep",
    "not_an_object",
)

if TYPE_CHECKING:
    from webhooks.models import Delivery


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def for_list(self) -> DeliveryQuerySet:
        """Newest first (ids sort by time), without the bodies."""
        return self.defer("body").order_by("-id")

    def about_like(self, beginnings: Iterable[str]) -> DeliveryQuerySet:
        """What arrived about calls or chats whose id begins with one of these."""
        matches = models.Q()
        for beginning in beginnings:
            matches |= models.Q(subject_id__startswith=beginning)
        return self.filter(matches)

    def about(self, subject_id: str) -> DeliveryQuerySet:
        """Everything that arrived about one call or chat, oldest first."""
        return self.filter(subject_id=subject_id).defer("body").order_by("id")

    def received_before(self, when: datetime) -> DeliveryQuerySet:
        """By the key too, whose index is in the order of time."""
        return self.filter(received_at__lt=when, id__lt=ids.first_at(when + ids.SLACK))

    def received_from(self, when: datetime) -> DeliveryQuerySet:
        return self.filter(received_at__gte=when, id__gte=ids.first_at(when - ids.SLACK))

    def due(self, at: datetime) -> DeliveryQuerySet:
        return self.filter(retry_at__lte=at, body_removed_at__isnull=True).order_by("retry_at")

    def unreadable_before(self, at: datetime) -> DeliveryQuerySet:
        """Undecodable bodies whose time is over."""
        return self.filter(
            state="quarantined",
            reason__in=UNDECODABLE_REASONS,
            received_at__lt=at,
            body_removed_at__isnull=True,
        )

    def to_redact(self) -> DeliveryQuerySet:
        """Those marked because their call or chat may be restricted, oldest mark first."""
        return self.filter(redact_at__isnull=False).order_by("redact_at").defer("body")

    def kept_about(self, subject_id: str) -> Iterator[Delivery]:
        """Everything about one call or chat that has a body, one body in memory at a time."""
        ids = self.filter(subject_id=subject_id, body_removed_at__isnull=True).values_list("id")
        return (self.get(pk=pk) for (pk,) in list(ids))
