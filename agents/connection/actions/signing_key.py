"""The key that signs webhooks: the one with the webhook badge in Retell. While it is being
exchanged there are two."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agents.connection import keys
from agents.connection.row import assign, locked
from agents.models import SIGNING_KEY_FIELD, RetellConnection
from audit.actions import record
from audit.vocabulary import Action, Kind
from tenants import encryption

SET = Action("agents.key_set", "set the Retell key that ends in {ends_in}", Kind.CREATE)
CHANGED = Action("agents.key_changed", "exchanged the Retell key; its last characters went")
OLD_REMOVED = Action(
    "agents.old_key_removed",
    "removed the old Retell signing key that ended in {ended_in}",
    Kind.DELETE,
)
REMOVED = Action(
    "agents.key_removed", "removed the Retell signing key that ended in {ended_in}", Kind.DELETE
)

PREVIOUS_KEY_VALID_DAYS = 7


def set_signing_key(organization_id: UUID, key: str) -> RetellConnection:
    """Store the key that signs webhooks; the one before it stays valid for seven days.

    Raises `RetellKeyError` for an empty key: an empty key would accept forged webhooks.
    """
    key = keys.clean_key(key)
    with transaction.atomic():
        row = locked()
        exchange(organization_id, row, key)
    return row


def exchange(organization_id: UUID, row: RetellConnection, key: str) -> None:
    """Within the caller's transaction, of a locked row. The same key again changes nothing."""
    current = keys.unsealed(row.key_encrypted, organization_id, SIGNING_KEY_FIELD)
    if current == key:
        return
    now = timezone.now()
    values: dict[str, Any] = {
        "key_encrypted": encryption.encrypt(
            key, organization_id=organization_id, field=SIGNING_KEY_FIELD
        ),
        "key_last4": key[-4:],
        "key_set_at": now,
    }
    before = row.key_last4
    had_one = row.key_encrypted is not None
    if had_one:
        values |= {
            "previous_key_encrypted": row.key_encrypted,
            "previous_key_last4": row.key_last4,
            "previous_key_expires_at": now + timedelta(days=PREVIOUS_KEY_VALID_DAYS),
        }
    row.save(update_fields=assign(row, **values))
    if had_one:
        record(CHANGED, row, changes={"ends in": [before, row.key_last4]})
    else:
        record(SET, row, details={"ends_in": row.key_last4})


_NO_PREVIOUS_KEY: dict[str, Any] = {
    "previous_key_encrypted": None,
    "previous_key_last4": "",
    "previous_key_expires_at": None,
}


def remove_previous_key() -> None:
    """The old signing key counts no more."""
    with transaction.atomic():
        row = locked()
        if row.previous_key_encrypted is None:
            return
        ended_in = row.previous_key_last4
        row.save(update_fields=assign(row, **_NO_PREVIOUS_KEY))
        record(OLD_REMOVED, row, details={"ended_in": ended_in})


def remove_signing_keys() -> None:
    """No key counts any more: webhooks are refused until one is stored again."""
    with transaction.atomic():
        row = locked()
        if row.key_encrypted is None:
            return
        ended_in = row.key_last4
        row.save(
            update_fields=assign(
                row, key_encrypted=None, key_last4="", key_set_at=None, **_NO_PREVIOUS_KEY
            )
        )
        record(REMOVED, row, details={"ended_in": ended_in})


def mark_connection_checked() -> None:
    """Retell's test button reached us with a good signature."""
    RetellConnection.objects.filter(pk=1).update(checked_at=timezone.now())
