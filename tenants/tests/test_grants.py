"""The matrix in `tenants.db.grants` is what the catalog says, and nothing more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, ProgrammingError, connection, connections, transaction
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import ConnectorException
from psycopg import sql

from accounts.models import Membership
from tenants.db import grants
from tenants.db.roles import role_name
from tenants.db.setup import SET_CONFIG
from tenants.models import Organization, WebhookEndpoint
from tenants.pin import organization_context
from tenants.scope import door, platform
from testing.fixtures import World
from testing.organizations import database_name, owner_rows

pytestmark = pytest.mark.usefixtures("catalog")

RELATIONS = "('r', 'p', 'v', 'm', 'f')"
TABLES = (
    "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"  # noqa: S608
    f" WHERE n.nspname = %s AND c.relkind IN {RELATIONS} ORDER BY 1"
)
HELD = (
    "SELECT c.relname::text, array_agg(p ORDER BY p)"  # noqa: S608
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " CROSS JOIN unnest(%s::text[]) p"
    f" WHERE n.nspname = %s AND c.relkind IN {RELATIONS}"
    " AND has_table_privilege(%s, c.oid, p) GROUP BY 1"
)


@pytest.fixture
def catalog(django_db_setup: World, django_db_blocker: Any) -> Iterator[World]:
    """The database as it was set up, for tests that only read its catalog."""
    with django_db_blocker.unblock():
        yield django_db_setup


def role(suffix: str) -> str:
    return role_name(database_name(), suffix)


def tables(schema: str) -> set[str]:
    return {name for (name,) in owner_rows(TABLES, [schema])}


def privileges() -> list[str]:
    names = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
    (version,) = owner_rows("SELECT current_setting('server_version_num')::int")[0]
    return names + (["MAINTAIN"] if version >= 170_000 else [])


def held(role_: str, schema: str) -> dict[str, set[str]]:
    """Per table what a role may do to it, by itself and by what it inherits."""
    rows = owner_rows(HELD, [privileges(), schema, role_])
    return {table: set(names) for table, names in rows}


def matrix(column: str) -> dict[str, set[str]]:
    listed = ((name, set(getattr(rule, column))) for name, rule in grants.SHARED_TABLES.items())
    return {name: names for name, names in listed if names}


# --- Shared tables -------------------------------------------------------------------------------


def test_every_shared_table_is_in_the_matrix_and_no_other() -> None:
    assert tables("public") == set(grants.SHARED_TABLES)


@pytest.mark.parametrize("column", ["door", "platform"])
def test_a_shared_role_has_what_the_matrix_says(column: str) -> None:
    assert held(role(column), "public") == matrix(column)


def test_the_group_of_organizations_has_what_the_matrix_says() -> None:
    assert held(role("organizations"), "public") == matrix("organization")


def test_an_organization_has_what_its_group_has(catalog: World) -> None:
    assert held(role(catalog.acme.schema_name), "public") == matrix("organization")


@pytest.mark.parametrize("name", ["runtime", "public"])
def test_nobody_has_anything_by_default(name: str) -> None:
    assert held("public" if name == "public" else role(name), "public") == {}


def test_no_single_column_is_granted() -> None:
    granted = owner_rows("SELECT attrelid::regclass FROM pg_attribute WHERE attacl IS NOT NULL")
    assert [name for (name,) in granted if not str(name).startswith("pg_")] == []


@pytest.mark.parametrize("table", grants.SHARED_TABLES)
def test_a_shared_table_has_row_level_security(table: str) -> None:
    query = (
        "SELECT relrowsecurity FROM pg_class WHERE oid = format('public.%%I', %s::text)::regclass"
    )
    assert owner_rows(query, [table]) == [(True,)]


@pytest.mark.parametrize("table", grants.SHARED_TABLES)
def test_organizations_see_rows_exactly_where_the_matrix_says_which(table: str) -> None:
    rule = grants.SHARED_TABLES[table]
    assert bool(rule.organization) == bool(rule.own_rows)
    query = "SELECT count(*) FROM pg_policies WHERE tablename = %s AND policyname = 'own_rows'"
    assert owner_rows(query, [table]) == [(1 if rule.organization else 0,)]


# --- Rows of shared tables -----------------------------------------------------------------------


def test_an_organization_sees_itself_only(in_acme: Organization) -> None:
    assert list(Organization.objects.all()) == [in_acme]


def test_an_organization_sees_its_own_webhook_urls_only(in_acme: Organization) -> None:
    found = set(WebhookEndpoint.objects.values_list("organization_id", flat=True))
    assert found == {in_acme.pk}


def test_an_organization_sees_its_own_memberships_only(world: World) -> None:
    with organization_context(world.globex):
        found = list(Membership.objects.values_list("user_id", flat=True))
    assert found == [world.people.charlie.pk]


def test_content_types_are_seen_by_all(in_acme: Organization) -> None:
    assert ContentType.objects.exists()


def test_an_organization_changes_no_shared_row(in_acme: Organization) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic():
        Organization.objects.update(name="Ours")


# --- Schemas of organizations --------------------------------------------------------------------


def expected_own(schema: str) -> dict[str, set[str]]:
    special = {"django_migrations": set(grants.READ)}
    special |= {table: set(grants.APPEND) for table in grants.APPEND_ONLY_TABLES}
    return {table: special.get(table, set(grants.WRITE)) for table in tables(schema)}


@pytest.mark.parametrize("slug", ["acme", "globex"])
def test_an_organization_has_its_own_tables(catalog: World, slug: str) -> None:
    schema = getattr(catalog, slug).schema_name
    assert held(role(schema), schema) == expected_own(schema)


def outsiders(world: World) -> dict[str, str]:
    shared = ("door", "platform", "organizations", "runtime")
    return {name: role(name) for name in shared} | {"globex": role(world.globex.schema_name)}


@pytest.mark.parametrize("name", ["door", "platform", "organizations", "runtime", "globex"])
def test_nobody_else_has_anything_there(catalog: World, name: str) -> None:
    schema = catalog.acme.schema_name
    outsider = outsiders(catalog)[name]
    assert held(outsider, schema) == {}
    assert owner_rows("SELECT has_schema_privilege(%s, %s, 'USAGE')", [outsider, schema]) == [
        (False,)
    ]


def test_no_table_of_an_organization_has_a_trigger(catalog: World) -> None:
    query = (
        "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE c.relnamespace = %s::regnamespace AND NOT t.tgisinternal"
    )
    assert owner_rows(query, [catalog.acme.schema_name]) == [(0,)]


def test_no_foreign_key_leaves_an_organizations_schema(catalog: World) -> None:
    query = (
        "SELECT conname FROM pg_constraint WHERE contype = 'f'"
        " AND connamespace = %s::regnamespace AND confrelid NOT IN"
        " (SELECT oid FROM pg_class WHERE relnamespace = %s::regnamespace)"
    )
    schema = catalog.acme.schema_name
    assert owner_rows(query, [schema, schema]) == []


# --- Logins --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["runtime", "door", "platform", "organizations", "backup"])
def test_only_the_owner_owns_anything(name: str) -> None:
    query = "SELECT count(*) FROM pg_shdepend WHERE refobjid = %s::regrole AND deptype = 'o'"
    assert owner_rows(query, [role(name)]) == [(0,)]


def test_an_organization_owns_nothing(catalog: World) -> None:
    query = "SELECT count(*) FROM pg_shdepend WHERE refobjid = %s::regrole AND deptype = 'o'"
    assert owner_rows(query, [role(catalog.acme.schema_name)]) == [(0,)]


def test_the_runtime_login_has_no_attribute_beyond_logging_in() -> None:
    columns = "rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
    query = sql.SQL("SELECT {}, rolcanlogin FROM pg_roles WHERE rolname = %s").format(
        sql.SQL(columns)
    )
    assert owner_rows(query, [role("runtime")]) == [(*[False] * 6, True)]


def test_the_runtime_login_reads_nothing_before_it_takes_a_role() -> None:
    with (
        psycopg.connect(os.environ["DATABASE_URL"]) as runtime,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        runtime.execute("SELECT 1 FROM public.tenants_organization")


def test_organizations_cannot_log_in(catalog: World) -> None:
    query = "SELECT rolcanlogin FROM pg_roles WHERE rolname = %s"
    found = owner_rows(query, [role(catalog.acme.schema_name)])
    assert found == [(settings.ORGANIZATION_ROLES_CAN_LOGIN,)] == [(False,)]


@pytest.mark.parametrize("name", ["runtime", "door", "platform", "organizations"])
def test_set_config_is_not_executable(name: str) -> None:
    query = "SELECT has_function_privilege(%s, %s, 'EXECUTE')"
    assert owner_rows(query, [role(name), SET_CONFIG]) == [(False,)]


@pytest.mark.parametrize("name", ["owner", "backup"])
def test_set_config_is_executable_where_dumps_need_it(name: str) -> None:
    query = "SELECT has_function_privilege(%s, %s, 'EXECUTE')"
    assert owner_rows(query, [role(name), SET_CONFIG]) == [(True,)]


@pytest.mark.parametrize("name", ["runtime", "door", "platform", "organizations"])
def test_no_temporary_tables_and_no_schemas(name: str) -> None:
    query = (
        "SELECT has_database_privilege(%s, current_database(), 'TEMPORARY'),"
        " has_database_privilege(%s, current_database(), 'CREATE'),"
        " has_schema_privilege(%s, 'public', 'CREATE')"
    )
    assert owner_rows(query, [role(name)] * 3) == [(False, False, False)]


# --- Jobs ----------------------------------------------------------------------------------------


def test_an_organization_enqueues_a_job(in_acme: Organization) -> None:
    job = jobs.configure_task("tests:nothing", queue="tests").defer(word="acme")
    with platform(), connection.cursor() as cursor:
        cursor.execute("SELECT args FROM procrastinate_jobs WHERE id = %s", [job])
        assert cursor.fetchall() == [('{"word": "acme"}',)]


def enqueue_for_the_owner() -> None:
    with transaction.atomic():
        jobs.configure_task("tests:nothing", queue=grants.OWNER_QUEUE).defer()


def test_an_organization_enqueues_nothing_for_the_owner(in_acme: Organization) -> None:
    with pytest.raises(ConnectorException) as refused:
        enqueue_for_the_owner()
    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)


def test_the_door_enqueues_nothing_for_the_owner(world: World) -> None:
    with door(), pytest.raises(ConnectorException):
        enqueue_for_the_owner()


def test_the_platform_enqueues_for_the_owner(world: World) -> None:
    with platform():
        enqueue_for_the_owner()


def test_the_door_enqueues_a_job(world: World) -> None:
    with door():
        assert jobs.configure_task("tests:nothing", queue="tests").defer() > 0


@pytest.mark.parametrize("function", ["fetch_job", "finish_job", "cancel_job", "retry_job"])
def test_an_organization_calls_no_other_function_of_the_queue(
    catalog: World, function: str
) -> None:
    query = (
        "SELECT bool_or(has_function_privilege(%s, oid, 'EXECUTE')) FROM pg_proc"
        " WHERE proname LIKE %s AND pronamespace = 'public'::regnamespace"
    )
    name = f"procrastinate_{function}%"
    assert owner_rows(query, [role(catalog.acme.schema_name), name]) == [(False,)]


def test_functions_that_run_as_their_owner_fix_their_search_path() -> None:
    query = (
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
        " AND NOT proconfig @> ARRAY['search_path=public, pg_temp']"
    )
    assert owner_rows(query) == []


def test_no_function_is_executable_by_everyone() -> None:
    query = (
        "SELECT oid::regprocedure::text FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace"
        " AND has_function_privilege('public', oid, 'EXECUTE')"
    )
    assert owner_rows(query) == []


def test_an_organization_does_not_read_the_queue(in_acme: Organization) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 1 FROM procrastinate_jobs")


def test_enqueuing_notifies_nobody() -> None:
    query = (
        "SELECT tgname FROM pg_trigger WHERE tgrelid = 'public.procrastinate_jobs'::regclass"
        " AND tgname LIKE '%notify%insert%'"
    )
    assert owner_rows(query) == []


# --- Setting the grants again --------------------------------------------------------------------


def test_grants_given_by_hand_are_taken_back(catalog: World) -> None:
    owner_rows(
        sql.SQL("GRANT INSERT ON public.tenants_domain TO {}").format(sql.Identifier(role("door")))
    )
    for statement in grants.shared_grants(database_name()):
        owner_rows(statement)
    assert held(role("door"), "public") == matrix("door")


def changed() -> list[list[sql.Composable]]:
    return list(grants.changed_policies(database_name(), connections["owner"]))


def test_policies_that_are_as_they_should_be_lock_no_table(catalog: World) -> None:
    assert changed() == []


@pytest.mark.parametrize(
    "harm",
    [
        "DROP POLICY own_rows ON public.audit_head",
        "ALTER TABLE public.audit_head DISABLE ROW LEVEL SECURITY",
        "COMMENT ON POLICY shared_roles ON public.audit_head IS 'of an older version'",
    ],
)
def test_policies_changed_by_hand_are_set_again(catalog: World, harm: str) -> None:
    with transaction.atomic(using="owner"):
        owner_rows(sql.SQL(harm))
        (statements,) = changed()
        for statement in statements:
            owner_rows(statement)
        assert changed() == []
        transaction.set_rollback(True, using="owner")
