"""The URL that Retell posts to. While it is being exchanged there are two."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from audit.actions import record
from audit.vocabulary import Action, Kind
from tenants import actions as tenants_actions
from tenants.models import Organization, WebhookEndpoint
from tenants.scope import platform

ROTATED = Action(
    "organizations.webhook_url_rotated",
    "made a new webhook URL for {object}; the one before it works until {until}",
)
REVOKED = Action(
    "organizations.webhook_url_revoked",
    "revoked the old webhook URL of {object} made on {made}",
    Kind.DELETE,
)

OLD_URL_VALID_DAYS = 7


def rotate(organization: Organization) -> WebhookEndpoint:
    """A new webhook URL; the one before it works for seven more days."""
    old_expires_at = timezone.now() + timedelta(days=OLD_URL_VALID_DAYS)
    with platform(), transaction.atomic():
        endpoint = tenants_actions.rotate_webhook_token(organization, old_expires_at=old_expires_at)
        record(ROTATED, organization, details={"until": _utc(old_expires_at)},
               organization=organization)  # fmt: skip
    return endpoint


def revoke_old(organization: Organization, endpoint_id: UUID) -> bool:
    """An old URL works no more; whether it did until now. The current one cannot be revoked."""
    with platform(), transaction.atomic():
        old = tenants_actions.expire_webhook_token(organization, endpoint_id)
        if old is None:
            return False
        record(REVOKED, organization, details={"made": _utc(old.created_at)},
               organization=organization)  # fmt: skip
    return True


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
