"""Names of the database roles. Roles belong to a whole cluster, so names carry the database's.

| role | may |
|---|---|
| owner (login) | owns everything; migrations and provisioning only |
| runtime (login) | nothing by itself; always works as one of the next three |
| door | sessions, users, memberships, factors, invitations, domains, endpoints |
| platform | shared tables, no organization's schema |
| one per organization | its own schema, and its own rows of the shared tables it needs |
| backup (login) | reads everything |
"""

from __future__ import annotations

from typing import Protocol

POSTGRESQL_IDENTIFIER_BYTES = 63


class Scope(Protocol):
    """What a connection is set to work as: an organization, or one of `tenants.scope`."""

    @property
    def schema_name(self) -> str: ...


def role_name(database: str, suffix: str) -> str:
    """The cluster-wide name of a database's role, e.g. `switchboard_door`."""
    name = f"{database}_{suffix}"
    if len(name.encode()) > POSTGRESQL_IDENTIFIER_BYTES:
        raise ValueError(
            f"The database name {database!r} is too long: its roles are named after it and"
            f" PostgreSQL cuts names at {POSTGRESQL_IDENTIFIER_BYTES} bytes."
        )
    return name


def role_for_scope(database: str, scope: Scope) -> str:
    """The role a connection set to `scope` works as: an organization, door or platform."""
    if scope.schema_name == "public":
        return role_name(database, getattr(scope, "role", "platform"))
    return role_name(database, scope.schema_name)
