"""The database backend fails closed: schema, role and pin of every connection."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django_tenants.utils import tenant_context
from psycopg import sql

from accounts.models import User
from agents.models import Agent
from tenants.db.base import DatabaseWrapper
from tenants.db.roles import role_name
from tenants.models import Organization
from tenants.pin import PinViolation, organization_context, pinned_schema
from tenants.scope import OrganizationScope, door, platform
from testing.fixtures import World
from testing.organizations import database_name, owner_rows


def whoami() -> tuple[str, str]:
    """Role and path the database works with now; asked on the connection as it stands."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_schema()")
        role, schema = cursor.fetchone()
    return role, schema


def expected(organization: Organization) -> tuple[str, str]:
    return role_name(database_name(), organization.schema_name), organization.schema_name


# --- The pin -------------------------------------------------------------------------------------


def test_an_organization_is_not_entered_unpinned(acme: Organization) -> None:
    with tenant_context(acme), pytest.raises(PinViolation, match="nothing is pinned"):
        Agent.objects.exists()


def test_another_organization_is_not_asked_for_inside_one(world: World) -> None:
    with (
        organization_context(world.acme),
        pytest.raises(PinViolation),
        organization_context(world.globex),
    ):
        pytest.fail("it was entered")


def test_another_organization_is_not_entered_behind_the_pin(world: World) -> None:
    with (
        organization_context(world.acme),
        tenant_context(world.globex),
        pytest.raises(PinViolation, match="while"),
    ):
        Agent.objects.exists()


def test_a_failure_inside_a_context_leaves_it(world: World) -> None:
    with pytest.raises(RuntimeError), organization_context(world.acme):
        raise RuntimeError
    assert pinned_schema() is None
    with organization_context(world.globex):
        assert whoami() == expected(world.globex)


def test_the_door_leads_back_into_the_organization(in_acme: Organization) -> None:
    with door():
        assert whoami() == (role_name(database_name(), "door"), "public")
    assert whoami() == expected(in_acme)


# --- When the scope is sent ----------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The scopes that were sent to the server."""
    scopes: list[Any] = []
    original = DatabaseWrapper._send_scope

    def spy(self: DatabaseWrapper, wanted: Any) -> None:
        scopes.append(wanted)
        original(self, wanted)

    monkeypatch.setattr(DatabaseWrapper, "_send_scope", spy)
    return scopes


def test_the_scope_is_sent_once_while_it_stays_the_same(
    in_acme: Organization, sent: list[Any]
) -> None:
    for _ in range(5):
        Agent.objects.exists()
    assert len(sent) == 1


def test_the_scope_is_not_sent_again_when_it_is_entered_again(
    acme: Organization, sent: list[Any]
) -> None:
    for _ in range(3):
        with organization_context(acme):
            Agent.objects.exists()
    assert len(sent) == 1


def test_a_scope_that_cannot_be_set_closes_the_connection(committed: World) -> None:
    nowhere = OrganizationScope("org_000000000000")
    with organization_context(nowhere), pytest.raises(DatabaseError, match="does not exist"):
        Agent.objects.exists()
    assert connection.connection is None


def test_after_a_scope_that_could_not_be_set_the_right_one_is(committed: World) -> None:
    nowhere = OrganizationScope("org_000000000000")
    with organization_context(nowhere), pytest.raises(DatabaseError):
        Agent.objects.exists()
    with organization_context(committed.acme):
        assert whoami() == expected(committed.acme)


def _visit(organization: Organization) -> None:
    with organization_context(organization):
        Agent.objects.exists()


def _roll_back() -> None:
    """Touch an organization in a transaction, or savepoint, that comes to nothing."""
    with transaction.atomic():
        Agent.objects.exists()
        transaction.set_rollback(True)


def test_the_scope_is_sent_again_after_a_rollback(committed: World) -> None:
    _visit(committed.globex)
    with organization_context(committed.acme):
        _roll_back()
        assert whoami() == expected(committed.acme)


def test_the_scope_is_sent_again_after_a_rollback_to_a_savepoint(committed: World) -> None:
    with transaction.atomic():
        _visit(committed.globex)
        with organization_context(committed.acme):
            _roll_back()
            assert whoami() == expected(committed.acme)


def test_the_scope_is_sent_again_after_a_swallowed_error(committed: World) -> None:
    """PostgreSQL answers COMMIT by a rollback then, and takes the scope back with it."""
    _visit(committed.globex)
    with organization_context(committed.acme):
        with transaction.atomic(), connection.cursor() as cursor, suppress(DatabaseError):
            cursor.execute("SELECT 1/0")
        assert whoami() == expected(committed.acme)


def test_the_scope_is_sent_again_after_a_commit_that_failed(committed: World) -> None:
    _visit(committed.globex)
    transaction.set_autocommit(False)
    try:
        with organization_context(committed.acme):
            Agent.objects.exists()
            end_backend(connection.connection.info.backend_pid)
            with pytest.raises(DatabaseError):
                transaction.commit()
    finally:
        connection.close()
    with organization_context(committed.acme):
        assert whoami() == expected(committed.acme)


def end_backend(pid: int) -> None:
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])


# --- One statement is one statement --------------------------------------------------------------

TWO_STATEMENTS = "SELECT 1; RESET ROLE"


def test_two_statements_without_parameters_are_refused(in_acme: Organization) -> None:
    with (
        pytest.raises(ProgrammingError, match="multiple commands"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(TWO_STATEMENTS)
    assert whoami() == expected(in_acme)


def test_two_statements_are_refused_in_a_server_side_cursor(in_acme: Organization) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(TWO_STATEMENTS)
    assert whoami() == expected(in_acme)


def test_two_statements_are_refused_past_django(in_acme: Organization) -> None:
    with pytest.raises(psycopg.Error), transaction.atomic():
        connection.connection.execute(TWO_STATEMENTS)
    assert whoami() == expected(in_acme)


def test_two_statements_are_refused_in_a_copy(in_acme: Organization) -> None:
    statement = "COPY (SELECT 1) TO STDOUT; RESET ROLE"
    with (
        pytest.raises(psycopg.Error),
        transaction.atomic(),
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        list(copy)
    assert whoami() == expected(in_acme)


# --- What one injected statement cannot do -------------------------------------------------------

CANARY = "canary-of-globex-91bd"
HOSTILE = {
    "qualified name": 'SELECT name FROM "{schema}".agents_agent',
    "count by a qualified name": 'SELECT count(*) FROM "{schema}".calls_call',
    "insert": 'INSERT INTO "{schema}".agents_agent (id, retell_agent_id)'
    " VALUES (gen_random_uuid(), 'x')",
    "update": "UPDATE \"{schema}\".agents_agent SET name = 'x'",
    "delete": 'DELETE FROM "{schema}".agents_agent',
    "change inside a select": 'WITH gone AS (DELETE FROM "{schema}".agents_agent RETURNING name)'
    " SELECT * FROM gone",
    "set_config of the role": "SELECT set_config('role', '{role}', false)",
    "set_config of the path": "SELECT set_config('search_path', '{schema}', false)",
    "set_config to none": "SELECT set_config('role', 'none', false)",
    "update of pg_settings": "UPDATE pg_settings SET setting = '{role}' WHERE name = 'role'",
    "query_to_xml": "SELECT query_to_xml('SELECT * FROM {schema}.agents_agent', true, true, '')",
    "query_to_xml with a SET": "SELECT query_to_xml('SET ROLE {role}', true, true, '')",
    "table_to_xml": "SELECT table_to_xml('{schema}.agents_agent', true, true, '')",
    "schema_to_xml": "SELECT schema_to_xml('{schema}', true, true, '')",
    "cursor by ts_stat": "SELECT * FROM ts_stat('SELECT to_tsvector(name)"
    " FROM {schema}.agents_agent')",
    "stacked": "SELECT 1; SET ROLE {role}; SELECT name FROM {schema}.agents_agent",
    "people": "SELECT email, password FROM public.accounts_user",
    "sessions": "SELECT session_data FROM public.django_session",
    "second factors": "SELECT key FROM public.otp_totp_totpdevice",
    "jobs": "SELECT args FROM public.procrastinate_jobs",
    "passwords of the database": "SELECT rolpassword FROM pg_authid",
    "a file": "SELECT pg_read_file('/etc/passwd')",
    "a temporary table": "CREATE TEMPORARY TABLE x (y int)",
    "a table of its own": "CREATE TABLE public.x (y int)",
    "another connection": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE usename = '{database}_owner'",
}


@pytest.fixture
def other_rows(committed: World) -> World:
    """An agent in both organizations; Globex' carries its canary."""
    for organization, name in ((committed.acme, "ours"), (committed.globex, CANARY)):
        with organization_context(organization):
            Agent.objects.create(retell_agent_id="agent_1", name=name)
    return committed


@pytest.mark.parametrize("parameters", [None, []], ids=["plain", "bound"])
@pytest.mark.parametrize("name", HOSTILE)
def test_an_injected_statement_is_refused(
    other_rows: World, name: str, parameters: list[Any] | None
) -> None:
    other = other_rows.globex.schema_name
    statement = HOSTILE[name].format(
        schema=other, role=role_name(database_name(), other), database=database_name()
    )
    owner_rows("SELECT 1")  # an owner's connection stands open
    with organization_context(other_rows.acme):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(statement, parameters)
        assert whoami() == expected(other_rows.acme)


def test_a_statement_with_a_bound_parameter_cannot_be_stacked(other_rows: World) -> None:
    stacked = f"SELECT %s; SET ROLE {role_name(database_name(), other_rows.globex.schema_name)}"
    with organization_context(other_rows.acme):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(stacked, ["x"])
        assert whoami() == expected(other_rows.acme)


def test_both_organizations_stay_whole_after_all_that(other_rows: World) -> None:
    for organization, name in ((other_rows.acme, "ours"), (other_rows.globex, CANARY)):
        with organization_context(organization):
            assert list(Agent.objects.values_list("name", flat=True)) == [name]


def test_statements_of_other_connections_are_hidden(committed: World) -> None:
    owner_rows("SELECT 'a statement of the owner'")
    with organization_context(committed.acme), connection.cursor() as cursor:
        cursor.execute(
            "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query <> ''"
        )
        assert {row[0] for row in cursor.fetchall()} <= {"<insufficient privilege>"}


# --- Tables that are missing ---------------------------------------------------------------------


@pytest.fixture
def table_in_public_only(committed: World) -> Iterator[World]:
    """Acme's agents are gone, and `public` has a table of that name."""
    table = sql.Identifier(committed.acme.schema_name, "agents_agent")
    away = sql.Identifier(committed.acme.schema_name, "away")
    owner_rows(sql.SQL("ALTER TABLE {} RENAME TO away").format(table))
    owner_rows(sql.SQL("CREATE TABLE public.agents_agent AS SELECT * FROM {}").format(away))
    yield committed
    owner_rows("DROP TABLE public.agents_agent")
    owner_rows(sql.SQL("ALTER TABLE {} RENAME TO agents_agent").format(away))


def test_a_missing_table_does_not_answer_from_public(table_in_public_only: World) -> None:
    with organization_context(table_in_public_only.acme), pytest.raises(ProgrammingError):
        Agent.objects.exists()


def test_people_are_not_read_from_inside_an_organization(in_acme: Organization) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        User.objects.exists()


def test_the_platform_reads_no_organization(world: World) -> None:
    with platform(), pytest.raises(ProgrammingError), transaction.atomic():
        Agent.objects.exists()
