"""What is told, to whom, and when: once, with the change, and to nobody who does not want it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import User
from analytics.rollup import adding
from calls import actions as calls_actions
from calls import news
from calls.models import Call, CallNews
from completeness import gaps
from completeness.models import Completeness, GapKind
from exports.actions import announce
from exports.tests.helpers import made, make_call
from notices.emitting import SEND_TASK, emit
from notices.models import Message, Sending, Subscription
from notices.tests.helpers import subscribed
from notices.topics import Topic
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import World
from webhooks import actions as webhooks_actions
from webhooks.models import Delivery

URL = "https://hooks.example.com/switchboard"


@pytest.fixture
def acme(world: World) -> Iterator[Organization]:
    with organization_context(world.acme):
        yield world.acme


@pytest.fixture
def alice(world: World) -> User:
    return world.people.alice


@pytest.fixture
def subscription(acme: Organization, alice: User) -> Subscription:
    found, _ = subscribed(acme, alice, URL)
    # Long enough ago that calls of these tests are news.
    Subscription.objects.update(created_at=timezone.now() - timedelta(days=1))
    return found


def told(topic: Topic) -> list[dict[str, Any]]:
    messages = Message.objects.filter(topic=topic.value).order_by("id")
    return [message.payload["data"] for message in messages]


def look(after: timedelta = timedelta(0)) -> None:
    """As the worker does each minute: add up, then look at what was written."""
    adding.add_up("UTC")
    news.announce_all(timezone.now() + after)


def new_call(number: int = 0, **values: Any) -> Call:
    now = timezone.now()
    times = {"started_at": now - timedelta(minutes=3), "ended_at": now - timedelta(minutes=2)}
    return make_call(number, **(times | values))


# --- To whom -------------------------------------------------------------------------------------


def test_when_nobody_subscribed_it_costs_one_query(acme: Organization) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert emit(Topic.EXPORT_READY, {}) is None
    assert len(queries) == 1
    assert Message.objects.count() == 0


def test_only_those_who_want_the_topic_are_told(acme: Organization, alice: User) -> None:
    subscribed(acme, alice, URL, topics=["call.final"])
    wants, _ = subscribed(acme, alice, f"{URL}/2", topics=["export.ready"])
    emit(Topic.EXPORT_READY, {})
    assert Sending.objects.get().subscription_id == wants.pk


def test_another_organizations_news_are_its_own(world: World, alice: User) -> None:
    with organization_context(world.acme):
        subscribed(world.acme, alice, URL)
    with organization_context(world.globex):
        assert emit(Topic.EXPORT_READY, {}) is None


def test_with_one_key_it_is_told_once(acme: Organization, subscription: Subscription) -> None:
    assert emit(Topic.EXPORT_READY, {}, key="a") is not None
    assert emit(Topic.EXPORT_READY, {}, key="a") is None
    assert (Message.objects.count(), Sending.objects.count()) == (1, 1)


def test_what_is_rolled_back_was_never_told(acme: Organization, subscription: Subscription) -> None:
    with transaction.atomic():
        emit(Topic.EXPORT_READY, {})
        transaction.set_rollback(True)
    assert Message.objects.count() == 0


def test_many_subscriptions_take_as_many_queries_as_one(acme: Organization, alice: User) -> None:
    counts = []
    for number in range(2):
        subscribed(acme, alice, f"{URL}/{number}")
        with CaptureQueriesContext(connection) as queries:
            emit(Topic.EXPORT_READY, {})
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_worker_is_called_after_the_commit(committed: World) -> None:
    with organization_context(committed.acme):
        subscribed(committed.acme, committed.people.alice, URL)
        for _ in range(3):
            emit(Topic.EXPORT_READY, {})
    with platform():
        jobs = ProcrastinateJob.objects.filter(task_name=SEND_TASK, status="todo")
        assert jobs.count() == 1
        assert jobs.get().queue_name == "notices"


# --- Final calls ---------------------------------------------------------------------------------


def test_a_final_call_is_told_once(acme: Organization, subscription: Subscription) -> None:
    call = new_call(cost_cents=Decimal("12.3450"))
    look()
    look()
    (data,) = told(Topic.CALL_FINAL)
    assert data["call_id"] == call.retell_call_id
    assert data["cost"] == {"amount": "0.12345", "currency": "USD"}
    assert data["is_correction"] is False


def test_it_holds_no_personal_data(acme: Organization, subscription: Subscription) -> None:
    new_call(summary="He said his name", transcript="Agent: hello")
    look()
    (data,) = told(Topic.CALL_FINAL)
    assert not {"from_number", "to_number", "summary", "transcript"} & set(data)
    assert "5550142" not in str(data)


def test_a_call_that_goes_on_is_not_told(acme: Organization, subscription: Subscription) -> None:
    call = new_call(status="ongoing", ended_at=None, call_successful=None)
    look()
    assert told(Topic.CALL_FINAL) == []
    Call.objects.filter(pk=call.pk).update(
        status="ended", ended_at=timezone.now(), call_successful=True
    )
    look()
    assert len(told(Topic.CALL_FINAL)) == 1


def test_the_analysis_is_waited_for_ten_minutes(
    acme: Organization, subscription: Subscription
) -> None:
    new_call(call_successful=None, ended_at=timezone.now())
    look()
    assert told(Topic.CALL_FINAL) == []
    look(after=timedelta(minutes=11))
    assert len(told(Topic.CALL_FINAL)) == 1


def test_what_changed_is_told_as_a_correction(
    acme: Organization, subscription: Subscription
) -> None:
    call = new_call()
    look()
    Call.objects.filter(pk=call.pk).update(cost_cents=Decimal(99))
    look()
    first, second = told(Topic.CALL_FINAL)
    assert (second["is_correction"], second["cost"]["amount"]) == (True, "0.99")
    assert first["id"] == second["id"]


def test_that_it_was_a_test_is_a_correction(acme: Organization, subscription: Subscription) -> None:
    call = new_call()
    look()
    Call.objects.filter(pk=call.pk).update(test_signal="agent tag “dev”")
    look()
    assert [data["is_billable"] for data in told(Topic.CALL_FINAL)] == [True, False]


def test_what_no_receiver_sees_is_not_told_again(
    acme: Organization, subscription: Subscription
) -> None:
    call = new_call()
    look()
    Call.objects.filter(pk=call.pk).update(summary="Another one", source="reconciled")
    look()
    assert len(told(Topic.CALL_FINAL)) == 1


def test_what_ended_before_anybody_subscribed_is_no_news(acme: Organization, alice: User) -> None:
    call = new_call()
    subscribed(acme, alice, URL)
    Call.objects.filter(pk=call.pk).update(cost_cents=Decimal(99))
    look()
    assert told(Topic.CALL_FINAL) == []


def test_when_nobody_wants_to_know_no_calls_are_remembered(acme: Organization) -> None:
    new_call()
    look()
    assert CallNews.objects.count() == 0


def test_many_calls_are_told_batch_by_batch(
    acme: Organization, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "BATCH", 3)
    for number in range(7):
        new_call(number)
    look()
    assert len({data["call_id"] for data in told(Topic.CALL_FINAL)}) == 7


# --- The other topics ----------------------------------------------------------------------------


def test_a_reclassified_call_is_told(acme: Organization, subscription: Subscription) -> None:
    call = new_call()
    decide: dict[str, Any] = {"is_billable": False, "changed_by": "Alice"}
    calls_actions.classify(call, reason="A test of ours", **decide)
    calls_actions.classify(call, reason="Still a test", **decide)
    (data,) = told(Topic.CALL_RECLASSIFIED)
    assert (data["is_billable"], data["was_billable"]) == (False, True)
    look()
    look()
    assert len(told(Topic.CALL_FINAL)) == 1


def test_a_decision_about_a_final_call_is_no_correction(
    acme: Organization, subscription: Subscription
) -> None:
    call = new_call()
    look()
    calls_actions.classify(call, is_billable=False, reason="Ours", changed_by="Alice")
    look()
    assert len(told(Topic.CALL_FINAL)) == 1


def test_a_ready_export_is_told_once(
    acme: Organization, alice: User, subscription: Subscription
) -> None:
    new_call()
    export = made(acme, alice)
    announce(export, acme)
    (data,) = told(Topic.EXPORT_READY)
    assert (data["id"], data["rows"]) == (str(export.pk), 1)


def test_new_gaps_are_told_in_one_message(acme: Organization, subscription: Subscription) -> None:
    gaps.note(GapKind.UNREADABLE, {"call_1": "no", "call_2": "no"})
    gaps.note(GapKind.UNREADABLE, {"call_1": "no", "call_2": "no", "call_3": "no"})
    first, second = told(Topic.COMPLETENESS_GAP)
    assert (first["count"], first["items"]) == (2, ["call_1", "call_2"])
    assert second["items"] == ["call_3"]


def test_lateness_is_told_once_for_as_long_as_it_lasts(
    acme: Organization, subscription: Subscription
) -> None:
    now = timezone.now()
    Completeness.objects.create(pk=1, complete_until=now - timedelta(minutes=30))
    gaps.tell_if_late(now)
    assert told(Topic.COMPLETENESS_GAP) == []
    for minutes in (20, 30, 40):
        gaps.tell_if_late(now + timedelta(minutes=minutes))
    (data,) = told(Topic.COMPLETENESS_GAP)
    assert data["kind"] == "late"


def receive(world: World, body: bytes) -> None:
    webhooks_actions.receive(world.endpoints["acme"], body, received_at=timezone.now())


def test_a_quarantined_delivery_is_told_once(
    world: World, acme: Organization, subscription: Subscription
) -> None:
    receive(world, b"no json")
    receive(world, b"no json")
    (data,) = told(Topic.DELIVERY_QUARANTINED)
    assert data["id"] == str(Delivery.objects.get().pk)
    assert data["reason"] == "not_json"


def jobs_of_sending() -> int:
    with platform():
        return ProcrastinateJob.objects.filter(task_name=SEND_TASK).count()


def test_the_door_enqueues_nothing(committed: World) -> None:
    with organization_context(committed.acme):
        subscribed(committed.acme, committed.people.alice, URL)
    before = jobs_of_sending()
    receive(committed, b"no json")
    with organization_context(committed.acme):
        assert len(told(Topic.DELIVERY_QUARANTINED)) == 1
    assert jobs_of_sending() == before


def test_a_delivery_that_stays_in_quarantine_is_not_told_again(
    world: World, acme: Organization, subscription: Subscription
) -> None:
    receive(world, b"no json")
    webhooks_actions.apply_again(Delivery.objects.get(), organization=acme)
    assert len(told(Topic.DELIVERY_QUARANTINED)) == 1


# --- Documentation -------------------------------------------------------------------------------


def documented() -> dict[str, set[str]]:
    """Fields of `data` by type, as docs/notices.md shows them."""
    text = (Path(settings.BASE_DIR) / "docs" / "notices.md").read_text()
    examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    found: dict[str, set[str]] = {}
    for example in examples:
        found.setdefault(example["type"], set(example["data"]))
    return found


def test_the_documentation_shows_each_topic_as_it_is_sent(
    world: World, acme: Organization, alice: User, subscription: Subscription
) -> None:
    call = new_call()
    calls_actions.classify(call, is_billable=False, reason="Ours", changed_by="Alice")
    look()
    made(acme, alice)
    gaps.note(GapKind.UNREADABLE, {"call_1": "no"})
    receive(world, b"no json")
    sent = {message.topic: set(message.payload["data"]) for message in Message.objects.all()}
    assert documented() == sent
    assert set(sent) == set(Topic.values)
