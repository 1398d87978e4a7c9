"""Migrates the shared schema and every organization's, and records the SQL of a fresh one.

Django's migration executor plans and checks every schema it touches, which is far too slow for a
thousand. So a schema's state is one fingerprint, compared in one query, and of all schemas that
stand at the same fingerprint only the first is migrated by Django: the SQL it sends is recorded
and replayed in the others. A fresh organization is such a replay, too.
"""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from psycopg import ClientCursor, errors, sql

from tenants import indexes
from tenants.db import grants
from tenants.models import Organization, SchemaTemplate
from tenants.scope import OrganizationScope, scoped_connection

OWNER = "owner"
TEMPLATE_SCHEMA = "schema_template_build"
# A migration waits this long for a table in use, and others wait behind it; then it gives way to
# them and is tried again, for about ten minutes: as long as a backup may read that table.
LOCK_TIMEOUT = "2s"
LOCK_TRIES = 60
LOCK_PAUSE_SECONDS = 8.0
RELEASE_LOCK = 7_264_310_955  # any number, the same in every version
_GAVE_WAY = (errors.LockNotAvailable, errors.DeadlockDetected)
# Reading, transactions, and the search path that django-tenants' introspection sets.
_NOT_RECORDED = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "SHOW", "SET SEARCH_PATH")

Report = Callable[[str], None]


def owner_connection() -> BaseDatabaseWrapper:
    return connections[OWNER]


def run(statements: Iterable[sql.Composable], connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def only_release(report: Report) -> Iterator[None]:
    """Waits until no other release works on this database, as when several hosts start at once.

    It asks again and again: a session that waited for the lock inside of a statement would keep
    the other from finishing its indexes.
    """
    with owner_connection().cursor() as cursor:
        while not _may_begin(cursor):
            report("Another release is running; waiting for it.")
            time.sleep(LOCK_PAUSE_SECONDS)
    try:
        yield
    finally:
        owner_connection().close()  # which ends the lock, whatever state it is in


def _may_begin(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [RELEASE_LOCK])
    return bool((cursor.fetchone() or (False,))[0])


def _patiently(work: Callable[[], None], report: Report) -> None:
    """Do it, again where it gave way to live traffic; raises the last refusal."""
    for _ in range(LOCK_TRIES - 1):
        try:
            return work()
        except OperationalError as error:
            if not isinstance(error.__cause__, _GAVE_WAY):
                raise
        report("A table is in use; nothing was changed in it. Trying again.")
        time.sleep(LOCK_PAUSE_SECONDS)
    return work()


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
    """Collects what is executed on a connection, as text that can be sent again; what the plan
    leaves for later is not executed."""

    def __init__(self, connection: BaseDatabaseWrapper, plan: indexes.Plan) -> None:
        self.connection = connection
        self.plan = plan
        self.statements: list[str] = []

    def __call__(
        self, execute: Callable[..., Any], statement: Any, params: Any, many: bool, context: Any
    ) -> Any:
        rows = params if many else [params]
        texts = [self._as_text(statement, row) for row in rows]
        if all(text.lstrip().upper().startswith(_NOT_RECORDED) for text in texts):
            return execute(statement, params, many, context)
        texts = [text.rstrip().rstrip(";") for text in texts]
        self.statements += texts
        for now in [one for text in texts for one in self.plan.take(text)]:
            if now not in texts:
                execute(now, None, False, context)
        return (
            execute(statement, params, many, context) if texts[0] not in self.plan.later else None
        )

    def _as_text(self, statement: Any, params: Any) -> str:
        raw = self.connection.connection
        if isinstance(statement, sql.Composable):
            statement = statement.as_string(raw)
        return ClientCursor(raw).mogrify(statement, params) if params else str(statement)


def migrate_schema(schema: str, plan: indexes.Plan | None = None) -> list[str]:
    """Bring one organization schema up to date with Django; return the SQL that does it.

    In one transaction, as `replay`: of a schema that was left halfway, the next run would record
    only the rest, and send that to schemas that need all of it. Indexes that the plan leaves for
    later are in the SQL, but were not built here.
    """
    with in_schema(schema) as connection, transaction.atomic(using=OWNER):
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        recorder = _Recorder(connection, plan or indexes.Plan())
        executor = MigrationExecutor(connection)
        with connection.execute_wrapper(recorder):
            executor.loader.check_consistent_history(connection)
            executor.migrate(_organization_leaves(executor.loader))
        return recorder.statements


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
        statements = ";\n".join(migrate_schema(TEMPLATE_SCHEMA))
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
    _patiently(_migrate_public, report)
    connection = owner_connection()
    database = connection.settings_dict["NAME"]
    # Policies before grants: a new table must not be open to everybody for a moment.
    for statements in grants.changed_policies(database, connection):
        _patiently(functools.partial(_in_one, statements), report)
    with connection.cursor() as cursor:
        functions = list(grants.job_functions(database, cursor))
    _patiently(lambda: _in_one([*grants.shared_grants(database), *functions]), report)
    _patiently(lambda: _in_one(grants.owner_queue_statements(database)), report)


def _migrate_public() -> None:
    connection = owner_connection()
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    try:
        # Django's own command: django-tenants replaces `migrate` by one that walks every schema.
        call_command(migrate.Command(), database=OWNER, interactive=False, verbosity=0)
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")


def _in_one(statements: Iterable[sql.Composable]) -> None:
    """All of them in one transaction that gives way."""
    connection = owner_connection()
    with transaction.atomic(using=OWNER):
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        run(statements, connection)


def migrate_organizations(report: Report) -> int:
    """Migrate every schema that is behind; return how many were. One query when none is."""
    target = current_fingerprint()
    organizations = Organization.objects.using(OWNER).with_schema()
    behind = list(organizations.exclude(migration_fingerprint=target, indexes_to_build=[]))
    recorded: dict[str, list[str]] = {}
    for number, organization in enumerate(behind, start=1):
        report(f"Migrating organization {number} of {len(behind)}")
        migrate_organization(organization, target, recorded, report)
    return len(behind)


def migrate_organization(
    organization: Organization, target: str, recorded: dict[str, list[str]], report: Report
) -> None:
    """Bring one schema to the fingerprint `target`; `recorded`: the SQL that did so before, by what
    the schema carried, which grows here."""
    if organization.migration_fingerprint != target:
        _patiently(lambda: _migrate_at_once(organization, target, recorded), report)
    # Inside of somebody's transaction nothing was left out.
    for statement in list(organization.indexes_to_build):
        report("Building an index beside live traffic")
        with in_schema(organization.schema_name) as connection:
            indexes.build(connection, statement)
        organization.indexes_to_build.remove(statement)
        _note(organization)


def _migrate_at_once(
    organization: Organization, target: str, recorded: dict[str, list[str]]
) -> None:
    """Tables, grants and the note of it in one transaction: a schema is never halfway."""
    connection, schema = owner_connection(), organization.schema_name
    start, database = _carried(connection, schema), connection.settings_dict["NAME"]
    # No index is built concurrently inside of somebody's transaction.
    alone = not connection.in_atomic_block
    plan = indexes.Plan(indexes.large_tables(connection, schema) if alone else frozenset())
    with transaction.atomic(using=OWNER):
        if start in recorded:
            now = [one for statement in recorded[start] for one in plan.take(statement)]
            replay(schema, ";\n".join(now))
            fresh = recorded[start]
        else:
            fresh = migrate_schema(schema, plan)
        run(grants.organization_table_statements(database, schema), connection)
        organization.migration_fingerprint = target
        organization.indexes_to_build = [*organization.indexes_to_build, *plan.later]
        _note(organization)
    recorded[start] = fresh


def _carried(connection: BaseDatabaseWrapper, schema: str) -> str:
    """Which migrations a schema carries, as one text: what is noted of it may say less, after an
    older version's `release` or a restored dump."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT app || '.' || name FROM {} ORDER BY 1").format(
                sql.Identifier(schema, "django_migrations")
            )
        )
        return " ".join(name for (name,) in cursor.fetchall())


def _note(organization: Organization) -> None:
    Organization.objects.using(OWNER).filter(pk=organization.pk).update(
        migration_fingerprint=organization.migration_fingerprint,
        indexes_to_build=organization.indexes_to_build,
    )
