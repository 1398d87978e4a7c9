"""Telling that something happened: the one way into this app for those above it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from procrastinate.contrib.django import app as procrastinate
from procrastinate.exceptions import AlreadyEnqueued

from notices.models import Message, Sending, Subscription
from notices.topics import Topic
from tenants.pin import pinned_schema

SEND_TASK = "notices.send"
# Slow receivers hold up each other at worst, and no other job.
QUEUE = "notices"
KEY_MAX_LENGTH = 200


def is_wanted(topic: Topic) -> bool:
    """Whether anybody would be told; so that what is told need not be found out otherwise."""
    return Subscription.objects.wanting(topic).exists()


def emit(
    topic: Topic, data: Mapping[str, Any], *, key: str | None = None, soon: bool = True
) -> Message | None:
    """Tell whoever wants to know, in the caller's transaction; None when nobody does.

    `data` goes out as JSON and never holds personal data: receivers fetch that with a key of
    theirs. Twice with one `key` tells once. `soon=False` leaves it to the job of each minute, for
    callers that must enqueue nothing.
    """
    wanting = list(Subscription.objects.wanting(topic))
    if not wanting:
        return None
    message = _message(topic, data, key)
    with transaction.atomic():
        # Whoever tells the same at this moment is waited for.
        Message.objects.bulk_create([message], ignore_conflicts=True)
        if not Message.objects.filter(pk=message.pk).exists():
            return None
        Sending.objects.bulk_create(
            Sending(subscription=subscription, message=message, next_try_at=message.created_at)
            for subscription in wanting
        )
    if soon:
        for subscription in wanting:
            send_soon(subscription.pk)
    return message


def _message(topic: str, data: Mapping[str, Any], key: str | None = None) -> Message:
    now = timezone.now()
    payload = {"type": str(topic), "timestamp": now.isoformat(), "data": dict(data)}
    return Message(
        topic=str(topic), key=key[:KEY_MAX_LENGTH] if key else None, payload=payload, created_at=now
    )


def emit_to(subscription: Subscription, topic: str, data: Mapping[str, Any]) -> Sending:
    """To this one only, whatever it wants: a test."""
    with transaction.atomic():
        message = _message(topic, data)
        message.save(force_insert=True)
        sending = Sending.objects.create(
            subscription=subscription, message=message, next_try_at=message.created_at
        )
    send_soon(subscription.pk)
    return sending


def send_soon(subscription_id: UUID, *, seconds: int = 0) -> None:
    """Hurry, once it is committed. The due marks are what counts: the job of each minute finds them
    when this is lost."""
    schema = pinned_schema()
    transaction.on_commit(lambda: _defer(schema, subscription_id, seconds))


def _defer(schema: str | None, subscription_id: UUID, seconds: int) -> None:
    lock = f"notices.send {subscription_id} {'later' if seconds else 'now'}"
    task = procrastinate.configure_task(
        SEND_TASK,
        queue=QUEUE,
        queueing_lock=lock,
        schedule_in={"seconds": seconds} if seconds else None,
    )
    with suppress(AlreadyEnqueued):
        task.defer(schema_name=schema, subscription_id=str(subscription_id))


def wanted_since(topic: Topic) -> datetime | None:
    """Since when somebody wants to be told; None: nobody does."""
    found: datetime | None = Subscription.objects.wanting(topic).aggregate(at=Min("created_at"))[
        "at"
    ]
    return found


def hurry(topic: Topic) -> None:
    """After many were told with `soon=False`."""
    for subscription in Subscription.objects.wanting(topic).only("pk"):
        send_soon(subscription.pk)
