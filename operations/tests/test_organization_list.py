"""The operator's list of organizations, read from shared tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analytics.rollup import adding
from calls.models import Call
from operations import measuring
from operations.models import HealthLevel, OrganizationHealth, UsageDay
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.retell import body_of, receive


@pytest.fixture
def sam(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.sam)


def measure(organization: Organization) -> OrganizationHealth:
    with organization_context(organization):
        adding.add_up(organization.time_zone)
        measuring.measure(organization)
    with platform():
        return OrganizationHealth.objects.get(pk=organization.pk)


def others(number: int) -> None:
    """More organizations, measured; without schemas, which the list must not need."""
    now = timezone.now()
    with platform():
        made = Organization.objects.bulk_create(
            Organization(name=f"Client {at:03d}", slug=f"client-{at}", status="active")
            for at in range(number)
        )
        OrganizationHealth.objects.bulk_create(
            OrganizationHealth(
                organization=one, measured_at=now, level="warn" if at % 2 else "ok",
                last_event_at=now - timedelta(minutes=at), is_connected=True, has_gap=False,
                quarantined=at, failed=0, refused=0, findings=0, findings_tone="",
            )
            for at, one in enumerate(made)
        )  # fmt: skip
        UsageDay.objects.bulk_create(
            UsageDay(
                organization=one, day=now.date(), calls=at, test_calls=0, duration_ms=0,
                cost_cents=Decimal(100 * at),
            )
            for at, one in enumerate(made)
        )  # fmt: skip


def names(client: CanaryClient, query: str = "") -> list[str]:
    return [row.organization.name for row in client.get(f"/?{query}").context["rows"]]


def queries(client: CanaryClient) -> list[str]:
    with CaptureQueriesContext(connections["default"]) as captured:
        assert client.get("/").status_code == 200
    return [query["sql"] for query in captured if query["sql"].startswith("SELECT")]


def test_two_and_fifty_organizations_take_the_same_queries(sam: CanaryClient) -> None:
    queries(sam)  # fills the cache of allowed networks
    before = queries(sam)
    others(60)
    assert len(queries(sam)) == len(before)


def test_no_schema_of_an_organization_is_entered(sam: CanaryClient, world: World) -> None:
    with CaptureQueriesContext(connections["default"]) as captured:
        sam.get("/")
    schemas = {world.acme.schema_name, world.globex.schema_name}
    assert not [q["sql"] for q in captured if any(name in q["sql"] for name in schemas)]


def test_calls_cost_and_errors_of_an_organization_are_shown(
    sam: CanaryClient, world: World
) -> None:
    with organization_context(world.acme):
        Call.objects.create(retell_call_id="call_1", started_at=timezone.now(), cost_cents=250)
        Call.objects.create(
            retell_call_id="call_2", started_at=timezone.now(), test_signal="metadata"
        )
    receive(world, b"not json")
    measure(world.acme)
    row = next(row for row in sam.get("/").context["rows"] if row.organization == world.acme)
    assert (row.calls, row.cost_cents, row.health.quarantined, row.users) == (2, 250, 1, 2)
    assert row.bars[-1] == 2
    with platform():
        assert UsageDay.objects.get().test_calls == 1


def test_the_newest_event_is_known(world: World) -> None:
    receive(world, body_of())
    assert measure(world.acme).last_event_at is not None


def test_days_whose_calls_are_gone_are_gone(world: World) -> None:
    with organization_context(world.acme):
        Call.objects.create(retell_call_id="call_1", started_at=timezone.now())
    measure(world.acme)
    with organization_context(world.acme):
        Call.objects.all().delete()
    measure(world.acme)
    with platform():
        assert not UsageDay.objects.exists()


def test_measuring_the_first_time_counts_days_of_long_ago(world: World) -> None:
    with organization_context(world.acme):
        Call.objects.create(
            retell_call_id="call_1", started_at=timezone.now() - timedelta(days=200)
        )
    measure(world.acme)
    with platform():
        assert UsageDay.objects.get().calls == 1


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, HealthLevel.OK),
        ({"refused": 1}, HealthLevel.WARN),
        ({"findings": 1, "findings_tone": "warn"}, HealthLevel.WARN),
        ({"findings": 1, "findings_tone": "bad"}, HealthLevel.BAD),
        ({"has_gap": True, "refused": 1}, HealthLevel.BAD),
        ({"is_connected": False}, HealthLevel.IDLE),
        (
            {"is_connected": False, "last_event_at": datetime(2026, 1, 1, tzinfo=UTC)},
            HealthLevel.OK,
        ),
    ],
)
def test_the_level_is_the_worst_thing_known(changes: dict[str, object], level: HealthLevel) -> None:
    well = {
        "is_connected": True, "last_event_at": None, "has_gap": False, "quarantined": 0,
        "failed": 0, "refused": 0, "findings": 0, "findings_tone": "",
    }  # fmt: skip
    assert measuring._level(OrganizationHealth(**{**well, **changes})) is level


@pytest.mark.parametrize(
    ("sort", "first"),
    [("", "Acme"), ("calls", "Client 004"), ("cost", "Client 004"), ("errors", "Client 004"),
     ("last_event", "Client 000"), ("nonsense", "Acme")],
)  # fmt: skip
def test_the_list_is_sorted_by(sam: CanaryClient, sort: str, first: str) -> None:
    others(5)
    assert names(sam, f"sort={sort}")[0] == first


@pytest.mark.parametrize(
    ("query", "count"),
    [("q=client", 5), ("q=CLIENT-3", 1), ("status=suspended", 0), ("health=warn", 2),
     ("health=ok&q=client", 3), ("q=nobody", 0)],
)  # fmt: skip
def test_the_list_is_narrowed_to(sam: CanaryClient, query: str, count: int) -> None:
    others(5)
    assert len(names(sam, query)) == count


def test_the_second_page_keeps_sort_and_filter(sam: CanaryClient) -> None:
    others(60)
    page = sam.get("/?sort=calls&q=client").context["page"]
    assert page["older_url"] == "/?sort=calls&q=client&page=2"
    assert len(names(sam, "sort=calls&q=client&page=2")) == 10


def test_the_page_of_one_shows_the_same(sam: CanaryClient, world: World) -> None:
    with organization_context(world.acme):
        Call.objects.create(retell_call_id="call_1", started_at=timezone.now(), cost_cents=250)
    measure(world.acme)
    page = sam.get(f"/organizations/{world.acme.pk}/")
    assert page.context["glance"].calls == 1
    assert "$2.50" in page.content.decode()


def test_an_organization_that_was_not_measured_yet_has_a_page(
    sam: CanaryClient, world: World
) -> None:
    assert sam.get(f"/organizations/{world.globex.pk}/").status_code == 200
