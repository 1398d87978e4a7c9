"""Subscriptions of tests, and turns of the worker without waiting for one."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from notices import actions
from notices.models import Sending, Subscription
from notices.sending import send_due
from notices.topics import Topic
from tenants.models import Organization

ALL_TOPICS = [topic.value for topic in Topic]


def subscribed(
    organization: Organization, user: User, url: str, **values: Any
) -> tuple[Subscription, str]:
    """One that wants everything, and its secret. Inside the organization's context."""
    given = {"topics": ALL_TOPICS, "description": "CRM"} | values
    return actions.create_subscription(organization, url=url, created_by=user.display_name, **given)


def turn(organization: Organization, subscription: Subscription) -> Subscription:
    """As the worker takes it; afterwards as it stands."""
    send_due(organization, subscription.pk)
    return Subscription.objects.get(pk=subscription.pk)


def make_due(subscription: Subscription) -> None:
    """As if the time until the next try had gone by."""
    Sending.objects.filter(subscription=subscription, state="waiting").update(
        next_try_at="2026-01-01T00:00Z"
    )
    Subscription.objects.filter(pk=subscription.pk).update(paused_until=None)


@pytest.fixture
def loopback(settings: Any) -> None:
    """Receivers of tests are on this machine."""
    settings.OUTGOING_INSECURE = True
