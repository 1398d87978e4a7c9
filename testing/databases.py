"""Databases of one run: dropped at its end, and those of killed runs with them."""

from __future__ import annotations

import os
import re

import psycopg
from psycopg import sql


def drop_databases(name: str) -> None:
    """Drop this run's database, and those that runs left which were killed."""
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as administrator:
        _drop(administrator, name)
        _drop_abandoned(administrator)


def drop_rehearsal(name: str) -> None:
    """Drop a database that something under test made, with its roles."""
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as administrator:
        _drop(administrator, name)


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )
    roles = connection.execute(
        "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [f"{name}_"]
    ).fetchall()
    # Organizations' roles first: the owner granted them and cannot go before.
    for (role,) in sorted(roles, key=lambda row: f"{name}_org_" not in row[0]):
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _drop_abandoned(connection: psycopg.Connection) -> None:
    rows = connection.execute("SELECT datname FROM pg_database").fetchall()
    for (name,) in rows:
        found = re.fullmatch(r"test_(\d+)", name)
        if found and not _is_running(int(found[1])):
            _drop(connection, name)
