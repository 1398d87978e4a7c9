"""Database roles against organizations: what keeps them apart is in place for each."""

from __future__ import annotations

from django.db import connection

from operations.health.measurement import Measurement, asks_database
from tenants.db.roles import role_name
from tenants.models import Organization

# One row with four numbers, for any number of organizations: without a schema, without a role,
# whose role is not joined to the others, whose role may not use what is its own.
_MISFITS = """
WITH organization AS (
    SELECT n.oid AS schema_id, r.oid AS role_id
    FROM unnest(%s::text[]) AS wanted (schema_name)
    LEFT JOIN pg_namespace n ON n.nspname = wanted.schema_name
    LEFT JOIN pg_roles r ON r.rolname = %s || '_' || wanted.schema_name
)
SELECT
    count(*) FILTER (WHERE schema_id IS NULL),
    count(*) FILTER (WHERE role_id IS NULL),
    count(*) FILTER (
        WHERE role_id IS NOT NULL
        AND NOT (
            pg_has_role(session_user, role_id, 'MEMBER') AND pg_has_role(role_id, %s, 'MEMBER')
        )
    ),
    count(*) FILTER (
        WHERE role_id IS NOT NULL AND schema_id IS NOT NULL
        AND (
            NOT has_schema_privilege(role_id, schema_id, 'USAGE')
            OR EXISTS (
                SELECT FROM pg_class c
                WHERE c.relnamespace = schema_id AND c.relkind IN ('r', 'p')
                AND NOT has_table_privilege(role_id, c.oid, 'SELECT')
            )
        )
    )
FROM organization
"""
_WORDS = (
    "without a schema",
    "without a database role",
    "whose role is not a member of the roles it needs",
    "whose role may not use its own schema",
)


@asks_database("roles")
def roles() -> Measurement:
    """Each organization with a schema has it, and its role, memberships and grants."""
    schemas = list(Organization.objects.with_schema().values_list("schema_name", flat=True))
    database = str(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(_MISFITS, [schemas, database, role_name(database, "organizations")])
        numbers: tuple[int, ...] = cursor.fetchone() or ()
    wrong = [f"{n} {words}" for n, words in zip(numbers, _WORDS, strict=True) if n]
    if not wrong:
        found = f"Roles, memberships and grants fit all organizations ({len(schemas)})."
        return Measurement("roles", is_well=True, found=found)
    return Measurement(
        "roles",
        is_well=False,
        found=f"Organizations: {'; '.join(wrong)}.",
        fix="Run `manage.py setup_database` with an administrator's login, then `manage.py"
        " release`. A schema that is gone comes back from a backup only.",
    )
