"""Finds deliveries a request may see, and decides who reads their bodies."""

from __future__ import annotations

from uuid import UUID

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts import access
from accounts.roles import Right
from tenants.pin import pinned_schema
from webhooks.models import Delivery
from webhooks.replaying import Selection


def get_delivery(request: HttpRequest, delivery_id: UUID, *, write: bool = False) -> Delivery:
    delivery = get_object_or_404(Delivery, pk=delivery_id)
    if write and not access.may(request, Right.REPLAY_DELIVERIES):
        raise PermissionDenied
    return delivery


def may_read_body(request: HttpRequest) -> bool:
    """Bodies hold whole numbers and transcripts: admins only."""
    return access.may(request, Right.READ_BODIES)


SELECTION_SALT = "webhooks.replay"
SELECTION_VALID_SECONDS = 3600


def sign_selection(selection: Selection) -> str:
    """What somebody is asked about; no other organization can use it."""
    return signing.dumps(selection.as_parameters(), salt=_selection_salt())


def read_selection(text: str) -> Selection | None:
    """What they were asked about, or None when it is not that, or too long ago."""
    try:
        parameters = signing.loads(text, salt=_selection_salt(), max_age=SELECTION_VALID_SECONDS)
    except signing.BadSignature:
        return None
    return Selection.of_parameters(parameters)


def _selection_salt() -> str:
    return f"{SELECTION_SALT}:{pinned_schema()}"
