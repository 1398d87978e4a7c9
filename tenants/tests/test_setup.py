"""`setup_database`: a PostgreSQL is prepared, again and again, from whatever login may do it."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from psycopg import sql

from tenants.db.roles import role_name
from tenants.db.setup import Logins, SetupError, prepare_database
from testing.organizations import database_name

LIFE_OF_AN_ORGANIZATION = """
import os, django
from django.core.management import call_command
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
call_command("release")
call_command("create_organization", name="A", slug="initech", admin_email="peter@example.com")
call_command("delete_organization", "initech", confirm="initech")
call_command("restore_organization", "initech")
"""
ADMIN_PASSWORD = "administrator"


def admin_url() -> str:
    return os.environ["DATABASE_ADMIN_URL"]


def administer(statement: str, *names: str) -> None:
    with psycopg.connect(admin_url(), autocommit=True) as administrator:
        administrator.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def roles_of(database: str) -> list[str]:
    with psycopg.connect(admin_url(), autocommit=True) as administrator:
        rows = administrator.execute(
            "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [f"{database}_"]
        ).fetchall()
    # Organizations' roles first, the administrator that made the others last.
    order = {f"{database}_owner": 1, f"{database}_admin": 2}
    return sorted((name for (name,) in rows), key=lambda name: order.get(name, 0))


def drop(database: str) -> None:
    administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", database)
    for role in roles_of(database):
        administer("DROP ROLE {}", role)


@pytest.fixture
def database() -> Iterator[str]:
    """The name of a database that is not there yet."""
    # Not beginning like the run's own database, whose end drops all roles that begin like it.
    name = f"set_up_{database_name()}"
    drop(name)
    yield name
    drop(name)


@pytest.fixture
def limited_admin_url(database: str) -> str:
    """A login that may create roles and owns the database, and is no superuser."""
    login = f"{database}_admin"
    administer(f"CREATE ROLE {{}} LOGIN CREATEROLE PASSWORD '{ADMIN_PASSWORD}'", login)
    administer("CREATE DATABASE {} OWNER {}", database, login)
    parts = urlsplit(admin_url())
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(netloc=f"{quote(login)}:{ADMIN_PASSWORD}@{host}", path=f"/{database}")
    )


def prepare(url: str, **options: Any) -> tuple[Logins, list[str]]:
    reports: list[str] = []
    return prepare_database(url, report=reports.append, **options), reports


def test_a_superuser_prepares_everything(database: str) -> None:
    logins, reports = prepare(admin_url(), database=database)
    assert reports == [f"Creating the database {database}"]
    for url in (logins.runtime_url, logins.owner_url, logins.backup_url):
        with psycopg.connect(url) as connection:
            assert connection.info.dbname == database


def test_preparing_again_changes_no_password(database: str) -> None:
    first, _ = prepare(admin_url(), database=database)
    again, reports = prepare(
        admin_url(),
        database=database,
        runtime_url=first.runtime_url,
        owner_url=first.owner_url,
        backup_url=first.backup_url,
    )
    assert (again, reports) == (first, [])


def test_a_login_without_superuser_rights_prepares_it(limited_admin_url: str) -> None:
    logins, reports = prepare(limited_admin_url)
    assert any("BYPASSRLS" in line and "superuser" in line for line in reports)
    assert any("set_config" in line and "superuser" in line for line in reports)
    psycopg.connect(logins.runtime_url).close()


def test_what_such_a_login_prepared_can_be_released(limited_admin_url: str, tmp_path: Path) -> None:
    logins, _ = prepare(limited_admin_url)
    environment = os.environ | {
        "DATABASE_URL": logins.runtime_url,
        "DATABASE_OWNER_URL": logins.owner_url,
        "BACKUP_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", LIFE_OF_AN_ORGANIZATION],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_a_login_that_may_not_create_roles_is_told_so(database: str) -> None:
    login = f"{database}_admin"
    administer(f"CREATE ROLE {{}} LOGIN PASSWORD '{ADMIN_PASSWORD}'", login)
    administer("CREATE DATABASE {} OWNER {}", database, login)
    parts = urlsplit(admin_url())
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=f"{login}:{ADMIN_PASSWORD}@{host}", path=f"/{database}"))
    with pytest.raises(SetupError, match="must be able to create roles"):
        prepare(url)


def test_a_login_that_may_not_create_the_database_is_told_so(limited_admin_url: str) -> None:
    with pytest.raises(SetupError, match="may not create the database"):
        prepare(limited_admin_url, database=f"other_{database_name()}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres:x@127.0.0.1:1/postgres",
        "postgresql://postgres:x@nowhere.invalid/postgres",
        "postgresql:///postgres?host=/nowhere",
    ],
)
def test_an_unreachable_server_is_one_sentence(url: str) -> None:
    with pytest.raises(SetupError, match="cannot be reached") as refused:
        prepare(url)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("url", ["nonsense", "mysql://localhost/x", "postgresql://[::1/x"])
def test_an_address_that_is_none_is_one_sentence(url: str) -> None:
    with pytest.raises(SetupError) as refused:
        prepare(url, database="switchboard")
    assert "\n" not in str(refused.value)


def test_a_database_name_too_long_for_its_roles_is_refused_before_anything_is_made() -> None:
    name = f"{database_name()}_{'x' * 40}"
    with pytest.raises(SetupError, match="too long"):
        prepare(admin_url(), database=name)
    with psycopg.connect(admin_url()) as administrator:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        assert administrator.execute(query, [name]).fetchone() is None


def test_a_name_is_as_long_as_postgresql_allows() -> None:
    assert len(role_name("x" * 46, "org_abcdefghijkl")) == 63
    with pytest.raises(ValueError, match="too long"):
        role_name("x" * 47, "org_abcdefghijkl")


# --- The command ---------------------------------------------------------------------------------


def set_up(**options: Any) -> str:
    output = io.StringIO()
    call_command("setup_database", stdout=output, stderr=io.StringIO(), **options)
    return output.getvalue()


def test_the_command_prints_three_addresses(database: str) -> None:
    printed = set_up(admin_url=admin_url(), database=database)
    keys = [line.partition("=")[0] for line in printed.splitlines()]
    assert keys == ["DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_BACKUP_URL"]


def test_the_command_keeps_what_stands_in_the_file(database: str, tmp_path: Path) -> None:
    file = tmp_path / "environment"
    file.write_text("SECRET_KEY=kept\n")
    set_up(admin_url=admin_url(), database=database, environment_file=file)
    first = file.read_text()
    set_up(admin_url=admin_url(), database=database, environment_file=file)
    assert file.read_text() == first
    assert first.startswith("SECRET_KEY=kept\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_command_says_in_one_sentence_what_is_wrong() -> None:
    with pytest.raises(CommandError, match="cannot be reached"):
        set_up(admin_url="postgresql://postgres:x@127.0.0.1:1/postgres")


def test_the_command_asks_for_an_address() -> None:
    with pytest.raises(CommandError, match="--admin-url"):
        set_up(admin_url="")
