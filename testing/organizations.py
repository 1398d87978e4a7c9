"""Organizations that are made for one test, really committed, and dropped after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections
from psycopg import sql

from tenants import actions, provisioning
from tenants.db.roles import role_name
from tenants.models import Organization


def owner_rows(query: sql.Composable | str, parameters: list[Any] | None = None) -> list[Any]:
    """What the owner login sees: the catalog, and every schema."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall()) if cursor.description else []


def database_name() -> str:
    return str(settings.DATABASES["default"]["NAME"])


def role_exists(schema: str) -> bool:
    role = role_name(database_name(), schema)
    return bool(owner_rows("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]))


def schema_exists(schema: str) -> bool:
    return bool(owner_rows("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]))


def drop_organization(schema: str) -> None:
    """Schema, role and row, whatever of them is there."""
    owner_rows(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
    if role_exists(schema):
        role = sql.Identifier(role_name(database_name(), schema))
        owner_rows(sql.SQL("DROP ROLE {}").format(role))
    Organization.objects.using("owner").filter(schema_name=schema).delete()


@contextmanager
def made_organization(slug: str) -> Iterator[Organization]:
    """A provisioned organization that other connections see, too."""
    organization, _ = actions.register_organization(name=slug.title(), slug=slug)
    try:
        yield provisioning.provision(organization.pk)
    finally:
        drop_organization(organization.schema_name)
