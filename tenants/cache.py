"""Cache keys carry the organization, so that no page or number can be served across."""

from __future__ import annotations

from tenants.pin import pinned_schema


def organization_key(key: str, key_prefix: str, version: int) -> str:
    """`KEY_FUNCTION` of the cache: prefix, version, pinned schema (or `shared`), key."""
    return f"{key_prefix}:{version}:{pinned_schema() or 'shared'}:{key}"
