"""Secrets of subscriptions, and the headers by which a receiver knows that it was us.

The format is Standard Webhooks: https://www.standardwebhooks.com
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime
from uuid import UUID

from standardwebhooks import Webhook

from notices.models import SECRET_FIELD, Message, Subscription
from tenants import encryption

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def seal(secret: str, organization_id: UUID) -> bytes:
    return encryption.encrypt(secret, organization_id=organization_id, field=SECRET_FIELD)


def _open(sealed: bytes | memoryview, organization_id: UUID) -> str:
    return encryption.decrypt(sealed, organization_id=organization_id, field=SECRET_FIELD)


def fingerprint(sealed: bytes | memoryview) -> str:
    """Names a secret without saying it."""
    return hashlib.sha256(sealed).hexdigest()


def secret_with(name: str, subscription: Subscription, organization_id: UUID) -> str | None:
    """The secret of that fingerprint, if it is the newest or the one before."""
    for sealed in (subscription.secret_encrypted, subscription.previous_secret_encrypted):
        if sealed is not None and fingerprint(sealed) == name:
            return _open(sealed, organization_id)
    return None


def _secrets(subscription: Subscription, organization_id: UUID, at: datetime) -> list[str]:
    """The newest first. Raises `encryption.DecryptionError` when it cannot be decrypted."""
    found = [_open(subscription.secret_encrypted, organization_id)]
    previous = subscription.previous_secret_encrypted
    if previous is not None and subscription.previous_secret_signs(at):
        found.append(_open(previous, organization_id))
    return found


def headers(
    subscription: Subscription, message: Message, body: str, *, organization_id: UUID, at: datetime
) -> dict[str, str]:
    """Of one try at `at`, in UTC; one signature a secret. Raises `encryption.DecryptionError`."""
    signatures = [
        Webhook(secret).sign(msg_id=str(message.pk), timestamp=at, data=body)
        for secret in _secrets(subscription, organization_id, at)
    ]
    return {
        "Content-Type": "application/json",
        "webhook-id": str(message.pk),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
