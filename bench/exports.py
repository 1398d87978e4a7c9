"""Measures how fast a million calls become a CSV file, beside PostgreSQL's own COPY to a file.

    python -m bench.exports [--calls 1000000] [--rounds 3]

Needs the engines of `make run`. Fills an organization of its own, then takes turns: `psql \\copy`
of the same columns, raw, into a file (psycopg's COPY where there is no psql), and an export as the
worker makes it, stored in the database with its hash and totals. Prints the ratio of the medians
and the most memory the worker took, for all calls and for a tenth of them. Fails when the file
does not hold every call, or when more calls take much more memory.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench import product

FILL_ROWS = 50_000
# The memory of ten times as many calls may be this much more, in MB.
FLAT_MB = 32
FILL = """
INSERT INTO {calls} (id, retell_call_id, status, agent_id, started_at, first_seen_at, call_type,
    direction, disconnection_reason, from_number, to_number, duration_ms, latency_p50_ms,
    call_successful, user_sentiment, cost_cents, summary, details, provenance, storage_level,
    source)
SELECT uuidv7(), 'call_' || md5(n::text), 'ended', 'agent_' || n %% 20,
    now() - n * interval '20 seconds', now(), 'phone_call',
    CASE WHEN n %% 3 = 0 THEN 'outbound' ELSE 'inbound' END, 'user_hangup',
    '+1415555' || lpad((n %% 10000)::text, 4, '0'), '+14155550100', 1000 + n %% 600000,
    700 + n %% 900, n %% 5 > 0, 'Positive', 1 + (n %% 9000) / 100.0,
    repeat('The caller asked for another appointment. ', 4),
    jsonb_build_object('agent_tag', 'production', 'storage', repeat('x', 200)), '{{}}', 0, 'webhook'
FROM generate_series(%s::bigint, %s::bigint) n
"""
AGENTS = """
INSERT INTO {agents} (id, retell_agent_id, retell_name, name)
SELECT uuidv7(), 'agent_' || n, 'Agent ' || n, '' FROM generate_series(0, 19) n
"""
# What the usual columns of an export are made of.
COLUMNS = """
SELECT c.sort_at, c.retell_call_id,
    CASE WHEN c.direction = 'outbound' THEN c.to_number ELSE c.from_number END,
    coalesce(nullif(a.name, ''), nullif(a.retell_name, ''), c.agent_id),
    c.direction, c.outcome_code, c.disconnection_reason, c.user_sentiment,
    c.duration_ms * 0.001, c.duration_ms, c.latency_p50_ms, c.cost_cents * 0.01,
    CASE WHEN c.is_billable THEN 'revenue' ELSE 'test' END
FROM {calls} c LEFT JOIN {agents} a ON a.retell_agent_id = c.agent_id
ORDER BY c.sort_at DESC, c.id DESC
"""
# Runs in a process of its own, as in the worker.
EXPORT = """
import json, resource, time, uuid
from accounts.models import User
from calls.selection import Selection
from exports import actions, columns
from exports.models import Export, Format
from exports.running import EXPORT
from jobs import actions as jobs
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform

with platform():
    organization = Organization.objects.get(slug={slug!r})
with organization_context(organization):
    selection = Selection.from_query(
        {query!r}, organization=organization, sees_personal_data=True
    )
    wish = actions.Wish(
        format=Format({format!r}), columns=columns.chosen(columns.default_codes()),
        whole_numbers=True, may_take=True,
    )
    user = User(id=uuid.uuid4(), email="bench@example.com", name="Benchmark")
    export = actions.ask(organization, selection, wish, user=user)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    jobs.run(organization, export.job_id)
    seconds = time.perf_counter() - begun
    export.refresh_from_db()
    export.job.refresh_from_db()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("RESULT", json.dumps({{
        "seconds": seconds, "rows": export.rows, "bytes": export.size_bytes,
        "peak_mb": peak / 1024, "grown_mb": (peak - before) / 1024, "state": export.job.state,
    }}))
    actions.delete_export(export)
"""


def main() -> int:
    options = _options()
    database = product.environment()["DATABASE_OWNER_URL"]
    with psycopg.connect(database, autocommit=True) as owner, _organization() as (slug, schema):
        _fill(owner, schema, options.calls)
        copies, exports = [], []
        for _ in range(options.rounds):
            copies.append(_copy(owner, database, schema, options.calls))
            exports.append(_export(slug, options.format))
            print(f"copy {copies[-1]:6.2f} s   export {exports[-1]['seconds']:6.2f} s", flush=True)
        tenth = _export(slug, options.format, _tenth(owner, schema, options.calls))
    return _judge(options, copies, exports, tenth)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A CSV of many calls beside COPY.")
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--format", choices=("csv", "xlsx", "pdf"), default="csv")
    return parser.parse_args()


@contextmanager
def _organization() -> Iterator[tuple[str, str]]:
    slug = f"bench-{secrets.token_hex(4)}"
    options = ["--name", "Benchmark", "--slug", slug, "--admin-email", "bench@example.com"]
    options += ["--retell-api-key", f"key_{secrets.token_hex(16)}", "--json"]
    created = json.loads(product.manage("create_organization", *options))
    try:
        yield slug, created["schema"]
    finally:
        product.discard(slug)


def _named(text: str, schema: str) -> sql.Composed:
    calls, agents = sql.Identifier(schema, "calls_call"), sql.Identifier(schema, "agents_agent")
    return sql.SQL(text).format(calls=calls, agents=agents)  # constants of this file


def _fill(owner: psycopg.Connection[Any], schema: str, calls: int) -> None:
    owner.execute(_named(AGENTS, schema))
    for first in range(1, calls + 1, FILL_ROWS):
        last = min(first + FILL_ROWS - 1, calls)
        owner.execute(_named(FILL, schema), [first, last])
        print(f"\r{last:,} calls", end="", flush=True)
    print()
    owner.execute(_named("VACUUM (ANALYZE) {calls}", schema))
    owner.execute(_named("ANALYZE {agents}", schema))


def _tenth(owner: psycopg.Connection[Any], schema: str, calls: int) -> str:
    """A filter that about a tenth of the calls pass."""
    row = owner.execute(
        _named("SELECT sort_at FROM {calls} ORDER BY sort_at DESC OFFSET %s LIMIT 1", schema),
        [calls // 10],
    ).fetchone()
    assert row is not None
    return f"started_after={row[0].strftime('%Y-%m-%dT%H:%M')}"


def _copy(owner: psycopg.Connection[Any], url: str, schema: str, calls: int) -> float:
    query = _named(COLUMNS, schema).as_string(owner)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "calls.csv"
        begun = time.perf_counter()
        if psql := shutil.which("psql"):
            command = f"\\copy ({' '.join(query.split())}) to '{target}' csv header"
            subprocess.run([psql, "-q", "-d", url, "-c", command], check=True)
        else:
            statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)")
            with (
                target.open("wb") as out,
                owner.cursor() as cursor,
                cursor.copy(statement.format(_named(COLUMNS, schema))) as rows,
            ):
                out.writelines(rows)
        seconds = time.perf_counter() - begun
        with target.open("rb") as made:
            lines = sum(1 for _ in made)
        assert lines == calls + 1, f"COPY wrote {lines} lines"
    return seconds


def _export(slug: str, format_: str, query: str = "") -> dict[str, Any]:
    code = EXPORT.format(slug=slug, query=query, format=format_)
    output = product.shell(code)
    line = next(line for line in output.splitlines() if line.startswith("RESULT "))
    measured: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return measured


def _judge(
    options: argparse.Namespace,
    copies: list[float],
    exports: list[dict[str, Any]],
    tenth: dict[str, Any],
) -> int:
    copy = statistics.median(copies)
    export = statistics.median(one["seconds"] for one in exports)
    peak = max(one["peak_mb"] for one in exports)
    size = exports[0]["bytes"] / 1024**2
    print(f"{options.calls:,} calls, {size:,.0f} MB of {options.format}")
    print(f"rate: {options.calls / export:,.0f} calls/s, {copy / export:.2f} x the rate of COPY")
    print(f"memory: {peak:.0f} MB; {tenth['rows']:,} calls: {tenth['peak_mb']:.0f} MB")
    faults = [f"{one['rows']} calls in the file" for one in exports if one["rows"] != options.calls]
    faults += [f"the job ended as {one['state']}" for one in exports if one["state"] != "done"]
    if peak - tenth["peak_mb"] > FLAT_MB:
        faults.append("memory grows with the number of calls")
    for fault in faults:
        print(f"FAULT {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
