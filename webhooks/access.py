"""Finds deliveries a request may see, and decides who reads their bodies."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts import access
from accounts.roles import Right
from webhooks.models import Delivery


def get_delivery(request: HttpRequest, delivery_id: UUID, *, write: bool = False) -> Delivery:
    delivery = get_object_or_404(Delivery, pk=delivery_id)
    if write and not access.may(request, Right.REPLAY_DELIVERIES):
        raise PermissionDenied
    return delivery


def may_read_body(request: HttpRequest) -> bool:
    """Bodies hold whole numbers and transcripts: admins only."""
    return access.may(request, Right.READ_BODIES)
