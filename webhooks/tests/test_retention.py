"""Raw bodies go after the days their organization keeps them; the rows stay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Entry
from calls.models import Call
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import ClientFactory, World
from testing.retell import body_of, places_of, receive
from webhooks import actions, retention, tasks
from webhooks.models import Delivery, Retention


def of_age(world: World, days: float, call_id: str) -> None:
    when = timezone.now() - timedelta(days=days)
    body = body_of(call_id=call_id, transcript=f"said in {call_id}")
    actions.receive(world.endpoints["acme"], body, received_at=when, headers={"User-Agent": "a"})


def kept() -> list[str]:
    return [row.subject_id for row in Delivery.objects.order_by("id") if bytes(row.body)]


@pytest.fixture
def three(world: World) -> World:
    for days in (100, 89, 0.5):
        of_age(world, days, f"call_{days}")
    return world


def test_a_body_goes_after_ninety_days_unless_somebody_decides(
    three: World, in_acme: Organization
) -> None:
    assert retention.remove_old_bodies() == 1
    assert kept() == ["call_89", "call_0.5"]


def test_what_it_led_to_stays(three: World, in_acme: Organization) -> None:
    before = list(Call.objects.order_by("pk").values())
    retention.remove_old_bodies()
    gone = Delivery.objects.get(subject_id="call_100")
    assert (gone.state, gone.headers, gone.size_bytes > 0) == ("applied", None, True)
    assert gone.body_removed_at is not None
    assert list(Call.objects.order_by("pk").values()) == before


def test_nothing_of_a_removed_body_is_left(three: World, in_acme: Organization) -> None:
    Call.objects.all().delete()
    retention.remove_old_bodies()
    assert places_of(three, "said in call_100") == []
    assert places_of(three, "said in call_89") == ["webhooks_delivery.body"]


def test_bodies_kept_for_ever_stay(three: World, in_acme: Organization) -> None:
    retention.change(None)
    assert retention.remove_old_bodies() == 0
    assert len(kept()) == 3


def test_a_shorter_time_reaches_back_to_the_next_ones(three: World, in_acme: Organization) -> None:
    retention.remove_old_bodies()
    retention.change(30)
    assert retention.remove_old_bodies() == 1
    assert kept() == ["call_0.5"]


def test_a_longer_time_brings_nothing_back_and_takes_nothing(
    three: World, in_acme: Organization
) -> None:
    retention.remove_old_bodies()
    retention.change(365)
    assert retention.remove_old_bodies() == 0
    assert len(kept()) == 2


def test_it_goes_batch_by_batch_to_the_end(
    three: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    retention.change(1)
    assert retention.remove_old_bodies() == 2
    assert kept() == ["call_0.5"]


def test_a_run_that_has_no_time_left_is_continued_by_the_next(
    three: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention.change(1)
    monkeypatch.setattr(retention, "BATCH", 1)
    clock = iter([0, 0, 601, 0, 0, 0, 0])
    monkeypatch.setattr("webhooks.retention.time.monotonic", lambda: next(clock))
    assert retention.remove_old_bodies() == 1
    assert retention.remove_old_bodies() == 1


def test_the_next_run_does_not_look_through_everything_again(
    three: World, in_acme: Organization
) -> None:
    retention.remove_old_bodies()
    row = Retention.current()
    assert row.bodies_removed_before is not None
    assert row.bodies_removed_before > timezone.now() - timedelta(days=90, minutes=1)
    assert 'id" >= ' in str(retention.due_bodies(row, 90).query)


def test_a_failed_delivery_without_a_body_is_not_tried_again(
    three: World, in_acme: Organization
) -> None:
    Delivery.objects.update(state="failed", retry_at=timezone.now() - timedelta(minutes=1))
    retention.remove_old_bodies()
    tasks._retry(in_acme)
    gone = Delivery.objects.get(subject_id="call_100")
    assert (gone.state, gone.attempts, gone.retry_at) == ("failed", 1, None)
    assert Delivery.objects.get(subject_id="call_89").state == "applied"


def test_bodies_go_by_the_decision_of_their_own_organization(world: World) -> None:
    of_age(world, 100, "call_1")
    with organization_context(world.globex):
        retention.change(None)
        assert retention.remove_old_bodies() == 0
    with organization_context(world.acme):
        assert retention.remove_old_bodies() == 1


def test_the_nightly_job_visits_every_organization(committed: World) -> None:
    of_age(committed, 100, "call_1")
    tasks.remove_old_bodies(0)
    with organization_context(committed.acme):
        assert kept() == []
        Retention.objects.all().delete()


# --- The page ------------------------------------------------------------------------------------


def save(world: World, browser_of: ClientFactory, **data: Any) -> str:
    alice = browser_of(world.people.alice, world.acme)
    response = alice.post("/settings/retention/", data, follow=True)
    return str(response.content.decode())


def days_of(world: World) -> int | None:
    with organization_context(world.acme):
        return Retention.current().raw_body_days


def test_an_admin_keeps_them_longer(world: World, browser_of: ClientFactory) -> None:
    assert "Retention was saved." in save(world, browser_of, keep="days", days="365")
    assert days_of(world) == 365
    with organization_context(world.acme):
        entry = Entry.objects.latest("sequence")
    assert entry.sentence == (
        "Alice changed how long raw bodies are kept from “90 days” to “365 days”"
    )


def test_an_admin_keeps_them_for_ever(world: World, browser_of: ClientFactory) -> None:
    save(world, browser_of, keep="always", days="0")
    assert days_of(world) is None


def test_shortening_says_how_many_go_and_asks_first(
    three: World, browser_of: ClientFactory
) -> None:
    page = save(three, browser_of, keep="days", days="10")
    assert "Remove 2 bodies" in page
    assert days_of(three) == 90
    save(three, browser_of, keep="days", days="10", confirmed="10")
    assert days_of(three) == 10


def test_a_yes_to_another_number_is_none(three: World, browser_of: ClientFactory) -> None:
    save(three, browser_of, keep="days", days="10", confirmed="30")
    assert days_of(three) == 90


@pytest.mark.parametrize("days", ["0", "3651", "", "-1", "ten", "1e3"])
def test_a_number_of_days_that_is_none_is_refused(
    world: World, browser_of: ClientFactory, days: str
) -> None:
    save(world, browser_of, keep="days", days=days)
    assert days_of(world) == 90


def test_the_page_of_a_delivery_says_that_its_body_is_gone(
    three: World, browser_of: ClientFactory
) -> None:
    with organization_context(three.acme):
        retention.remove_old_bodies()
        url = Delivery.objects.get(subject_id="call_100").get_absolute_url()
    page = browser_of(three.people.alice, three.acme).get(url).content.decode()
    assert "Removed on" in page
    assert "Apply again" not in page
    receive(three, body_of(call_id="call_100", transcript="said in call_100"))
