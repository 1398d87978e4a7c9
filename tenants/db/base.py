"""django-tenants' backend, made to fail closed.

What is added, and why:
- `SET search_path` and `SET ROLE` go out together, in one round trip, and only when the connection
  is not already known to carry them. django-tenants swallows a failed `SET search_path` and runs
  the query in the previous organization; here the error is raised and the connection closed.
- An organization's schema is entered only while it is pinned (`tenants.pin`).
- Application SQL goes by the extended protocol, parameterless statements too: it carries exactly
  one statement, so text injected into a statement cannot append `; RESET ROLE`.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql.base import (  # type: ignore[attr-defined]
    ServerBindingCursor,  # missing in django-stubs
)
from django_tenants.postgresql_backend import base as django_tenants_backend
from psycopg import sql
from psycopg.pq import TransactionStatus

from tenants.db.roles import role_for_scope
from tenants.pin import PinViolation, pinned_schema


class ExtendedProtocolCursor(ServerBindingCursor):  # type: ignore[misc]
    """Never uses the simple protocol, under which one string may hold several statements."""

    def _execute_send(
        self, query: Any, *, force_extended: bool = False, binary: bool | None = None
    ) -> None:
        super()._execute_send(query, force_extended=True, binary=binary)


class DatabaseWrapper(django_tenants_backend.DatabaseWrapper):
    """A connection that works in one schema, as one role."""

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        """Choose the schema and role of the next statement; nothing is sent yet.

        Unlike django-tenants', keeps the content type cache: that table is shared here.
        """
        self.tenant = tenant
        self.schema_name = tenant.schema_name
        self.include_public_schema = include_public
        self.set_settings_schema(self.schema_name)

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        if self._works_as_roles:
            params["cursor_factory"] = ExtendedProtocolCursor
        return params

    @property
    def _works_as_roles(self) -> bool:
        return bool(self.settings_dict.get("TENANT_ROLES", True))

    def _cursor(self, name: str | None = None) -> Any:
        self.close_if_health_check_failed()
        self.ensure_connection()
        self._enter_scope()
        # Past django-tenants' own _cursor(), which would send a second SET and swallow its failure.
        return super(django_tenants_backend.DatabaseWrapper, self)._cursor(name)

    def _commit(self) -> None:
        """PostgreSQL answers COMMIT after a swallowed error by a rollback, which takes a SET that
        was sent in the transaction back; so does a COMMIT that fails. The scope is forgotten."""
        known, self.search_path_set_schemas = self.search_path_set_schemas, None
        failed = (
            self.connection is not None
            and self.connection.info.transaction_status == TransactionStatus.INERROR
        )
        super()._commit()
        if not failed:
            self.search_path_set_schemas = known

    def _enter_scope(self) -> None:
        if self.schema_name != "public" and self._works_as_roles:
            self._check_pin()
        status = self.connection.info.transaction_status
        if status == TransactionStatus.INERROR:
            # PostgreSQL refuses everything but a rollback now, and the rollback forgets the scope.
            return
        wanted = (self.settings_dict["NAME"], self.schema_name, self._role())
        if self.search_path_set_schemas != wanted:
            self._send_scope(wanted)

    def _check_pin(self) -> None:
        if pinned_schema() != self.schema_name:
            raise PinViolation(
                f"{self.schema_name} was touched while {pinned_schema() or 'nothing'} is pinned;"
                " use organization_context()."
            )

    def _role(self) -> str | None:
        if not self._works_as_roles:
            return None
        if self.tenant is None:
            raise ImproperlyConfigured("The connection was not told whom it works for.")
        return role_for_scope(self.settings_dict["NAME"], self.tenant)

    def _send_scope(self, wanted: tuple[str, str, str | None]) -> None:
        _, schema, role = wanted
        path = [schema] if schema == "public" else [schema, "public"]
        statement = sql.SQL("SET search_path = {}").format(
            sql.SQL(", ").join(map(sql.Identifier, path))
        )
        if role is not None:
            statement += sql.SQL("; SET ROLE {}").format(sql.Identifier(role))
        self.search_path_set_schemas = None
        try:
            with self.wrap_database_errors:
                # Quoted names only; the simple protocol takes both statements in one round trip.
                psycopg.Cursor(self.connection).execute(statement)
        except BaseException:
            # Which organization the connection is in is unknown now: it must not be used again.
            self.close()
            raise
        self.search_path_set_schemas = wanted
