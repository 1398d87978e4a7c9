"""From the token in a webhook URL to the organization and its keys, by a short-lived cache."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from threading import Lock
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError

from agents.connection.keys import signing_keys
from tenants.models import Domain, WebhookEndpoint, hash_token
from tenants.pin import organization_context
from tenants.scope import OrganizationScope, door, platform
from webhooks.exceptions import StorageUnavailable

logger = logging.getLogger(__name__)

TOKEN_MAX_LENGTH = 128
_MAX_CACHED = 50_000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Whose events arrive under a token, and what they may be signed with."""

    organization_id: UUID
    schema_name: str
    keys: tuple[str, ...]
    # Which of the organization's URLs it is; None where nobody came by one.
    id: UUID | None = None
    # An old URL, exchanged or revoked: it opens nothing, and has no keys.
    is_expired: bool = False

    @property
    def scope(self) -> OrganizationScope:
        return OrganizationScope(self.schema_name)


class _Cache:
    """Per process. Misses are cached too: an unknown token must not cost more than a known one."""

    def __init__(self) -> None:
        self._entries: dict[bytes, tuple[float, Endpoint | None]] = {}
        self._lock = Lock()

    def get(self, key: bytes) -> tuple[bool, Endpoint | None]:
        entry = self._entries.get(key)
        if entry is None or entry[0] < time.monotonic():
            return False, None
        return True, entry[1]

    def put(self, key: bytes, endpoint: Endpoint | None) -> None:
        with self._lock:
            if len(self._entries) >= _MAX_CACHED:
                self._entries.clear()
            expires = time.monotonic() + settings.WEBHOOK_ENDPOINT_CACHE_SECONDS
            self._entries[key] = (expires, endpoint)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


cache = _Cache()


def find_endpoint(token: str, *, fresh: bool = False) -> Endpoint | None:
    """The endpoint of a token, expired or not, or None; `fresh`, or at most
    `WEBHOOK_ENDPOINT_CACHE_SECONDS` old.

    Raises `StorageUnavailable` when it cannot be read.
    """
    if len(token) > TOKEN_MAX_LENGTH:
        return None
    key = hash_token(token)
    known, endpoint = (False, None) if fresh else cache.get(key)
    if not known:
        endpoint = _read(key)
        cache.put(key, endpoint)
    return endpoint


def _read(token_sha256: bytes) -> Endpoint | None:
    try:
        with door():
            row = (
                WebhookEndpoint.objects.select_related("organization")
                .filter(token_sha256=token_sha256)
                .first()
            )
        if row is None or not row.organization.accepts_webhooks:
            _read_nothing()
            return None
        if row.is_expired:
            _read_nothing()
            return _expired(row)
        with organization_context(row.organization):
            keys = _keys(row.organization_id)
    except DatabaseError as error:
        raise StorageUnavailable from error
    return Endpoint(row.organization_id, row.organization.schema_name, keys, row.pk)


def _expired(row: WebhookEndpoint) -> Endpoint:
    return Endpoint(row.organization_id, row.organization.schema_name, (), row.pk, is_expired=True)


def _read_nothing() -> None:
    """The round trips that reading a known endpoint's keys takes: an unknown one must not be
    answered sooner."""
    with platform():
        Domain.objects.filter(pk=0).first()


def _keys(organization_id: UUID) -> tuple[str, ...]:
    """The usable keys; one that does not decrypt any more does not take the others along."""
    keys, unreadable = signing_keys(organization_id)
    if unreadable:
        logger.error("a Retell key cannot be decrypted; is its key in ENCRYPTION_KEYS?")
    if unreadable and not keys:
        # Refusing would tell Retell that its signature is wrong. It is our side that is broken.
        raise StorageUnavailable
    return tuple(keys)
