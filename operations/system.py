"""What the system page shows: read from shared tables and Redis, a few queries for any number."""

from __future__ import annotations

import platform as interpreter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import django
from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from config import presence
from config.presence import Process
from config.scrubbing import clean
from config.templatetags.formats import number
from operations import listing
from operations.api.cache import statistics
from operations.backups.schedule import BACKUP_QUEUE
from operations.failed_jobs import failed
from operations.health import MEASUREMENTS, Measurement, work
from operations.health.measurement import span
from operations.health.ready import measurements
from operations.models import OrganizationHealth

T = TypeVar("T")

A_PAGE = 50
SHOWN_JOBS = 25
SHOWN_QUERIES = 10
QUEUES = ("default", "owner", BACKUP_QUEUE)


def checks() -> list[Measurement]:
    """All of them, in their order; what is not known in time is not well."""
    known = {one.code: one for one in measurements.look()}
    unknown = _("It could not be measured in time.")
    return [
        known.get(code, Measurement(code, is_well=False, found=unknown)) for code in MEASUREMENTS
    ]


def processes() -> list[Process] | None:
    """None when Redis, where they say that they are there, does not answer."""
    return _of_redis(presence.everyone)


def cache() -> dict[str, Any] | None:
    return _of_redis(lambda: statistics(get_redis_connection().info()))


def _of_redis(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except (RedisError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class Queue:
    name: str
    due: int
    oldest: str
    running: int
    tone: str


def queues() -> list[Queue]:
    """Those of the product, and others that have jobs."""
    waiting = {name: (due, age) for name, due, age in work.due_jobs()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT queue_name, count(*) FROM procrastinate_jobs WHERE status = 'doing' GROUP BY 1"
        )
        running = dict(cursor.fetchall())
    found = []
    for name in sorted({*QUEUES, *waiting, *running}):
        due, age = waiting.get(name, (0, 0.0))
        tone = "bad" if age > work.QUEUE_SECONDS else "ok"
        found.append(Queue(name, due, span(age) if due else "", running.get(name, 0), tone))
    return found


def failed_jobs() -> dict[str, Any]:
    jobs = failed()
    return {"jobs": jobs[:SHOWN_JOBS], "number": jobs.count()}


def organizations(request: HttpRequest) -> Page[OrganizationHealth]:
    """With what was measured of their deliveries and of their size; the largest first."""
    measured = OrganizationHealth.objects.select_related("organization")
    found = measured.order_by("-size_bytes", "organization__name", "pk")
    return Paginator(found, A_PAGE).get_page(request.GET.get("page"))


def database_bytes() -> int:
    """Of all schemas, with indexes. Asking PostgreSQL for the whole takes a right that the role of
    these pages lacks, and adding every table up takes long with many organizations."""
    measured = OrganizationHealth.objects.aggregate(size=Sum("size_bytes"))["size"] or 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm')"
        )
        (shared,) = cursor.fetchone() or (0,)
    return int(measured + shared)


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """Times are milliseconds; `text` has places instead of values."""

    text: str
    calls: int
    mean_ms: float
    total_ms: float


def slow_queries() -> list[SlowQuery] | None:
    """Those that took the most time together; None where PostgreSQL does not keep count."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT left(s.query, 300), s.calls, s.mean_exec_time, s.total_exec_time"
                " FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
                " WHERE d.datname = current_database() AND s.query NOT LIKE '<%%'"
                " ORDER BY s.total_exec_time DESC LIMIT %s",
                [SHOWN_QUERIES],
            )
            return [SlowQuery(clean(text), *rest) for text, *rest in cursor.fetchall()]
    except DatabaseError:  # no such view: the extension is not there, or not loaded
        return None


def versions() -> list[tuple[str, str, bool]]:
    """For `components/facts.html`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        (postgresql,) = cursor.fetchone() or ("",)
    info = _of_redis(lambda: get_redis_connection().info("server")) or {}
    redis = info.get("valkey_version") or info.get("redis_version") or ""
    return [
        ("Switchboard", settings.RELEASE, False),
        ("Python", interpreter.python_version(), False),
        ("Django", django.get_version(), False),
        ("PostgreSQL", postgresql, False),
        ("Redis, Valkey", redis, False),
    ]


def kpis(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    well = sum(one.is_well for one in state["checks"])
    cached = state["cache"]
    rate = cached["hit_rate"] if cached else None
    total = listing.kpis()
    errors = next(kpi for kpi in total if kpi["label"] == _("Errors today"))
    return [
        {"label": _("Checks that are well"), "value": f"{well} / {len(state['checks'])}"},
        {"label": _("Jobs that are due"), "value": number(sum(q.due for q in state["queues"]))},
        {"label": _("Failed jobs"), "value": number(state["failed"]["number"]), "url": "#failed"},
        errors,
        {"label": _("Cache hits"), "value": "—" if rate is None else f"{number(rate * 100, 1)} %"},
        {"label": _("Database"), "value": filesizeformat(database_bytes())},
    ]


def state() -> dict[str, Any]:
    """What changes from moment to moment."""
    found: dict[str, Any] = {
        "checks": checks(),
        "processes": processes(),
        "queues": queues(),
        "failed": failed_jobs(),
        "cache": cache(),
    }
    return found | {"kpis": kpis(found)}
