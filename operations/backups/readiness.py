"""Whether a restored database could be served by this version: what `release` and `web` rely on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from operations.backups.manifest import Connection, Manifest
from tenants import encryption
from tenants.encryption import DecryptionError
from tenants.models import OrganizationStatus, hash_token

_ORGANIZATIONS = """
SELECT name, schema_name FROM public.tenants_organization WHERE status <> ALL (%s) ORDER BY name
"""
_WITHOUT_SCHEMA = [OrganizationStatus.PROVISIONING, OrganizationStatus.DELETED]
_APPLIED = "SELECT app, name FROM {}.django_migrations"
_ENDPOINT = """
SELECT e.organization_id, e.token_encrypted, e.token_sha256, o.name
FROM public.tenants_webhookendpoint e
JOIN public.tenants_organization o ON o.id = e.organization_id
ORDER BY e.created_at DESC LIMIT 1
"""


def problems(connection: Connection, expected: Manifest) -> list[str]:
    """What would keep the product from working on it, as sentences."""
    return [*_organizations(connection, expected), *_stored_key(connection)]


def _organizations(connection: Connection, expected: Manifest) -> Iterator[str]:
    known = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    rows = connection.execute(_ORGANIZATIONS, [_WITHOUT_SCHEMA]).fetchall()
    for name, schema in rows:
        if schema not in expected.schemas:
            yield f"The organization {name} has no schema: {schema} is missing."
        elif schema not in expected.roles:
            yield f"The organization {name} has no role."
        elif _applied(connection, schema) - known:
            yield f"The schema of {name} was migrated by a newer version than this one."


def _applied(connection: Connection, schema: str) -> set[tuple[Any, ...]]:
    query = sql.SQL(_APPLIED).format(sql.Identifier(schema))
    return set(connection.execute(query).fetchall())


def _stored_key(connection: Connection) -> Iterator[str]:
    """One secret is decrypted, and must be what it was: without its key a backup is half of one."""
    row = connection.execute(_ENDPOINT).fetchone()
    if row is None:
        return
    organization_id, encrypted, digest, name = row
    try:
        token = encryption.decrypt(
            encrypted, organization_id=UUID(str(organization_id)), field="webhook_token"
        )
    except DecryptionError:
        yield (
            f"The webhook URL of {name} cannot be decrypted: the key it was encrypted with is not"
            " in ENCRYPTION_KEYS."
        )
        return
    if hash_token(token) != bytes(digest):
        yield f"The webhook URL of {name} was decrypted and is another one."
