"""`/metrics`: what the processes of this host counted, and what is measured of the whole product.

Every host of an installation answers with its own counts; what is measured is the same on each.
An organization is named by its schema, which says nothing about it; of many, those are named that
need somebody most.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Max, Sum
from django.utils import timezone
from django_redis import get_redis_connection
from prometheus_client import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from redis.exceptions import RedisError

from config import presence
from config.metrics import own_metrics
from operations.backups.querysets import latest_backup
from operations.certificates import EXPIRY_KEY
from operations.health import host, work
from operations.health.ready import measurements
from operations.health.rounds import Rounds
from operations.models import OrganizationHealth
from tenants.models import OrganizationStatus
from tenants.scope import platform

MOST = 200  # organizations that one metric names

# Name → (what it is, labels). Names that end in `_total` only ever grow.
MEASURED: dict[str, tuple[str, tuple[str, ...]]] = {
    "switchboard_release": ("What runs here; always 1.", ("release",)),
    "switchboard_check": ("1 where /health/ready is well, 0 where it is not.", ("check",)),
    "switchboard_processes": ("Processes that gave a sign lately.", ("kind",)),
    "switchboard_worker_silence_seconds": ("Since a worker last gave a sign.", ()),
    "switchboard_scheduler_silence_seconds": ("Since a periodic job was last enqueued.", ()),
    "switchboard_queue_age_seconds": ("For which the oldest due job waits.", ("queue",)),
    "switchboard_queue_jobs": ("Jobs that are due.", ("queue",)),
    "switchboard_failed_jobs": ("Jobs that failed and were not discarded.", ()),
    "switchboard_quarantine_size": ("Deliveries in quarantine, of all organizations.", ()),
    "switchboard_unapplied_deliveries": ("Stored deliveries that are not applied.", ()),
    "switchboard_organization_quarantine_size": ("Deliveries in quarantine.", ("organization",)),
    "switchboard_organization_unapplied_age_seconds": (
        "Since the oldest delivery came that is not applied.",
        ("organization",),
    ),
    "switchboard_organization_completeness_gap_seconds": (
        "Since the moment up to which all calls are known to be here.",
        ("organization",),
    ),
    "switchboard_organizations_measured_age_seconds": (
        "Since the worker last measured an organization.",
        (),
    ),
    "switchboard_backup_age_seconds": ("Since the newest good backup was begun.", ()),
    "switchboard_certificate_days": ("Until the certificate of PUBLIC_BASE_URL expires.", ()),
    "switchboard_disk_free_bytes": ("Room where the product writes.", ("files",)),
    "switchboard_disk_size_bytes": ("Size of the disk it writes to.", ("files",)),
    "switchboard_cache_hits_total": ("Questions the cache knew an answer to.", ()),
    "switchboard_cache_misses_total": ("Questions it did not.", ()),
    "switchboard_cache_memory_bytes": ("Memory that the cache uses.", ()),
}


class Sample(NamedTuple):
    name: str
    value: float
    labels: tuple[str, ...] = ()


def exposition() -> bytes:
    """Everything, in Prometheus's text format."""
    collected: Any = _Collected([*own_metrics(), *families(_samples.look())])
    return generate_latest(collected)


@dataclass(frozen=True)
class _Collected:
    """As much of a registry as `generate_latest` asks for."""

    metrics: list[Metric] = field(default_factory=list)

    def collect(self) -> list[Metric]:
        return self.metrics


def families(samples: Iterable[Sample]) -> list[Metric]:
    """Every name, also those of which nothing is known now."""
    found: dict[str, Any] = {}
    for name, (text, labels) in MEASURED.items():
        kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
        found[name] = kind(name, text, labels=labels)
    for sample in samples:
        found[sample.name].add_metric(sample.labels, sample.value)
    return list(found.values())


def _measure() -> Iterator[Sample]:
    """Sources that do not answer leave theirs out; the alerts know what that means."""
    yield Sample("switchboard_release", 1, (settings.RELEASE,))
    for source in SOURCES:
        try:
            with platform():
                yield from list(source())
        except (DatabaseError, InterfaceError, RedisError, OSError):
            continue


_samples = Rounds(_measure)


def _checks() -> Iterator[Sample]:
    for one in measurements.look():
        yield Sample("switchboard_check", one.is_well, (one.code,))


def _disks() -> Iterator[Sample]:
    for name, (free, size) in host.disks().items():
        yield Sample("switchboard_disk_free_bytes", free, (name,))
        yield Sample("switchboard_disk_size_bytes", size, (name,))


def _redis() -> Iterator[Sample]:
    info = get_redis_connection().info()
    yield Sample("switchboard_cache_hits_total", info["keyspace_hits"])
    yield Sample("switchboard_cache_misses_total", info["keyspace_misses"])
    yield Sample("switchboard_cache_memory_bytes", info["used_memory"])
    kinds = Counter(one.kind for one in presence.everyone())
    for kind in ("web", "live", "worker"):
        yield Sample("switchboard_processes", kinds[kind], (kind,))
    expiry = cache.get(EXPIRY_KEY)
    if expiry is not None:
        yield Sample("switchboard_certificate_days", (expiry - time.time()) / 86_400)


def _work() -> Iterator[Sample]:
    """Nobody there is silence without end."""
    silence = {
        "switchboard_worker_silence_seconds": work.worker_silence(),
        "switchboard_scheduler_silence_seconds": work.scheduler_silence(),
    }
    for name, seconds in silence.items():
        yield Sample(name, math.inf if seconds is None else seconds)
    queues = dict.fromkeys(("default", "owner", "backups", "notices"), (0, 0.0))
    queues |= {name: (number, age) for name, number, age in work.due_jobs()}
    for name, (number, age) in queues.items():
        yield Sample("switchboard_queue_age_seconds", age, (name,))
        yield Sample("switchboard_queue_jobs", number, (name,))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'")
        (failed,) = cursor.fetchone() or (0,)
    yield Sample("switchboard_failed_jobs", failed)


def _backups() -> Iterator[Sample]:
    """None at all is older than any."""
    newest = latest_backup()
    since = newest.snapshot_at if newest else None
    age = (timezone.now() - since).total_seconds() if since else math.inf
    yield Sample("switchboard_backup_age_seconds", age)


def _organizations() -> Iterator[Sample]:
    now = timezone.now()
    measured = OrganizationHealth.objects.exclude(organization__status=OrganizationStatus.DELETED)
    total = measured.aggregate(
        quarantine=Sum("in_quarantine"), unapplied=Sum("unapplied"), newest=Max("measured_at")
    )
    yield Sample("switchboard_quarantine_size", total["quarantine"] or 0)
    yield Sample("switchboard_unapplied_deliveries", total["unapplied"] or 0)
    if total["newest"] is not None:
        age = (now - total["newest"]).total_seconds()
        yield Sample("switchboard_organizations_measured_age_seconds", age)
    worst = measured.order_by("-in_quarantine").filter(in_quarantine__gt=0)
    for name, number in worst.values_list("organization__schema_name", "in_quarantine")[:MOST]:
        yield Sample("switchboard_organization_quarantine_size", number, (name,))
    connected = measured.filter(is_connected=True, organization__status=OrganizationStatus.ACTIVE)
    yield from _ages(measured, "unapplied_since", "unapplied_age_seconds")
    yield from _ages(connected, "complete_until", "completeness_gap_seconds")


def _ages(measured: Any, column: str, name: str) -> Iterator[Sample]:
    """Of the organizations where this was longest ago."""
    oldest = measured.exclude(**{column: None}).order_by(column)
    now = timezone.now()
    for schema, since in oldest.values_list("organization__schema_name", column)[:MOST]:
        age = (now - since).total_seconds()
        yield Sample(f"switchboard_organization_{name}", age, (schema,))


SOURCES: tuple[Callable[[], Iterator[Sample]], ...] = (
    _disks,
    _redis,
    _work,
    _organizations,
    _backups,
    _checks,
)
