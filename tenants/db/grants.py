"""Who may do what to which table. A test compares this with the catalog.

Shared tables are listed one by one; a table nobody listed is reachable by its owner only. For an
organization's role the rows are limited as well, by row-level security tied to `current_user`.
Tables of an organization's schema are its own: everything, except the append-only ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from tenants.db.roles import role_name

READ = ("SELECT",)
APPEND = ("SELECT", "INSERT")
MOVE = ("SELECT", "INSERT", "UPDATE")
WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class SharedTable:
    """Privileges of the two shared roles and of organizations' roles on one shared table.

    `own_rows`: the SQL condition that makes a row the working organization's own; needed exactly
    when `organization` is not empty. `{me}` is the id of the organization of `current_user`.
    """

    door: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    organization: tuple[str, ...] = ()
    own_rows: str = ""


# The organization whose role this is: the role is named <database>_<schema>.
_MY_SCHEMA = "substr(current_user, length(current_database()) + 2)"
_ME = f"(SELECT id FROM public.tenants_organization WHERE schema_name = {_MY_SCHEMA})"  # noqa: S608

SHARED_TABLES: dict[str, SharedTable] = {
    "tenants_organization": SharedTable(
        door=READ, platform=WRITE, organization=READ, own_rows=f"schema_name = {_MY_SCHEMA}"
    ),
    "tenants_organizationlogo": SharedTable(
        platform=WRITE, organization=READ, own_rows=f"organization_id = {_ME}"
    ),
    "tenants_domain": SharedTable(door=READ, platform=WRITE),
    "tenants_webhookendpoint": SharedTable(
        door=READ, platform=WRITE, organization=READ, own_rows=f"organization_id = {_ME}"
    ),
    "tenants_retellworkspace": SharedTable(
        platform=WRITE,
        organization=("SELECT", "INSERT", "DELETE"),
        own_rows=f"organization_id = {_ME}",
    ),
    "tenants_schematemplate": SharedTable(),
    "tenants_deletedorganization": SharedTable(platform=READ),
    "accounts_user": SharedTable(door=WRITE, platform=WRITE),
    "accounts_membership": SharedTable(
        door=WRITE, platform=WRITE, organization=READ, own_rows=f"organization_id = {_ME}"
    ),
    "accounts_invitation": SharedTable(door=WRITE, platform=WRITE),
    "accounts_accesspolicy": SharedTable(
        door=WRITE, platform=WRITE, organization=READ, own_rows=f"organization_id = {_ME}"
    ),
    "accounts_apikey": SharedTable(door=WRITE, platform=WRITE),
    "accounts_tokenfamily": SharedTable(door=WRITE, platform=WRITE),
    "accounts_idempotentanswer": SharedTable(
        platform=WRITE, organization=WRITE, own_rows=f"organization_id = {_ME}"
    ),
    "accounts_session": SharedTable(door=WRITE, platform=WRITE),
    "accounts_knowndevice": SharedTable(door=WRITE, platform=WRITE),
    "accounts_emailchange": SharedTable(door=WRITE, platform=WRITE),
    "accounts_handover": SharedTable(door=WRITE, platform=WRITE),
    "accounts_actinginside": SharedTable(door=WRITE, platform=WRITE),
    "accounts_recoverycodes": SharedTable(door=WRITE, platform=WRITE),
    "accounts_recoverycode": SharedTable(door=WRITE, platform=WRITE),
    "otp_totp_totpdevice": SharedTable(door=WRITE, platform=WRITE),
    "django_otp_webauthn_webauthncredential": SharedTable(door=WRITE, platform=WRITE),
    "django_otp_webauthn_webauthnattestation": SharedTable(door=WRITE, platform=WRITE),
    "django_otp_webauthn_webauthnuserhandle": SharedTable(door=WRITE, platform=WRITE),
    # Insert-only for everybody but the owner.
    "audit_entry": SharedTable(
        door=APPEND, platform=APPEND, organization=APPEND, own_rows=f"organization_id = {_ME}"
    ),
    "audit_head": SharedTable(
        door=MOVE, platform=MOVE, organization=MOVE, own_rows=f"chain = {_ME}::text"
    ),
    # Made by django-auditlog's migrations although its model is swapped for ours; never used.
    "auditlog_logentry": SharedTable(),
    "operations_allowednetwork": SharedTable(platform=WRITE),
    "operations_backup": SharedTable(platform=WRITE),
    "operations_usageday": SharedTable(platform=WRITE),
    "operations_organizationhealth": SharedTable(platform=WRITE),
    "operations_signoff": SharedTable(platform=MOVE),
    "operations_readinessassessment": SharedTable(platform=MOVE),
    "django_admin_log": SharedTable(platform=WRITE),
    "django_content_type": SharedTable(
        door=READ, platform=READ, organization=READ, own_rows="true"
    ),
    "auth_group": SharedTable(platform=READ),
    "auth_group_permissions": SharedTable(platform=READ),
    "auth_permission": SharedTable(platform=READ),
    "django_migrations": SharedTable(platform=READ),
    # Jobs: written through procrastinate_defer_jobs_v1(), see `job_functions`.
    "procrastinate_jobs": SharedTable(platform=WRITE),
    "procrastinate_events": SharedTable(platform=WRITE),
    "procrastinate_periodic_defers": SharedTable(platform=WRITE),
    "procrastinate_workers": SharedTable(platform=WRITE),
}

# Worked off with the owner's rights.
OWNER_QUEUE = "owner"

# Tables of an organization's schema that its role may only read and append to.
APPEND_ONLY_TABLES: frozenset[str] = frozenset()

_INSERT_TRIGGER = "procrastinate_jobs_notify_queue_job_inserted_v1"


def _grant(
    schema: str, table: str, privileges: tuple[str, ...], role: str
) -> Iterator[sql.Composable]:
    target, grantee = sql.Identifier(schema, table), sql.Identifier(role)
    yield sql.SQL("REVOKE ALL ON TABLE {} FROM {}").format(target, grantee)
    if privileges:
        names = sql.SQL(", ").join(map(sql.SQL, privileges))
        yield sql.SQL("GRANT {} ON TABLE {} TO {}").format(names, target, grantee)


def _policies(table: str, rule: SharedTable, database: str) -> Iterator[sql.Composable]:
    target = sql.Identifier("public", table)
    door, platform = role_name(database, "door"), role_name(database, "platform")
    yield sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(target)
    yield sql.SQL("DROP POLICY IF EXISTS shared_roles ON {}").format(target)
    yield sql.SQL("CREATE POLICY shared_roles ON {} TO {}, {} USING (true)").format(
        target, sql.Identifier(door), sql.Identifier(platform)
    )
    yield sql.SQL("DROP POLICY IF EXISTS own_rows ON {}").format(target)
    if rule.organization:
        yield sql.SQL("CREATE POLICY own_rows ON {} TO {} USING ({}) WITH CHECK ({})").format(
            target,
            sql.Identifier(role_name(database, "organizations")),
            sql.SQL(rule.own_rows),
            sql.SQL(rule.own_rows),
        )


# What was set last stands in the policy's comment, with how many policies the table has.
_POLICIES_NOW = """
SELECT c.relname::text, obj_description(p.oid, 'pg_policy'),
    (SELECT count(*) FROM pg_policy o WHERE o.polrelid = c.oid)
FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = 'shared_roles'
WHERE c.relnamespace = 'public'::regnamespace AND c.relrowsecurity
"""


def changed_policies(
    database: str, connection: BaseDatabaseWrapper
) -> Iterator[list[sql.Composable]]:
    """Per shared table whose policies are not as they should be, the statements that set them.

    Each of them locks its table against everybody, so a release that changes none sends none.
    """
    with connection.cursor() as cursor:
        cursor.execute(_POLICIES_NOW)
        now = {table: (comment, count) for table, comment, count in cursor.fetchall()}
    for table, rule in SHARED_TABLES.items():
        statements = list(_policies(table, rule, database))
        text = ";".join(statement.as_string(None) for statement in statements)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if now.get(table) != (digest, 2 if rule.organization else 1):
            comment = sql.SQL("COMMENT ON POLICY shared_roles ON {} IS {}").format(
                sql.Identifier("public", table), sql.Literal(digest)
            )
            yield [*statements, comment]


def shared_grants(database: str) -> Iterator[sql.Composable]:
    """Grants on the shared schema; idempotent, and no table is locked by them.

    Organizations' roles get the shared part through one group role, `<database>_organizations`,
    so that a new organization needs one GRANT instead of one a table.
    """
    door, platform = role_name(database, "door"), role_name(database, "platform")
    group = role_name(database, "organizations")
    for table, rule in SHARED_TABLES.items():
        yield from _grant("public", table, rule.door, door)
        yield from _grant("public", table, rule.platform, platform)
        yield from _grant("public", table, rule.organization, group)
    everyone = sql.SQL(", ").join(map(sql.Identifier, (door, platform, group)))
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(everyone)
    yield sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}, {}").format(
        sql.Identifier(door), sql.Identifier(platform)
    )


def job_functions(database: str, cursor: CursorWrapper) -> Iterator[sql.Composable]:
    """Let every role enqueue without reading the job table; drop the insert notification.

    The deferring functions run as their owner with a fixed search path. Procrastinate's NOTIFY
    trigger takes a database-wide lock at commit and is not needed: the worker polls.
    """
    cursor.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n"
        " ON n.oid = p.pronamespace WHERE n.nspname = 'public' AND p.proname LIKE 'procrastinate%'"
    )
    platform = sql.Identifier(role_name(database, "platform"))
    group = sql.Identifier(role_name(database, "organizations"))
    door = sql.Identifier(role_name(database, "door"))
    for (signature,) in cursor.fetchall():
        function = sql.SQL(signature)
        yield sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(function)
        yield sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(function, platform)
        if signature.startswith("procrastinate_defer_jobs"):
            yield sql.SQL(
                "ALTER FUNCTION {} SECURITY DEFINER SET search_path = public, pg_temp"
            ).format(function)
            yield sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}, {}").format(function, group, door)
    cursor.execute("SELECT 1 FROM pg_trigger WHERE tgname = %s", [_INSERT_TRIGGER])
    if cursor.fetchone():  # else dropping it would lock the table for nothing
        yield sql.SQL("DROP TRIGGER {} ON public.procrastinate_jobs").format(
            sql.Identifier(_INSERT_TRIGGER)
        )


def owner_queue_statements(database: str) -> Iterator[sql.Composable]:
    """What the owner works off, with its rights, only the platform enqueues; idempotent.

    The deferring functions run as their owner; which role asked is what the setting says.
    """
    yield sql.SQL(
        "CREATE OR REPLACE FUNCTION public.refuse_owner_queue() RETURNS trigger"
        " LANGUAGE plpgsql SET search_path = public, pg_temp AS $$ BEGIN"
        " IF pg_catalog.current_setting('role') NOT IN ('none', {platform}) THEN"
        " RAISE insufficient_privilege USING MESSAGE = 'Only the platform enqueues there.';"
        " END IF; RETURN NEW; END $$"
    ).format(platform=sql.Literal(role_name(database, "platform")))
    yield sql.SQL("REVOKE ALL ON FUNCTION public.refuse_owner_queue() FROM PUBLIC")
    yield sql.SQL(
        "CREATE OR REPLACE TRIGGER refuse_owner_queue BEFORE INSERT ON public.procrastinate_jobs"
        " FOR EACH ROW WHEN (NEW.queue_name = {}) EXECUTE FUNCTION public.refuse_owner_queue()"
    ).format(sql.Literal(OWNER_QUEUE))


def organization_statements(database: str, schema: str, *, login: bool) -> Iterator[sql.Composable]:
    """The role of one organization: its schema, and its part of the shared tables; idempotent."""
    role = sql.Identifier(role_name(database, schema))
    yield sql.SQL("GRANT {} TO {}").format(
        sql.Identifier(role_name(database, "organizations")), role
    )
    yield sql.SQL("GRANT {} TO {}").format(role, sql.Identifier(role_name(database, "runtime")))
    yield sql.SQL("ALTER ROLE {} {}").format(role, sql.SQL("LOGIN" if login else "NOLOGIN"))
    yield from organization_table_statements(database, schema)


def organization_table_statements(database: str, schema: str) -> Iterator[sql.Composable]:
    """Grants on the tables a schema has now; run again after each migration of it."""
    role, name = sql.Identifier(role_name(database, schema)), sql.Identifier(schema)
    yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(name, role)
    yield sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO {}").format(
        name, role
    )
    yield sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA {} TO {}").format(name, role)
    yield sql.SQL("REVOKE INSERT, UPDATE, DELETE ON TABLE {} FROM {}").format(
        sql.Identifier(schema, "django_migrations"), role
    )
    for table in sorted(APPEND_ONLY_TABLES):
        yield sql.SQL("REVOKE UPDATE, DELETE ON TABLE {} FROM {}").format(
            sql.Identifier(schema, table), role
        )
