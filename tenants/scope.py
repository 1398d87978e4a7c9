"""What a connection can be set to work as, besides a whole `Organization`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol, cast

from django.db import DEFAULT_DB_ALIAS, connections

from tenants.db.roles import Scope


@dataclass(frozen=True, slots=True)
class OrganizationScope:
    """Enough of an organization to enter its schema without reading its row."""

    schema_name: str


@dataclass(frozen=True, slots=True)
class SharedScope:
    """The shared schema, as the role named `role` (see `tenants.db.roles`)."""

    role: str
    schema_name: str = "public"


class ScopedConnection(Protocol):
    """What `tenants.db` adds to a connection of Django: whom it works for, and in which schema."""

    tenant: Scope
    schema_name: str

    def set_tenant(self, tenant: Scope) -> None: ...


def scoped_connection(alias: str = DEFAULT_DB_ALIAS) -> ScopedConnection:
    return cast(ScopedConnection, connections[alias])


DOOR = SharedScope(role="door")
PLATFORM = SharedScope(role="platform")


@contextmanager
def _scope(scope: SharedScope) -> Iterator[None]:
    connection = scoped_connection()
    previous = connection.tenant
    connection.set_tenant(scope)
    try:
        yield
    finally:
        connection.set_tenant(previous)


def door() -> AbstractContextManager[None]:
    """Read and write who someone is: sessions, users, memberships, factors, invitations, domains.

    The one way from inside an organization to credentials, and back again.
    """
    return _scope(DOOR)


def platform() -> AbstractContextManager[None]:
    """Work on the operator's shared tables."""
    return _scope(PLATFORM)
