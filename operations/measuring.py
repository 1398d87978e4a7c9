"""Measures each organization for the operator's pages, which read shared tables only."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Min
from django.utils import timezone

from agents import guardian
from agents.guardian import Severity
from analytics.rollup import reading
from analytics.rollup.reading import BILLABLE, SLICE
from completeness import presentation as completeness
from config.periods import MOST_DAYS, MOST_DAYS_BY_DAY, Period, start_of_day
from operations.models import HealthLevel, OrganizationHealth, UsageDay
from tenants.models import Organization
from tenants.scope import platform
from webhooks import refusals
from webhooks.models import Delivery, DeliveryState

# What is shown; calls of longer ago change seldom, and are measured once a day.
RECENT_DAYS = 15


def measure(organization: Organization) -> None:
    """Its health and last days, inside its context; all of its days the first time."""
    health = _health(organization)
    with platform():
        is_first = not OrganizationHealth.objects.filter(pk=organization.pk).exists()
    days = MOST_DAYS if is_first else RECENT_DAYS
    usage = _usage(organization, days)
    with platform(), transaction.atomic():
        fields = [field.name for field in health._meta.concrete_fields if not field.primary_key]
        OrganizationHealth.objects.bulk_create(
            [health], update_conflicts=True, unique_fields=["organization"], update_fields=fields
        )
        _store(organization, usage, days=days)


def measure_long_ago(organization: Organization) -> None:
    """All days of two years, inside its context."""
    usage = _usage(organization, MOST_DAYS)
    with platform(), transaction.atomic():
        _store(organization, usage, days=MOST_DAYS)


def _health(organization: Organization) -> OrganizationHealth:
    now = timezone.now()
    midnight = start_of_day(now.astimezone(organization.zone).date(), organization.zone)
    newest = Delivery.objects.order_by("-id").only("received_at").first()
    status = completeness.status()
    today = Delivery.objects.received_from(midnight)
    found = guardian.findings(organization_id=organization.pk)
    wanted = [finding.severity for finding in found if finding.needs_attention]
    health = OrganizationHealth(
        organization=organization,
        measured_at=now,
        last_event_at=newest.received_at if newest else None,
        is_connected=status.is_connected,
        complete_until=status.until,
        has_gap=status.has_gap,
        received=today.count(),
        quarantined=today.filter(state=DeliveryState.QUARANTINED).count(),
        failed=today.filter(state=DeliveryState.FAILED).count(),
        refused=_refused(organization, midnight),
        findings=len(wanted),
        findings_tone=min(wanted, key=list(Severity).index).tone if wanted else "",
        **_not_applied(now),
        size_bytes=_size_bytes(organization),
    )
    health.level = _level(health)
    return health


def _not_applied(now: datetime) -> dict[str, Any]:
    failed = Delivery.objects.filter(state=DeliveryState.FAILED)
    return {
        "in_quarantine": Delivery.objects.filter(state=DeliveryState.QUARANTINED).count(),
        **failed.aggregate(unapplied=Count("pk"), unapplied_since=Min("received_at")),
        **Delivery.objects.filter(retry_at__lte=now).aggregate(overdue_since=Min("retry_at")),
    }


def _size_bytes(organization: Organization) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind IN ('r', 'm')",
            [organization.schema_name],
        )
        (size,) = cursor.fetchone() or (0,)
    return int(size)


def _level(health: OrganizationHealth) -> HealthLevel:
    if health.has_gap or health.findings_tone == "bad":
        return HealthLevel.BAD
    if health.errors or health.findings:
        return HealthLevel.WARN
    is_used = health.is_connected or health.last_event_at is not None
    return HealthLevel.OK if is_used else HealthLevel.IDLE


def _refused(organization: Organization, midnight: datetime) -> int:
    """By whole hours, as they are counted."""
    counted = refusals.by_hour(organization.schema_name)
    begun = midnight.replace(minute=0)
    return sum(
        number
        for numbers in counted.by_cause.values()
        for hour, number in zip(counted.hours, numbers, strict=True)
        if hour >= begun
    )


def _usage(organization: Organization, days: int) -> dict[date, UsageDay]:
    """Days with calls, of this many up to today."""
    last = timezone.now().astimezone(organization.zone).date()
    found: dict[date, UsageDay] = {}
    for back in range(0, days, MOST_DAYS_BY_DAY):
        until = last - timedelta(days=back)
        since = max(until - timedelta(days=MOST_DAYS_BY_DAY - 1), last - timedelta(days=days - 1))
        period = Period("", since, until, organization.zone)
        for row in reading.sums(period, by=(SLICE, BILLABLE)):
            day = period.days[row["group_1"] - 1]
            _add(found.setdefault(day, _empty(organization, day)), row)
    return found


def _empty(organization: Organization, day: date) -> UsageDay:
    return UsageDay(
        organization=organization, day=day, calls=0, test_calls=0, duration_ms=0,
        cost_cents=Decimal(0),
    )  # fmt: skip


def _add(usage: UsageDay, row: dict[str, Any]) -> None:
    usage.calls += row["calls"]
    usage.test_calls += 0 if row["group_2"] else row["calls"]
    usage.duration_ms += row["duration_ms"]
    usage.cost_cents += row["cost_cents"]


def _store(organization: Organization, usage: dict[date, UsageDay], *, days: int) -> None:
    """Make the last `days` those of `usage`, writing only what is different."""
    since = timezone.now().astimezone(organization.zone).date() - timedelta(days=days - 1)
    known = UsageDay.objects.filter(organization=organization, day__gte=since)
    known.exclude(day__in=list(usage)).delete()
    before = {row.day: row.figures for row in known}
    UsageDay.objects.bulk_create(
        [row for day, row in usage.items() if before.get(day) != row.figures],
        update_conflicts=True,
        unique_fields=["organization", "day"],
        update_fields=["calls", "test_calls", "duration_ms", "cost_cents"],
    )
