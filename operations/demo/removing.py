"""Takes an organization away at once, without the dump that makes a deletion undoable."""

from __future__ import annotations

from django.db import transaction
from psycopg import sql

from tenants import migrator
from tenants.db.roles import role_name
from tenants.migrator import OWNER
from tenants.models import Organization


def discard(organization: Organization) -> None:
    """Drop schema, role and row for good. Only for what was invented or measured with."""
    connection = migrator.owner_connection()
    schema = sql.Identifier(organization.schema_name)
    name = role_name(str(connection.settings_dict["NAME"]), organization.schema_name)
    with transaction.atomic(using=OWNER), connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
        if cursor.fetchone():
            # Since PostgreSQL 16 creating a role does not give the privileges of it.
            cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(name)))
            cursor.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
            cursor.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
        Organization.objects.using(OWNER).filter(pk=organization.pk).delete()
