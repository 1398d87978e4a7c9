"""Migrates the shared schema and every organization's, and records the SQL of a fresh one.

Django's migration executor plans and checks every schema it touches, which is far too slow for a
thousand. So a schema's state is one fingerprint, compared in one query, and of all schemas that
stand at the same fingerprint only the first is migrated by Django: the SQL it sends is recorded
and replayed in the others. A fresh organization is such a replay, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from psycopg import ClientCursor, sql

from tenants.db import grants
from tenants.models import Organization, SchemaTemplate
from tenants.scope import OrganizationScope, scoped_connection

OWNER = "owner"
TEMPLATE_SCHEMA = "schema_template_build"
# A migration waits this long for a table in use before it gives way to live traffic.
LOCK_TIMEOUT = "4s"
# Reading, transactions, and the search path that django-tenants' introspection sets.
_NOT_RECORDED = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "SHOW", "SET SEARCH_PATH")

Report = Callable[[str], None]


def owner_connection() -> BaseDatabaseWrapper:
    return connections[OWNER]


def run(statements: Iterator[sql.Composable], connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def in_schema(schema: str) -> Iterator[BaseDatabaseWrapper]:
    """The owner's connection, working in `schema`."""
    scoped = scoped_connection(OWNER)
    previous = scoped.tenant
    scoped.set_tenant(OrganizationScope(schema))
    try:
        yield owner_connection()
    finally:
        scoped.set_tenant(previous)


def _organization_leaves(loader: MigrationLoader) -> list[tuple[str, str]]:
    labels = {name.rpartition(".")[2] for name in settings.TENANT_APPS}
    return sorted(node for node in loader.graph.leaf_nodes() if node[0] in labels)


def current_fingerprint() -> str:
    """SHA-256 over all migrations of the organization apps, in the order of their plan."""
    loader = MigrationLoader(None)
    plan = [
        node for leaf in _organization_leaves(loader) for node in loader.graph.forwards_plan(leaf)
    ]
    text = "\n".join(f"{app}.{name}" for app, name in dict.fromkeys(plan))
    return hashlib.sha256(text.encode()).hexdigest()


class _Recorder:
    """Collects what is executed on a connection, as text that can be sent again."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.statements: list[str] = []

    def __call__(
        self, execute: Callable[..., Any], statement: Any, params: Any, many: bool, context: Any
    ) -> Any:
        rows = params if many else [params]
        for row in rows:
            text = self._as_text(statement, row)
            if not text.lstrip().upper().startswith(_NOT_RECORDED):
                self.statements.append(text.rstrip().rstrip(";"))
        return execute(statement, params, many, context)

    def _as_text(self, statement: Any, params: Any) -> str:
        raw = self.connection.connection
        if isinstance(statement, sql.Composable):
            statement = statement.as_string(raw)
        return ClientCursor(raw).mogrify(statement, params) if params else str(statement)


def migrate_schema(schema: str) -> str:
    """Bring one organization schema up to date with Django; return the SQL that did it.

    In one transaction, as `replay`: of a schema that was left halfway, the next run would record
    only the rest, and send that to schemas that need all of it.
    """
    with in_schema(schema) as connection, transaction.atomic(using=OWNER):
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        recorder = _Recorder(connection)
        executor = MigrationExecutor(connection)
        with connection.execute_wrapper(recorder):
            executor.loader.check_consistent_history(connection)
            executor.migrate(_organization_leaves(executor.loader))
        return ";\n".join(recorder.statements)


def replay(schema: str, statements: str) -> None:
    """Send recorded SQL into `schema`, in one round trip and one transaction."""
    with (
        in_schema(schema) as connection,
        transaction.atomic(using=OWNER),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        if statements:
            cursor.execute(statements)


def schema_template() -> SchemaTemplate:
    """The recorded SQL of a fresh schema, made now when the migrations changed."""
    fingerprint = current_fingerprint()
    template = SchemaTemplate.objects.using(OWNER).filter(pk=fingerprint).first()
    return template or _record_template(fingerprint)


def _record_template(fingerprint: str) -> SchemaTemplate:
    connection = owner_connection()
    name = sql.Identifier(TEMPLATE_SCHEMA)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    try:
        statements = migrate_schema(TEMPLATE_SCHEMA)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))
    template, _ = SchemaTemplate.objects.using(OWNER).update_or_create(
        fingerprint=fingerprint, defaults={"statements": statements}
    )
    return template


def migrate_shared(report: Report) -> None:
    """Migrate `public` and set its grants, policies and job functions."""
    report("Migrating the shared schema")
    # Django's own command: django-tenants replaces `migrate` by one that walks every schema.
    call_command(migrate.Command(), database=OWNER, interactive=False, verbosity=0)
    connection = owner_connection()
    database = connection.settings_dict["NAME"]
    with transaction.atomic(using=OWNER):
        run(grants.shared_statements(database), connection)
        with connection.cursor() as cursor:
            run(grants.job_functions(database, cursor), connection)
        run(grants.owner_queue_statements(database), connection)


def migrate_organizations(report: Report) -> int:
    """Migrate every schema that is behind; return how many were. One query when none is."""
    target = current_fingerprint()
    behind = list(
        Organization.objects.using(OWNER).with_schema().exclude(migration_fingerprint=target)
    )
    recorded: dict[str, str] = {}
    for number, organization in enumerate(behind, start=1):
        report(f"Migrating organization {number} of {len(behind)}")
        start = organization.migration_fingerprint
        if start in recorded:
            replay(organization.schema_name, recorded[start])
        else:
            recorded[start] = migrate_schema(organization.schema_name)
        _finish(organization, target)
    return len(behind)


def _finish(organization: Organization, fingerprint: str) -> None:
    connection = owner_connection()
    database = connection.settings_dict["NAME"]
    run(grants.organization_table_statements(database, organization.schema_name), connection)
    Organization.objects.using(OWNER).filter(pk=organization.pk).update(
        migration_fingerprint=fingerprint
    )
