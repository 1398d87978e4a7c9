"""Measures how fast webhooks are taken in, beside an Express service doing the same durable work.

    python -m bench.ingest [--rounds 3] [--seconds 8] [--connections 16]

Needs the engines of `make run`, wrk, Node and npm. Starts its own web server and its own Express
service on the same PostgreSQL, loads them in turns, and prints the median ratios. Fails when an
answer was not 2xx, an answered delivery was not stored, or a body was used twice (a repeated
body is a cheap duplicate and would flatter the figure).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from bench import product
from bench.processes import await_answer, free_port, running
from bench.sign_bodies import write_bodies

HERE = Path(__file__).resolve().parent
PEER_FOLDER = HERE / "express_peer"
WEB_WORKERS = 2
WRK_THREADS = 2
BODIES_PER_SECOND = 6_000
SETTLE_SECONDS = 1.0
WARM_UP_SECONDS = 3


@dataclass(frozen=True)
class Target:
    """A server under load and how to count what it has stored."""

    name: str
    url: str
    host: str
    api_key: str
    count: sql.Composed


@dataclass(frozen=True)
class Result:
    """One round; times in milliseconds."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    stored: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def faults(self, bodies: int) -> list[str]:
        """What makes the round worthless; empty when it counts."""
        found = {
            f"{self.refused} answers were not 2xx": self.refused,
            f"{self.broken} requests broke": self.broken,
            f"{self.requests - self.stored} answered deliveries were not stored": (
                self.requests > self.stored
            ),
            "the bodies ran out": self.requests > bodies,
        }
        return [text for text, is_so in found.items() if is_so]


def main() -> int:
    options = _options()
    environment = _environment()
    results: dict[str, list[Result]] = {"express": [], "switchboard": []}
    faults: list[str] = []
    database = environment["DATABASE_OWNER_URL"]
    with (
        psycopg.connect(database, autocommit=True) as owner,
        _express(owner, database) as express,
        _switchboard(owner, environment) as switchboard,
    ):
        warm_up = argparse.Namespace(seconds=WARM_UP_SECONDS, connections=options.connections)
        for target in (express, switchboard):
            _run(target, owner, warm_up)
        for _ in range(options.rounds):
            for target in (express, switchboard):
                result = _run(target, owner, options)
                results[target.name].append(result)
                faults += [f"{target.name}: {f}" for f in result.faults(_bodies(options))]
                print(
                    f"{target.name:11} {result.per_second:7.0f}/s   p50 {result.p50_ms:6.1f} ms"
                    f"   p99 {result.p99_ms:6.1f} ms   {result.stored} stored",
                    flush=True,
                )
    _print_ratios(results)
    for fault in faults:
        print(f"FAULT {fault}")
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Webhook ingestion beside an Express service.")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server")
    parser.add_argument("--seconds", type=int, default=8, help="of load in a turn")
    parser.add_argument("--connections", type=int, default=16)
    return parser.parse_args()


def _environment() -> dict[str, str]:
    for tool in ("wrk", "node", "npm"):
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is not installed; the benchmark needs wrk, node and npm.")
    return product.environment()


def _bodies(options: argparse.Namespace) -> int:
    return int(options.seconds * BODIES_PER_SECOND)


def _print_ratios(results: dict[str, list[Result]]) -> None:
    def ratio(name: str) -> float:
        medians = {
            target: statistics.median(float(getattr(result, name)) for result in rounds)
            for target, rounds in results.items()
        }
        return medians["switchboard"] / medians["express"]

    print(f"throughput, Switchboard to Express: {ratio('per_second'):.2f}")
    print(f"p99, Switchboard to Express: {ratio('p99_ms'):.2f}")


def _run(target: Target, owner: psycopg.Connection[Any], options: argparse.Namespace) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        bodies = Path(folder) / "bodies"
        write_bodies(_bodies(options), bodies, target.api_key)
        before = _stored(target, owner)
        measured = _wrk(target, bodies, options)
        time.sleep(SETTLE_SECONDS)
        return Result(**measured, stored=_stored(target, owner) - before)


def _stored(target: Target, owner: psycopg.Connection[Any]) -> int:
    row = owner.execute(target.count).fetchone()
    return int(row[0]) if row else 0


def _wrk(target: Target, bodies: Path, options: argparse.Namespace) -> dict[str, Any]:
    command = ["wrk", f"-t{WRK_THREADS}", f"-c{options.connections}", f"-d{options.seconds}s"]
    command += ["--timeout", "8s", "-s", str(HERE / "post.lua"), target.url]
    environ = {"BODIES": str(bodies), "HOST": target.host, "THREADS": str(WRK_THREADS)}
    done = subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, check=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    measured: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return measured


@contextlib.contextmanager
def _express(owner: psycopg.Connection[Any], database: str) -> Iterator[Target]:
    api_key, token = f"key_{secrets.token_hex(16)}", secrets.token_urlsafe(24)
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=PEER_FOLDER, check=True, stderr=subprocess.DEVNULL)
    owner.execute((PEER_FOLDER / "schema.sql").read_bytes())
    owner.execute("insert into bench_peer.client values (%s, 'bench_peer', %s)", [token, api_key])
    port = free_port()
    environ = {
        **_libpq(database),
        "PORT": str(port),
        "WORKERS": str(WEB_WORKERS),
        "NODE_ENV": "production",
    }
    count = sql.SQL("select count(*) from {}").format(sql.Identifier("bench_peer", "webhook"))
    with running(["node", "server.mjs"], PEER_FOLDER, environ):
        await_answer(f"http://127.0.0.1:{port}/ready")
        url = f"http://127.0.0.1:{port}/webhooks/{token}"
        yield Target("express", url, f"127.0.0.1:{port}", api_key, count)
    owner.execute("drop schema bench_peer cascade")


@contextlib.contextmanager
def _switchboard(owner: psycopg.Connection[Any], environment: dict[str, str]) -> Iterator[Target]:
    port = free_port()
    environ = {
        **environment,
        "DEBUG": "false",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_WORKERS": str(WEB_WORKERS),
        "PATH": product.path(),
    }
    api_key, slug = f"key_{secrets.token_hex(16)}", f"bench-{secrets.token_hex(4)}"
    options = ["--name", "Benchmark", "--slug", slug, "--admin-email", "bench@example.com"]
    options += ["--retell-api-key", api_key, "--json"]
    created = json.loads(product.manage("create_organization", *options))
    webhook = urlsplit(created["webhook_url"])
    table = sql.Identifier(created["schema"], "webhooks_delivery")
    try:
        with running(product.command("web"), product.REPOSITORY, environ):
            await_answer(f"http://127.0.0.1:{port}/health")
            url = f"http://127.0.0.1:{port}{webhook.path}"
            count = sql.SQL("select count(*) from {}").format(table)
            yield Target("switchboard", url, webhook.netloc, api_key, count)
    finally:
        product.discard(slug)


def _libpq(url: str) -> dict[str, str]:
    """A PostgreSQL address as the PG* variables that Node's driver reads."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER"}
    names |= {"password": "PGPASSWORD", "dbname": "PGDATABASE"}
    given = psycopg.conninfo.conninfo_to_dict(url)
    return {names[key]: str(value) for key, value in given.items() if key in names}


if __name__ == "__main__":
    sys.exit(main())
