"""Reads of deliveries, named for the screen or job."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from calls.merge import StorageLevel
from calls.models import Call, Chat

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

    def about(self, subject_id: str) -> DeliveryQuerySet:
        """Everything that arrived about one call or chat, oldest first."""
        return self.filter(subject_id=subject_id).defer("body").order_by("id")

    def due(self, at: datetime) -> DeliveryQuerySet:
        return self.filter(retry_at__lte=at).order_by("retry_at")

    def unreadable_before(self, at: datetime) -> DeliveryQuerySet:
        """Undecodable bodies whose time is over."""
        return self.filter(
            reason__in=UNDECODABLE_REASONS, received_at__lt=at, body_removed_at__isnull=True
        )

    def to_redact(self) -> Iterator[tuple[Delivery, StorageLevel]]:
        """Bodies stored whole whose call or chat was restricted by a later event, and how far."""
        restricted = Call.objects.filter(storage_level__gt=0, retell_call_id=OuterRef("subject_id"))
        chats = Chat.objects.filter(storage_level__gt=0, retell_chat_id=OuterRef("subject_id"))
        # django-stubs forget what a queryset of our own was annotated with.
        found: models.QuerySet[Any] = (
            self.filter(is_redacted=False)
            .annotate(
                restricted_to=Coalesce(
                    Subquery(restricted.values("storage_level")),
                    Subquery(chats.values("storage_level")),
                )
            )
            .filter(
                Q(subject_id__in=Call.objects.restricted().values("retell_call_id"))
                | Q(subject_id__in=Chat.objects.restricted().values("retell_chat_id"))
            )
        )
        return ((delivery, StorageLevel(delivery.restricted_to)) for delivery in found)
