"""Measures how much slower pages get with the number of calls an organization has.

    python -m bench.reading [--small 10000] [--large 10000000] [--rounds 30] [--keep]

Needs the engines of `make run`. Fills two organizations of its own, one with few calls and one with
many, over the same 90 days, and opens the same pages of both in turns, through all of Django, in
this process. Prints the 95th percentile of each page and the ratio, and fails when a page of the
large one takes more than 1.5 times as long, or another number of queries. Ten million calls take
about 20 GB of disk and half an hour to fill; they are deleted at the end unless `--keep` is given,
and found again by the next run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from operations.local.environment import read_environment
from operations.local.folders import Folders

REPOSITORY = Path(__file__).resolve().parent.parent
DAYS = 90
CHUNK = 250_000
MOST_RATIO = 1.5
WARM_UP = 3
PASSWORD = "correct horse battery staple"  # noqa: S105 - of people who live as long as the run
PAGES = {
    "overview, 7 days": "/",
    "overview, 30 days": "/?period=30d",
    "overview, 90 days": "/?period=90d",
    "calls": "/calls/",
    "calls of an agent": "/calls/?agent={agent}",
    "calls by outcome": "/calls/?outcome=voicemail",
    "calls by sentiment": "/calls/?sentiment=Negative",
    "test calls": "/calls/?revenue=test",
    "calls by reason": "/calls/?reason=dial_busy",
    "long calls": "/calls/?min_duration_s=500",
    "calls of a month ago": "/calls/?started_before={month_ago}",
    "a call by its ID": "/calls/?q={call}",
    "the end of a number": "/calls/?q=0142",
    "a number": "/calls/?q=%2B12000007919",
    "no call: number": "/calls/?q=5550142999",
    "agents": "/agents/",
    "no call: outcome": "/calls/?outcome=error",
    "no call: reason": "/calls/?reason=unheard_of",
}
FILL = """
    INSERT INTO {schema}.calls_call (
        id, retell_call_id, status, agent_id, agent_name, started_at, ended_at, cost_cents, cost,
        user_sentiment, summary, transcript, details, provenance, storage_level, first_seen_at,
        source, call_type, direction, disconnection_reason, from_number, to_number, duration_ms,
        latency_p50_ms, call_successful, in_voicemail, test_signal)
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3)
            || '8' || substr(h, 4, 15))::uuid,
        'call_' || h, CASE WHEN n % 12 = 0 THEN 'not_connected' ELSE 'ended' END,
        'agent_' || least(n % 31, n % 20), 'Agent', at, at + make_interval(secs => 60 + n % 400),
        (n % 4000) / 100.0,
        jsonb_build_object('combined_cost', (n % 4000) / 100.0, 'product_costs', jsonb_build_array(
            jsonb_build_object('product', 'retell_voice_engine', 'cost', (n % 700) / 100.0),
            jsonb_build_object('product', 'elevenlabs_tts', 'cost', (n % 300) / 100.0),
            jsonb_build_object('product', (ARRAY['gpt_4o', 'gpt_4o_mini', 'claude_3_5'])[1 + n % 3],
                'cost', (n % 900) / 100.0))),
        (ARRAY['Positive', 'Neutral', 'Negative', 'Unknown'])[1 + (n * 7) % 4],
        'The caller asked about an appointment and was given one on Tuesday.',
        repeat('Agent: hello. User: hello ' || h || E'\\n', 6), '{{}}',
        jsonb_build_object('status', repeat('3', 36), 'started_at', repeat('3', 36)), 0, at,
        'webhook', 'phone_call', (ARRAY['inbound', 'outbound'])[1 + n % 2],
        (ARRAY['user_hangup', 'agent_hangup', 'dial_no_answer', 'dial_busy', 'voicemail_reached',
            'inactivity', 'call_transfer'])[1 + (n * 11) % 7],
        '+1' || (2000000000 + n * 7919 % 7999999999), '+1' || (3000000000 + n % 500),
        1000 * (n % 600), 600 + n % 1500, n % 3 <> 0, n % 9 = 0,
        CASE WHEN n % 25 = 0 THEN 'metadata' END
    FROM (SELECT n, md5({schema_name} || n) AS h,
            now() - make_interval(secs => ({total} - n) * {step}) AS at
        FROM generate_series({first}::bigint, {last}::bigint) n) AS numbers
"""
DISCARD = """
from operations.demo.removing import discard
from tenants.models import Organization

discard(Organization.objects.using("owner").get(slug="{slug}"))
"""


@dataclass
class Measured:
    """One page of one organization."""

    seconds: list[float] = field(default_factory=list)
    queries: set[int] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)

    @property
    def p95_ms(self) -> float:
        return 1000 * sorted(self.seconds)[max(0, round(0.95 * len(self.seconds)) - 1)]


def main() -> int:
    options = _options()
    environment = read_environment(Folders.for_run().environment)
    if "DATABASE_OWNER_URL" not in environment:
        raise SystemExit("Start `make run` first: the benchmark uses its PostgreSQL and Valkey.")
    os.environ.update(environment, PAGE_LIMIT="1000000/15m", REFRESH_LIMIT="1000000/15m")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    sizes = {"small": options.small, "large": options.large}
    slugs = {name: f"bench-{number}" for name, number in sizes.items()}
    with psycopg.connect(environment["DATABASE_OWNER_URL"], autocommit=True) as owner:
        try:
            for name, slug in slugs.items():
                _prepare(owner, slug, sizes[name])
            return _report(sizes, _measure(slugs, options.rounds))
        finally:
            for slug in () if options.keep else slugs.values():
                _manage("shell", "--no-imports", "-c", DISCARD.format(slug=slug))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pages with few and with many calls.")
    parser.add_argument("--small", type=int, default=10_000, help="calls of one organization")
    parser.add_argument("--large", type=int, default=10_000_000, help="calls of the other")
    parser.add_argument("--rounds", type=int, default=30, help="times each page is opened")
    parser.add_argument("--keep", action="store_true", help="keep both for the next run")
    return parser.parse_args()


def _manage(*arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


# --- Filling -------------------------------------------------------------------------------------


def _prepare(owner: psycopg.Connection[Any], slug: str, total: int) -> None:
    """The organization with its calls, added up; as an earlier run left it, if one did."""
    found = _rows(owner, "SELECT 1 FROM tenants_organization WHERE slug = {}", sql.Literal(slug))
    if not found:
        options = ["--name", slug, "--slug", slug, "--admin-email", "bench@example.com", "--json"]
        schema = json.loads(_manage("create_organization", *options))["schema"]
        _fill(owner, schema, total)
        _manage("rebuild_rollups", "--organization", slug)


def _fill(owner: psycopg.Connection[Any], schema: str, total: int) -> None:
    owner.execute("SET synchronous_commit = off")
    owner.execute("SET statement_timeout = 0")
    for first in range(1, total + 1, CHUNK):
        parts = {
            "schema": sql.Identifier(schema),
            "schema_name": sql.Literal(schema),
            "total": sql.Literal(total),
            "step": sql.Literal(DAYS * 86_400 / total),
            "first": sql.Literal(first),
            "last": sql.Literal(min(total, first + CHUNK - 1)),
        }
        owner.execute(sql.SQL(FILL).format(**parts))
        print(f"\r{min(total, first + CHUNK - 1):,} of {total:,} calls", end="", flush=True)
    print()
    owner.execute(
        sql.SQL(
            "INSERT INTO {}.agents_agent (id, retell_agent_id, retell_name, name) SELECT"
            " gen_random_uuid(), 'agent_' || n, 'Agent ' || n, '' FROM generate_series(0, 30) n"
        ).format(sql.Identifier(schema))
    )
    owner.execute(sql.SQL("VACUUM ANALYZE {}.calls_call").format(sql.Identifier(schema)))


def _rows(owner: psycopg.Connection[Any], text: str, *values: sql.Composable) -> list[Any]:
    return owner.execute(sql.SQL(text).format(*values)).fetchall()


# --- Measuring -----------------------------------------------------------------------------------


def _measure(slugs: dict[str, str], rounds: int) -> dict[str, dict[str, Measured]]:
    """Per page and organization; in turns, so that whatever else runs slows both."""
    import django

    django.setup()
    from django.db import connection, reset_queries
    from django.test.utils import CaptureQueriesContext

    clients = {name: _client(slug) for name, slug in slugs.items()}
    measured: dict[str, dict[str, Measured]] = {}
    for page, pattern in PAGES.items():
        measured[page] = {name: Measured() for name in slugs}
        for turn in range(rounds + WARM_UP):
            if any(one.statuses - {200} for one in measured[page].values()) and turn > WARM_UP:
                break  # most likely it takes as long as a statement may
            for name, (client, words) in clients.items():
                url = pattern.format(**words)
                reset_queries()  # Django keeps the last 9,000
                with CaptureQueriesContext(connection) as captured:
                    start = time.perf_counter()
                    status = client.get(url).status_code
                    seconds = time.perf_counter() - start
                measured[page][name].statuses.add(status)
                if turn >= WARM_UP:
                    measured[page][name].seconds.append(seconds)
                    measured[page][name].queries.add(len(captured))
        print(f"{page:22} {_line(measured[page])}", flush=True)
    return measured


def _client(slug: str) -> tuple[Any, dict[str, str]]:
    """A signed-in browser of the organization, and what its URLs name."""
    from datetime import timedelta

    from django.test import Client
    from django.utils import timezone

    from accounts.access import SESSION_HOST_KEY, host_key
    from accounts.actions import members
    from accounts.models import Role, User
    from accounts.sessions import SIGN_IN_KEY
    from agents.models import Agent
    from calls.models import Call
    from tenants.models import Organization
    from tenants.pin import organization_context
    from tenants.scope import door, platform

    with platform():
        organization = Organization.objects.get(slug=slug)
    email = f"{slug}@example.com"
    with door():
        user = User.objects.filter(email=email).first()
    if user is None:
        user = members.add_member(
            organization, email=email, role=Role.ADMIN, password=PASSWORD, name="Bench"
        )
    client = Client(raise_request_exception=False, HTTP_HOST=organization.host)
    with door():
        client.force_login(user)
        session = client.session
        session[SESSION_HOST_KEY] = host_key(organization)
        session[SIGN_IN_KEY] = {
            "user_id": str(user.pk),
            "organization_id": str(organization.pk),
            "limits": "member",
            "device": "Benchmark",
            "address": "127.0.0.1",
            "signed_in_at": timezone.now().isoformat(),
        }
        session.save()
    month_ago = timezone.now() - timedelta(days=30)
    with organization_context(organization):
        words = {
            "agent": str(Agent.objects.get(retell_agent_id="agent_3").pk),
            "call": Call.objects.order_by("sort_at", "id")[0].retell_call_id,
            "month_ago": f"{month_ago:%Y-%m-%dT%H:%M}",
        }
    return client, words


def _line(page: dict[str, Measured]) -> str:
    small, large = page["small"], page["large"]
    queries = "/".join(str(min(one.queries)) for one in (small, large))
    return (
        f"p95 {small.p95_ms:7.1f} ms and {large.p95_ms:7.1f} ms, {_ratio(page):5.2f} times,"
        f" {queries} queries"
    )


def _ratio(page: dict[str, Measured]) -> float:
    return page["large"].p95_ms / page["small"].p95_ms


def _report(sizes: dict[str, int], measured: dict[str, dict[str, Measured]]) -> int:
    faults = list(_faults(measured))
    print(f"{sizes['small']:,} and {sizes['large']:,} calls: {len(faults)} faults")
    for fault in faults:
        print(f"FAULT {fault}")
    return 1 if faults else 0


def _faults(measured: dict[str, dict[str, Measured]]) -> Iterator[str]:
    for name, page in measured.items():
        if _ratio(page) > MOST_RATIO:
            yield f"{name}: {_ratio(page):.2f} times as long"
        # The fewest: now and then a page notes that its session is in use.
        if min(page["small"].queries) != min(page["large"].queries):
            yield f"{name}: another number of queries"
        for size, one in page.items():
            if one.statuses != {200}:
                yield f"{name}, {size}: answers {sorted(one.statuses)}"


if __name__ == "__main__":
    sys.exit(main())
