"""Finds what a request may see of outgoing webhooks; who may, `right_required` decides."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404

from accounts.http import MemberRequest
from notices.models import Sending, Subscription


def get_subscription(request: MemberRequest, subscription_id: UUID) -> Subscription:
    subscription: Subscription = get_object_or_404(Subscription, pk=subscription_id)
    return subscription


def get_sending(request: MemberRequest, subscription_id: UUID, sending_id: UUID) -> Sending:
    sending: Sending = get_object_or_404(
        Sending.objects.select_related("message", "subscription"),
        pk=sending_id,
        subscription_id=subscription_id,
    )
    return sending
