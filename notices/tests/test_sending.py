"""What reaches a receiver, and what its answers lead to."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from standardwebhooks import Webhook, WebhookVerificationError

from audit.models import Entry
from notices import actions, schedule, sending, tasks
from notices.emitting import emit
from notices.models import Attempt, DisabledReason, Message, Sending, Subscription
from notices.tests.helpers import loopback, make_due, subscribed, turn  # noqa: F401
from notices.topics import Topic
from tenants.models import Organization, OrganizationStatus
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import World
from testing.receivers import Receiver, receiver_host

pytestmark = pytest.mark.usefixtures("loopback")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiver_host() as host:
        yield host


@pytest.fixture
def acme(world: World) -> Iterator[Organization]:
    with organization_context(world.acme):
        yield world.acme


@pytest.fixture
def subscription(world: World, acme: Organization, receiver: Receiver) -> Subscription:
    return subscribed(acme, world.people.alice, receiver.url)[0]


def tell(**data: Any) -> Message:
    message = emit(Topic.EXPORT_READY, {"id": "1"} | data)
    assert message is not None
    return message


def test_the_librarys_verifier_accepts_what_is_sent(
    world: World, acme: Organization, receiver: Receiver
) -> None:
    subscription, secret = subscribed(acme, world.people.alice, receiver.url)
    message = tell(name="Ürün – 電話")
    turn(acme, subscription)
    (received,) = receiver.received
    payload = Webhook(secret).verify(received.body, received.headers)
    assert payload == message.payload
    assert payload["type"] == "export.ready"
    assert payload["data"]["name"] == "Ürün – 電話"
    assert received.headers["webhook-id"] == str(message.pk)
    assert Sending.objects.get().state == "delivered"


def test_while_a_secret_is_exchanged_both_verify(
    world: World, acme: Organization, receiver: Receiver
) -> None:
    subscription, old = subscribed(acme, world.people.alice, receiver.url)
    new = actions.rotate_secret(subscription, acme)
    tell()
    turn(acme, subscription)
    (received,) = receiver.received
    assert len(received.headers["webhook-signature"].split()) == 2
    for secret in (old, new):
        assert Webhook(secret).verify(received.body, received.headers)["type"] == "export.ready"


def test_after_the_overlap_only_the_new_secret_verifies(
    world: World, acme: Organization, receiver: Receiver
) -> None:
    subscription, old = subscribed(acme, world.people.alice, receiver.url)
    new = actions.rotate_secret(subscription, acme)
    Subscription.objects.update(previous_secret_expires_at=timezone.now() - timedelta(seconds=1))
    tell()
    turn(acme, subscription)
    (received,) = receiver.received
    Webhook(new).verify(received.body, received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(received.body, received.headers)


def test_a_failed_message_comes_again_under_the_same_id(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    receiver.statuses = [503, 200]
    message = tell()
    assert turn(acme, subscription).failures == 1
    waiting = Sending.objects.get()
    assert waiting.next_try_at is not None
    assert timedelta(0) < waiting.next_try_at - timezone.now() < timedelta(seconds=6)
    make_due(subscription)
    assert turn(acme, subscription).failing_since is None
    assert {r.headers["webhook-id"] for r in receiver.received} == {str(message.pk)}
    assert [a.status for a in Attempt.objects.order_by("id")] == [503, 200]


def test_after_eight_tries_a_message_has_failed(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    receiver.statuses = [500]
    tell()
    for _ in range(schedule.TRIES + 2):
        turn(acme, subscription)
        make_due(subscription)
    found = Sending.objects.get()
    assert (found.state, found.tries, found.next_try_at) == ("failed", 8, None)
    assert len(receiver.received) == 8


def test_a_redirect_is_not_followed_and_not_accepted(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    with receiver_host() as other:
        receiver.statuses, receiver.location = [307], other.url
        tell()
        turn(acme, subscription)
        assert other.received == []
    assert Attempt.objects.get().status == 307
    assert Sending.objects.get().state == "waiting"


def test_410_switches_off_at_once_and_tells_admins(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    receiver.statuses = [410]
    tell()
    found = turn(acme, subscription)
    assert not found.is_enabled
    assert found.disabled_reason == DisabledReason.GONE
    assert Entry.objects.filter(code="notices.disabled").count() == 1
    with platform():
        assert ProcrastinateJob.objects.filter(task_name=actions.MAIL_TASK).count() == 1
    assert emit(Topic.EXPORT_READY, {}) is None


def test_five_days_of_failure_switch_off(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    receiver.statuses = [500]
    Subscription.objects.update(failing_since=timezone.now() - timedelta(days=5), failures=3)
    tell()
    assert turn(acme, subscription).disabled_reason == DisabledReason.FAILING


def test_a_suspended_organization_tells_nobody_until_it_is_open_again(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    tell()
    for status, number in ((OrganizationStatus.SUSPENDED, 0), (OrganizationStatus.ACTIVE, 1)):
        with platform():
            Organization.objects.filter(pk=acme.pk).update(status=status)
        tasks.send(acme.schema_name, str(subscription.pk))
        assert len(receiver.received) == number


def test_one_success_ends_the_failing(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    Subscription.objects.update(failing_since=timezone.now() - timedelta(days=4), failures=3)
    tell()
    found = turn(acme, subscription)
    assert (found.failures, found.failing_since, found.is_enabled) == (0, None, True)


def test_admins_are_told_by_mail(
    world: World, acme: Organization, subscription: Subscription, mailoutbox: list[Any]
) -> None:
    actions.disable(subscription, acme, DisabledReason.FAILING)
    ids = {"organization_id": str(acme.pk), "subscription_id": str(subscription.pk)}
    tasks.tell_admin(**ids, user_id=str(world.people.alice.pk))
    (mail,) = mailoutbox
    assert mail.to == ["alice@example.com"]
    assert "Nothing was accepted for five days." in mail.body


def test_a_silent_receiver_is_given_up_in_time(
    acme: Organization,
    receiver: Receiver,
    subscription: Subscription,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 0.3)
    receiver.waits_seconds = 30
    tell()
    turn(acme, subscription)
    attempt = Attempt.objects.get()
    assert attempt.status is None
    assert attempt.problem == "There was no answer within 0.3 seconds."


def test_a_body_that_drips_holds_nothing_up(
    acme: Organization,
    receiver: Receiver,
    subscription: Subscription,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 0.5)
    receiver.statuses, receiver.body, receiver.drips_seconds = [200], b"x" * 1000, 0.1
    tell()
    begun = time.monotonic()
    turn(acme, subscription)
    assert time.monotonic() - begun < 10  # of 100 seconds
    assert Sending.objects.get().state == "delivered"


def test_of_a_huge_answer_one_kilobyte_is_kept(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    receiver.statuses, receiver.body = [500], b"\x00\xff" + b"x" * 50_000_000
    tell()
    turn(acme, subscription)
    attempt = Attempt.objects.get()
    assert len(attempt.answer) == 1024
    assert "\x00" not in attempt.answer


def test_nobody_listening_is_a_failure_with_a_reason(world: World, acme: Organization) -> None:
    subscription, _ = subscribed(acme, world.people.alice, "http://127.0.0.1:9/")
    tell()
    turn(acme, subscription)
    attempt = Attempt.objects.get()
    assert attempt.status is None
    assert attempt.problem.startswith("It could not be reached")


def test_after_five_failures_the_circuit_opens(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    receiver.statuses = [500]
    for _ in range(9):
        tell()
    found = turn(acme, subscription)
    assert len(receiver.received) == schedule.BREAKS_AFTER
    assert found.state == "paused"
    assert turn(acme, subscription).failures == schedule.BREAKS_AFTER


def test_one_try_decides_whether_the_circuit_closes(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    receiver.statuses = [500]
    for _ in range(8):
        tell()
    turn(acme, subscription)
    Subscription.objects.update(paused_until=timezone.now())
    assert turn(acme, subscription).failures == 6
    assert len(receiver.received) == 6
    receiver.statuses = [200]
    Subscription.objects.update(paused_until=timezone.now())
    assert turn(acme, subscription).state == "active"
    assert Sending.objects.filter(state="delivered").count() == 2


def test_while_one_tries_another_leaves_the_circuit_alone(
    acme: Organization, subscription: Subscription
) -> None:
    Subscription.objects.update(failures=7, failing_since=timezone.now())
    tell()
    tell()
    assert sending.claim(subscription.pk, timezone.now()) is not None
    assert sending.claim(subscription.pk, timezone.now()) is None


def test_what_a_dead_worker_had_claimed_is_sent_by_another(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    message = tell()
    assert sending.claim(subscription.pk, timezone.now()) is not None
    turn(acme, subscription)
    assert receiver.received == []
    Sending.objects.update(next_try_at=timezone.now())  # a minute later
    turn(acme, subscription)
    assert [r.headers["webhook-id"] for r in receiver.received] == [str(message.pk)]
    assert Sending.objects.get().state == "delivered"


def test_a_replay_keeps_the_id_and_is_idempotent(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    message = tell()
    since = timezone.now() - timedelta(hours=1)
    turn(acme, subscription)
    assert actions.replay_since(subscription, since, only_failed=True) == 0
    assert actions.replay_since(subscription, since, only_failed=False) == 1
    assert actions.replay_since(subscription, since, only_failed=False) == 1
    turn(acme, subscription)
    assert [r.headers["webhook-id"] for r in receiver.received] == [str(message.pk)] * 2
    assert (Message.objects.count(), Sending.objects.count()) == (1, 1)


def test_a_replay_begins_after_its_time(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    tell()
    Message.objects.update(created_at=timezone.now() - timedelta(hours=2))
    tell()
    turn(acme, subscription)
    since = timezone.now() - timedelta(hours=1)
    assert actions.replay_since(subscription, since, only_failed=False) == 1


def test_a_secret_that_cannot_be_decrypted_is_said(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    Subscription.objects.update(secret_encrypted=b"\x01" + bytes(60))
    tell()
    turn(acme, subscription)
    assert "make a new one" in Attempt.objects.get().problem
    assert receiver.received == []


def test_a_slow_receiver_leaves_the_others_to_their_turns(
    world: World, acme: Organization, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TURN_SECONDS", 0.2)
    subscription, _ = subscribed(acme, world.people.alice, receiver.url)
    receiver.waits_seconds = 0.3
    for _ in range(3):
        tell()
    turn(acme, subscription)
    assert len(receiver.received) == 1


def test_old_messages_are_forgotten(acme: Organization, subscription: Subscription) -> None:
    tell()
    Message.objects.update(created_at=timezone.now() - timedelta(days=31))
    tell()
    assert actions.forget_old() == 1
    assert Sending.objects.count() == 1


def test_the_payload_is_the_same_at_every_try(
    acme: Organization, receiver: Receiver, subscription: Subscription
) -> None:
    receiver.statuses = [500, 200]
    tell(cost={"amount": "0.10", "currency": "USD"})
    turn(acme, subscription)
    make_due(subscription)
    turn(acme, subscription)
    first, second = (r.body for r in receiver.received)
    assert first == second
    assert json.loads(first)["data"]["cost"]["amount"] == "0.10"
