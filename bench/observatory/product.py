"""The product as in production, for the length of a run: own database, own people, `web`."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.observatory.visitor import Visitor
from bench.processes import await_answer, free_port, running
from operations.local.environment import generated_keys
from operations.local.folders import CLONE
from operations.local.product import read_procfile
from operations.local.pytest_plugin import start_test_engines
from tenants.db.setup import prepare_database
from testing.databases import drop_databases

OPERATOR_HOST = "switchboard.test"
SLUG = "acme"
ORGANIZATION_HOST = f"{SLUG}.{OPERATOR_HOST}"
OPERATOR, ADMIN = "sam@example.com", "alice@example.com"


@dataclass(frozen=True, slots=True)
class Product:
    """Where `web` listens, and the cookies of somebody signed in on each host."""

    port: int
    cookies: dict[str, str]


@contextlib.contextmanager
def serving() -> Iterator[Product]:
    database = f"test_{os.getpid()}"  # as the tests name theirs, so that they sweep up after a kill
    engines = start_test_engines()
    logins = prepare_database(
        engines["DATABASE_ADMIN_URL"], database=database, report=lambda _: None
    )
    port = free_port()
    environ = {
        **generated_keys(),
        "ENVIRONMENT": "production",
        # The tests' PostgreSQL syncs nothing to disk.
        "REFUSE_FORGETFUL_DATABASE": "0",
        "PUBLIC_BASE_URL": f"https://{OPERATOR_HOST}",
        "TRUSTED_PROXIES": "127.0.0.1",
        "DATABASE_URL": logins.runtime_url,
        "DATABASE_OWNER_URL": logins.owner_url,
        "REDIS_URL": engines["REDIS_URL"],
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_WORKERS": "1",
        "GRANIAN_LOG_LEVEL": "warning",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    try:
        for command in (["release"], ["collectstatic", "--no-input"]):
            _manage(environ, *command)
        with running(["/bin/sh", "-c", read_procfile(CLONE / "Procfile")["web"]], CLONE, environ):
            await_answer(f"http://127.0.0.1:{port}/health")
            yield Product(port, {**_operator(environ, port), **_member(environ, port)})
    finally:
        drop_databases(database)


def _operator(environ: dict[str, str], port: int) -> dict[str, str]:
    created = json.loads(_manage(environ, "create_super_admin", "--email", OPERATOR, "--json"))
    visitor = Visitor(port, OPERATOR_HOST)
    visitor.sign_in(OPERATOR, created["password"], created["totp_uri"])
    return {OPERATOR_HOST: visitor.cookie_header()}


def _member(environ: dict[str, str], port: int) -> dict[str, str]:
    options = ["--name", "Acme", "--slug", SLUG, "--admin-email", ADMIN, "--json"]
    created = json.loads(_manage(environ, "create_organization", *options))
    visitor = Visitor(port, ORGANIZATION_HOST)
    visitor.accept(created["invitation_url"], name="Alice", password=secrets.token_urlsafe(24))
    return {ORGANIZATION_HOST: visitor.cookie_header()}


def _manage(environ: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command,
        cwd=CLONE,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"`manage.py {arguments[0]}` failed:\n{done.stderr}")
    return done.stdout
