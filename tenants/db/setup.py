"""Prepares a PostgreSQL (15 or newer) from an administrator's login: database, logins, roles.

Idempotent. The administrator may be a superuser, or a login that may create roles and owns the
database; what only a superuser can do is reported instead of failing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from tenants.db.roles import role_name

MINIMUM_VERSION = 150_000
SET_CONFIG = "pg_catalog.set_config(text, text, boolean)"
_LONGEST_SUFFIX = "org_" + "x" * 12  # an organization's role is named after its schema
_NO_ADDRESS = "The address must look like postgresql://login:password@host/database:"


class SetupError(Exception):
    """The database cannot be prepared; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Logins:
    """Connection URLs of the logins that `prepare_database` made."""

    runtime_url: str
    owner_url: str
    backup_url: str

    def as_environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.runtime_url,
            "DATABASE_OWNER_URL": self.owner_url,
            "DATABASE_BACKUP_URL": self.backup_url,
        }


Report = Callable[[str], None]


def _url_for(admin_url: str, database: str, user: str, password: str) -> str:
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    credentials = f"{quote(user)}:{quote(password, safe='')}"
    return urlunsplit((parts.scheme, f"{credentials}@{host}", f"/{database}", parts.query, ""))


def _password_of(url: str | None, user: str) -> str | None:
    """The password a URL names for this login, if it does."""
    parts = urlsplit(url or "")
    if parts.username and unquote(parts.username) == user and parts.password:
        return unquote(parts.password)
    return None


def _settle_password(
    connection: psycopg.Connection, name: str, known: str | None, *, reset: bool
) -> str:
    """The password to set: the known one, or a new one for a login nobody uses yet."""
    if known is None and not reset and _role_exists(connection, name):
        raise SetupError(
            f"The login {name} exists already and its password is not known here. Nothing was"
            " changed. Give the file with its URL as --environment-file, or --reset-passwords,"
            " which locks out what runs with the old one."
        )
    return known or secrets.token_urlsafe(24)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _checked_name(admin_url: str, database: str | None) -> str:
    """The database's name, refused when it is too long for the names of the roles."""
    try:
        named = unquote(urlsplit(admin_url).path.lstrip("/"))
        name = database or (named if named not in ("", "postgres") else "switchboard")
    except ValueError as error:
        raise SetupError(f"{_NO_ADDRESS} {_one_line(error)}") from error
    try:
        role_name(name, _LONGEST_SUFFIX)
    except ValueError as error:
        raise SetupError(f"{error} Nothing was changed.") from error
    return name


def _connect(url: str) -> psycopg.Connection:
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise SetupError(f"The database server cannot be reached: {_one_line(error)}") from error
    except psycopg.ProgrammingError as error:
        raise SetupError(f"{_NO_ADDRESS} {_one_line(error)}") from error
    if connection.info.server_version < MINIMUM_VERSION:
        raise SetupError(
            f"The server is PostgreSQL {connection.info.server_version // 10_000};"
            " Switchboard needs 15 or newer. Nothing was changed."
        )
    return connection


def _ensure_database(admin_url: str, database: str, report: Report) -> str:
    """Create the database when it is missing; return the administrator's URL of it."""
    parts = urlsplit(admin_url)
    target = urlunsplit(parts._replace(path=f"/{database}"))
    if unquote(parts.path.lstrip("/")) == database:
        return target
    with _connect(admin_url) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [database]
        ).fetchone()
        if not found:
            report(f"Creating the database {database}")
            _create_database(connection, database)
    return target


def _create_database(connection: psycopg.Connection, database: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        connection.execute(statement.format(sql.Identifier(database)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise SetupError(
            f"The login may not create the database {database}. Let it create databases, or"
            " create this one with the login as its owner."
        ) from error


def _role_exists(connection: psycopg.Connection, name: str) -> bool:
    row = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    return row is not None


def _ensure_role(connection: psycopg.Connection, name: str, attributes: str) -> None:
    verb = sql.SQL("ALTER ROLE" if _role_exists(connection, name) else "CREATE ROLE")
    connection.execute(sql.SQL("{} {} {}").format(verb, sql.Identifier(name), sql.SQL(attributes)))


def _ensure_login(
    connection: psycopg.Connection, name: str, attributes: str, password: str
) -> None:
    _ensure_role(connection, name, f"LOGIN {attributes}")
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(password))
    )


def _try(
    connection: psycopg.Connection, statement: sql.SQL | sql.Composed, report: Report, why: str
) -> None:
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        report(f"Not done, it needs a superuser: {why}")


def _grant_memberships(connection: psycopg.Connection, database: str) -> None:
    """Runtime may become door and platform, without inheriting anything from them."""
    runtime, owner = role_name(database, "runtime"), role_name(database, "owner")
    # Before 16 the NOINHERIT attribute of the runtime login says the same for all its grants.
    tail = " WITH INHERIT FALSE" if connection.info.server_version >= 160_000 else ""
    for suffix in ("door", "platform"):
        connection.execute(
            sql.SQL("GRANT {} TO {}" + tail).format(
                sql.Identifier(role_name(database, suffix)), sql.Identifier(runtime)
            )
        )
    connection.execute(
        sql.SQL("GRANT {} TO {} WITH ADMIN OPTION").format(
            sql.Identifier(role_name(database, "organizations")), sql.Identifier(owner)
        )
    )


def _grant_database(connection: psycopg.Connection, database: str, report: Report) -> None:
    owner = sql.Identifier(role_name(database, "owner"))
    logins = sql.SQL(", ").join(
        sql.Identifier(role_name(database, name)) for name in ("runtime", "owner", "backup")
    )
    name = sql.Identifier(database)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, logins))
    connection.execute(sql.SQL("GRANT CREATE, TEMPORARY ON DATABASE {} TO {}").format(name, owner))
    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    connection.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA public TO {}").format(owner))
    _try(
        connection,
        sql.SQL("GRANT pg_read_all_data TO {}").format(
            sql.Identifier(role_name(database, "backup"))
        ),
        report,
        "GRANT pg_read_all_data to the backup login; backups will not run.",
    )


def _protect_set_config(connection: psycopg.Connection, database: str, report: Report) -> None:
    """Keep `set_config()` from application SQL: it can change the role inside a SELECT."""
    function = sql.SQL("FUNCTION " + SET_CONFIG)
    may_call = sql.SQL(", ").join(
        sql.Identifier(role_name(database, name)) for name in ("owner", "backup")
    )
    for statement in (
        sql.SQL("REVOKE EXECUTE ON {} FROM PUBLIC").format(function),
        sql.SQL("GRANT EXECUTE ON {} TO {}").format(function, may_call),
    ):
        _try(connection, statement, lambda _: None, "")
    row = connection.execute(
        "SELECT has_function_privilege(%s, %s, 'EXECUTE')",
        [role_name(database, "runtime"), SET_CONFIG],
    ).fetchone()
    if row and row[0]:
        report(
            "Not done, it needs a superuser: run REVOKE EXECUTE ON FUNCTION"
            f" {SET_CONFIG} FROM PUBLIC in {database}. Until then one SELECT with injected text"
            " could change its role."
        )


def prepare_database(
    admin_url: str,
    *,
    database: str | None = None,
    runtime_url: str | None = None,
    owner_url: str | None = None,
    backup_url: str | None = None,
    reset_passwords: bool = False,
    report: Report = print,
) -> Logins:
    """Create or repair database, logins and roles; passwords in the given URLs are kept.

    Raises `SetupError` when the server is unreachable, too old, the login may not do it, or a
    login exists whose password is not given and `reset_passwords` does not say to replace it.
    """
    database = _checked_name(admin_url, database)
    target = _ensure_database(admin_url, database, report)
    names = {suffix: role_name(database, suffix) for suffix in ("runtime", "owner", "backup")}
    given = {"runtime": runtime_url, "owner": owner_url, "backup": backup_url}
    with _connect(target) as connection:
        passwords = {
            key: _settle_password(
                connection, names[key], _password_of(url, names[key]), reset=reset_passwords
            )
            for key, url in given.items()
        }
        try:
            _ensure_login(connection, names["owner"], "CREATEROLE", passwords["owner"])
            _ensure_login(connection, names["runtime"], "NOINHERIT", passwords["runtime"])
            _ensure_login(connection, names["backup"], "INHERIT", passwords["backup"])
            for suffix in ("door", "platform", "organizations"):
                _ensure_role(connection, role_name(database, suffix), "NOLOGIN")
            _grant_memberships(connection, database)
            _grant_database(connection, database, report)
        except psycopg.errors.InsufficientPrivilege as error:
            raise SetupError(
                f"The login may not prepare the database: {str(error).strip()}. It must be able to"
                f" create roles and own the database {database}."
            ) from error
        _try(
            connection,
            sql.SQL("ALTER ROLE {} BYPASSRLS").format(sql.Identifier(names["backup"])),
            report,
            "ALTER ROLE … BYPASSRLS for the backup login; backups will not run.",
        )
        _protect_set_config(connection, database, report)
    return Logins(*(_url_for(admin_url, database, names[key], passwords[key]) for key in passwords))
