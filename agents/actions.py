"""Changes to agents and to the Retell connection."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agents.models import Agent, RetellConnection
from audit.actions import changes_between, record
from audit.vocabulary import Action, Kind
from tenants import encryption

RENAMED = Action("agents.renamed", "renamed the agent {object}")
KEY_SET = Action("agents.key_set", "set the Retell key that ends in {ends_in}", Kind.CREATE)
KEY_CHANGED = Action("agents.key_changed", "exchanged the Retell key; its last characters went")

KEY_FIELD = "retell_api_key"
KEY_MAX_LENGTH = 512
PREVIOUS_KEY_VALID_DAYS = 7


class RetellKeyError(ValueError):
    """The text cannot be a Retell API key."""


def clean_key(key: str) -> str:
    """Without white space around it; raises `RetellKeyError`."""
    key = key.strip()
    if not key or len(key) > KEY_MAX_LENGTH or not key.isprintable():
        raise RetellKeyError("The Retell API key is empty or not a key. Nothing was changed.")
    return key


def set_signing_key(organization_id: UUID, key: str) -> RetellConnection:
    """Store the key that signs webhooks; the one before it stays valid for seven days.

    Raises `RetellKeyError` for an empty key: an empty key would accept forged webhooks.
    """
    key = clean_key(key)
    sealed = encryption.encrypt(key, organization_id=organization_id, field=KEY_FIELD)
    with transaction.atomic():
        old = RetellConnection.objects.select_for_update().filter(pk=1).first()
        values: dict[str, Any] = {"key_encrypted": sealed, "key_last4": key[-4:]}
        if old is not None and key not in signing_keys(organization_id)[0]:
            values |= {
                "previous_key_encrypted": old.key_encrypted,
                "previous_key_expires_at": timezone.now() + timedelta(days=PREVIOUS_KEY_VALID_DAYS),
            }
        connection, _ = RetellConnection.objects.update_or_create(pk=1, defaults=values)
        _record_key(connection, old)
    return connection


def _record_key(connection: RetellConnection, old: RetellConnection | None) -> None:
    """The last four characters only, as pages show them."""
    ends_in = connection.key_last4
    if old is None or old.key_last4 == ends_in:
        record(KEY_SET, connection, details={"ends_in": ends_in})
    else:
        record(KEY_CHANGED, connection, changes={"ends in": [old.key_last4, ends_in]})


def signing_keys(organization_id: UUID) -> tuple[list[str], int]:
    """Keys that may have signed a webhook of this organization, current first, and how many more
    there are that cannot be decrypted."""
    row = RetellConnection.objects.filter(pk=1).first()
    if row is None:
        return [], 0
    sealed = [row.key_encrypted]
    if row.previous_key_encrypted is not None and row.previous_key_is_valid():
        sealed.append(row.previous_key_encrypted)
    keys = []
    for value in sealed:
        try:
            keys.append(encryption.decrypt(value, organization_id=organization_id, field=KEY_FIELD))
        except encryption.DecryptionError:
            continue
    return keys, len(sealed) - len(keys)


def mark_connection_checked() -> None:
    """Retell's test button reached us with a good signature."""
    RetellConnection.objects.filter(pk=1).update(checked_at=timezone.now())


def rename_agent(agent: Agent, *, name: str) -> None:
    """Give an agent our own name; an empty one goes back to Retell's."""
    with transaction.atomic():
        old = Agent.objects.select_for_update().get(pk=agent.pk)
        agent.name = name.strip()
        if agent.name != old.name:
            agent.save(update_fields=["name"])
            record(RENAMED, agent, changes=changes_between(old, agent, ["name"]))
