"""What a backup must hold, written down in the snapshot it is made from, and compared after it was
restored.

Counts and checksums of every table are exact. Sequences are not part of a snapshot, they move on
while the dump is made: a restored one must have come at least as far.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from operations.backups.exceptions import BackupError
from tenants.db.roles import role_name

Progress = Callable[[str, int, int], None]
Connection = psycopg.Connection[tuple[Any, ...]]

# As text, a row must look the same on both servers.
_SESSION = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres';"
    " SET bytea_output = 'hex'; SET extra_float_digits = 1; SET search_path = pg_catalog;"
    " SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET jit = off"
)
_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND (n.nspname = 'public' OR starts_with(n.nspname, 'org_'))
AND (%(only)s = '' OR n.nspname = %(only)s) ORDER BY 1, 2
"""
# The sum does not depend on the order of rows; SHA-256, because its value is the same everywhere.
_COUNT = """
SELECT count(*), coalesce(sum(
    ('x' || encode(substr(sha256(convert_to(this_row::text, 'UTF8')), 1, 8), 'hex'))
    ::bit(64)::bigint
), 0)::text FROM {} this_row
"""
_SEQUENCES = """
SELECT schemaname, sequencename, last_value FROM pg_sequences
WHERE (schemaname = 'public' OR starts_with(schemaname, 'org_'))
AND (%(only)s = '' OR schemaname = %(only)s) ORDER BY 1, 2
"""
# Digests by kind and schema, so that the manifest stays small with thousands of schemas.
_STRUCTURE = """
WITH shown AS (
    SELECT oid, nspname, nspacl, nspowner FROM pg_namespace
    WHERE (nspname = 'public' OR starts_with(nspname, 'org_'))
    AND (%(only)s = '' OR nspname = %(only)s)
), line AS (
    SELECT 'columns' AS kind, nspname,
        format('%%I.%%I %%s %%s', relname, attname, format_type(atttypid, atttypmod), attnotnull)
        AS text
    FROM shown JOIN pg_class c ON relnamespace = shown.oid
    JOIN pg_attribute ON attrelid = c.oid
    WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'indexes', nspname, format('%%I', relname)
    FROM shown JOIN pg_class ON relnamespace = shown.oid WHERE relkind = 'i'
    UNION ALL
    SELECT 'constraints', nspname, format('%%I %%s %%s', conname, contype, convalidated)
    FROM shown JOIN pg_constraint ON connamespace = shown.oid WHERE contype <> 'n'
    UNION ALL
    SELECT 'triggers', nspname, format('%%I.%%I', relname, tgname)
    FROM shown JOIN pg_class c ON relnamespace = shown.oid JOIN pg_trigger ON tgrelid = c.oid
    WHERE NOT tgisinternal
    UNION ALL
    SELECT 'functions', nspname, format('%%I %%s %%s', proname, prosecdef, set_to.text)
    FROM shown JOIN pg_proc ON pronamespace = shown.oid,
    LATERAL (SELECT coalesce(array_to_string(proconfig, ','), '') AS text) set_to
    UNION ALL
    SELECT 'policies', nspname, format('%%I %%s', relname, relrowsecurity)
    FROM shown JOIN pg_class ON relnamespace = shown.oid WHERE relkind = 'r'
    UNION ALL
    SELECT 'policies', schemaname,
        format('%%I.%%I %%s %%s %%s %%s', tablename, policyname, roles, cmd, qual, with_check)
    FROM shown JOIN pg_policies ON schemaname = nspname
    UNION ALL
    SELECT 'grants', nspname, format('%%I %%s %%s', relname, grantee::regrole, privilege_type)
    FROM shown JOIN pg_class ON relnamespace = shown.oid, aclexplode(relacl)
    WHERE grantee <> relowner
    UNION ALL
    SELECT 'grants', nspname, format('%%I() %%s %%s', proname, grantee::regrole, privilege_type)
    FROM shown JOIN pg_proc ON pronamespace = shown.oid, aclexplode(proacl)
    WHERE grantee <> proowner
    UNION ALL
    SELECT 'grants', nspname, format('%%s %%s', grantee::regrole, privilege_type)
    FROM shown, aclexplode(nspacl) WHERE nspname <> 'public' AND grantee <> nspowner
)
SELECT kind, nspname,
    encode(sha256(convert_to(string_agg(text, E'\\n' ORDER BY text COLLATE "C"), 'UTF8')), 'hex')
FROM line GROUP BY 1, 2 ORDER BY 1, 2
"""
# Roles of this database only: another one's name may begin with this one's.
_ROLES = """
SELECT substr(r.rolname, length(%(prefix)s) + 1),
    r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcanlogin, r.rolbypassrls,
    coalesce((
        SELECT array_agg(substr(m.rolname, length(%(prefix)s) + 1)::text ORDER BY 1)
        FROM pg_auth_members JOIN pg_roles m ON m.oid = member
        WHERE roleid = r.oid AND starts_with(m.rolname, %(prefix)s)
        AND m.rolname <> %(prefix)s || 'owner'
    ), '{}')
FROM pg_roles r WHERE starts_with(r.rolname, %(prefix)s) AND (
    substr(r.rolname, length(%(prefix)s) + 1) IN
        ('owner', 'runtime', 'backup', 'door', 'platform', 'organizations')
    OR substr(r.rolname, length(%(prefix)s) + 1) ~ '^org_[a-z0-9]{12}$'
) ORDER BY 1
"""
_ATTRIBUTES = ("SUPERUSER", "INHERIT", "CREATEROLE", "LOGIN", "BYPASSRLS")
_MIGRATIONS = "SELECT app || '.' || name FROM {}.django_migrations ORDER BY id"
# now() is when the transaction began, a little before its snapshot: what was committed until then
# is in it.
_DATABASE = """
SELECT current_database(), (SELECT system_identifier FROM pg_control_system()),
    pg_database_size(current_database()), now()
"""
MOST_DIFFERENCES = 20
ORGANIZATION = "org_"  # begins the name of each organization's schema


@dataclass(frozen=True, slots=True)
class Role:
    """By the end of its name, without the database's. `members`: who may become it."""

    attributes: list[str]
    members: list[str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """`only`: the one schema it is of, or "" for everything. `tables`: rows and checksum, by
    schema.table; `structure`: a digest by kind and schema, "grants org_…"."""

    database: str
    database_id: str
    database_bytes: int
    server_version: int
    app_version: str
    snapshot_at: str
    only: str = ""
    tables: dict[str, tuple[int, str]] = field(default_factory=dict)
    sequences: dict[str, int | None] = field(default_factory=dict)
    structure: dict[str, str] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    migrations: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(rows for rows, _ in self.tables.values())

    @property
    def schemas(self) -> list[str]:
        """Of organizations."""
        found = {name.partition(".")[0] for name in self.tables}
        return sorted(found - {"public"})

    def as_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        """Raises `BackupError` for one that another version wrote in another shape."""
        try:
            content = json.loads(text)
            content["roles"] = {name: Role(**role) for name, role in content["roles"].items()}
            content["tables"] = {name: tuple(found) for name, found in content["tables"].items()}
            return cls(**content)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BackupError(
                "This version cannot read the backup's manifest; restore it with the version that"
                " made it."
            ) from error


def prepare_session(connection: Connection) -> None:
    """Texts of values as `measure` compares them, and no limits of time."""
    connection.execute(_SESSION)


def database_id(connection: Connection) -> str:
    """Tells this database from every other one, of this server and of others."""
    name, system, *_ = _one(connection, _DATABASE)
    return f"{system}/{name}"


def measure(
    connection: Connection,
    *,
    app_version: str,
    progress: Progress,
    only: str = "",
    database: str = "",
) -> Manifest:
    """Everything of a manifest, in the snapshot of the connection's transaction. `database`: whose
    roles are meant, where the database itself has another name."""  # fmt: skip
    name, system, size, now = _one(connection, _DATABASE)
    of = {"only": only}
    tables = [(str(s), str(t)) for s, t in connection.execute(_TABLES, of)]
    prefix = role_name(database or name, "")
    return Manifest(
        database=name,
        database_id=f"{system}/{name}",
        database_bytes=size,
        server_version=connection.info.server_version,
        app_version=app_version,
        snapshot_at=now.isoformat(),
        only=only,
        tables=dict(_counted(connection, tables, progress)),
        sequences={f"{s}.{n}": last for s, n, last in connection.execute(_SEQUENCES, of)},
        structure={f"{kind} {s}": digest for kind, s, digest in connection.execute(_STRUCTURE, of)},
        roles=dict(_roles(connection, prefix, only)),
        migrations=_migrations(connection, only or "public"),
    )


def _one(connection: Connection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return tuple(row)


def _counted(
    connection: Connection, tables: list[tuple[str, str]], progress: Progress
) -> Iterator[tuple[str, tuple[int, str]]]:
    for number, (schema, table) in enumerate(tables):
        progress("Counting tables", number, len(tables))
        query = sql.SQL(_COUNT).format(sql.Identifier(schema, table))
        row = connection.execute(query).fetchone()
        assert row is not None
        yield f"{schema}.{table}", (int(row[0]), str(row[1]))


def _roles(connection: Connection, prefix: str, only: str) -> Iterator[tuple[str, Role]]:
    def is_meant(name: str) -> bool:
        return not only or name == only or not name.startswith(ORGANIZATION)

    for name, *flags, members in connection.execute(_ROLES, {"prefix": prefix}):
        held = [word for word, is_set in zip(_ATTRIBUTES, flags, strict=True) if is_set]
        if is_meant(name):
            yield name, Role(held, [member for member in members if is_meant(member)])


def _migrations(connection: Connection, schema: str) -> list[str]:
    query = sql.SQL(_MIGRATIONS).format(sql.Identifier(schema))
    return [found for (found,) in connection.execute(query)]


def differences(expected: Manifest, found: Manifest) -> list[str]:
    """What was restored and is not what was written down, as sentences; empty when all agrees."""
    return [
        *_tables(expected, found),
        *_structure(expected, found),
        *_sequences(expected, found),
        *_role_differences(expected, found),
    ]


def _tables(expected: Manifest, found: Manifest) -> Iterator[str]:
    missing = set(expected.schemas) - set(found.schemas)
    yield from (f"The schema {schema} is missing." for schema in sorted(missing))
    for name, (rows, checksum) in expected.tables.items():
        if name.partition(".")[0] in missing:
            continue
        got = found.tables.get(name)
        if got is None:
            yield f"The table {name} is missing."
        elif got[0] != rows:
            yield f"{name} has {got[0]:,} rows instead of {rows:,}."
        elif got[1] != checksum:
            yield f"{name} has other values than at the backup."
    for name in sorted(set(found.tables) - set(expected.tables)):
        yield f"The table {name} was not in the database."


def _structure(expected: Manifest, found: Manifest) -> Iterator[str]:
    for name, digest in expected.structure.items():
        if found.structure.get(name) != digest:
            kind, _, schema = name.partition(" ")
            yield f"The {kind} of the schema {schema} are not those of the backup."


def _sequences(expected: Manifest, found: Manifest) -> Iterator[str]:
    for name, last in expected.sequences.items():
        if name not in found.sequences:
            yield f"The sequence {name} is missing."
        elif (found.sequences[name] or 0) < (last or 0):
            yield f"The sequence {name} is at {found.sequences[name]}, behind {last}."


def _role_differences(expected: Manifest, found: Manifest) -> Iterator[str]:
    for name, role in expected.roles.items():
        got = found.roles.get(name)
        if got is None:
            yield f"The role of {name} is missing."
        elif set(got.attributes) != set(role.attributes):
            yield f"The role of {name} may other things than at the backup."
        elif not set(role.members) <= set(got.members):
            yield f"The role of {name} is not granted to whom it was."
