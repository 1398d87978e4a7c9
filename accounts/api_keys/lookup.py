"""Finds keys: by their text for the door, and for their page."""

from __future__ import annotations

from uuid import UUID

from django.db.models import F
from django.http import Http404
from django.utils import timezone

from accounts.api_keys.secrets import is_well_formed
from accounts.models import ApiKey
from config.networks import parse_address, parse_network
from tenants.models import Organization, hash_token
from tenants.scope import door

SHOWN = 100


def find_key(text: str, organization: Organization | None, *, address: str) -> ApiKey | None:
    """The key, if it counts on this host, now, from this address; None for every other reason."""
    if not is_well_formed(text):
        return None
    with door():
        key = ApiKey.objects.filter(
            key_sha256=hash_token(text), organization=organization
        ).first()  # fmt: skip
    if key is None or not key.is_valid(timezone.now()) or not _may_come_from(key, address):
        return None
    return key


def _may_come_from(key: ApiKey, text: str) -> bool:
    address = parse_address(text)
    if not key.networks:
        return True
    return address is not None and any(
        address in parse_network(network) for network in key.networks
    )


def keys_of(organization: Organization | None) -> list[ApiKey]:
    """Those that count first, then those that ended, newest first."""
    with door():
        keys = ApiKey.objects.filter(organization=organization)
        return list(keys.order_by(F("revoked_at").asc(nulls_first=True), "-id")[:SHOWN])


def get_key(organization: Organization | None, key_id: UUID) -> ApiKey:
    with door():
        key = ApiKey.objects.filter(organization=organization, pk=key_id).first()
    if key is None:
        raise Http404
    return key
