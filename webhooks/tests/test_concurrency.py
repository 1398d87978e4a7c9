"""Deliveries that arrive in the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

from agents.models import Agent
from calls.models import Call, RetellAlert
from tenants.pin import organization_context
from testing.fixtures import World
from testing.retell import body_of, call_of, calls_of_samples, post, receive, row_of, sample
from webhooks.models import Delivery

T = TypeVar("T")
THREADS = 16


def at_once(*works: Callable[[], T]) -> list[T]:
    """Run each in a thread of its own, all starting together."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        try:
            barrier.wait(10)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_one_body_in_16_threads_is_one_delivery_and_one_call(committed: World) -> None:
    body = body_of(agent_id="agent_1")
    answers = at_once(*[lambda: post(committed, body).status_code] * THREADS)
    assert set(answers) == {204}
    with organization_context(committed.acme):
        assert Delivery.objects.get().receipts == THREADS
        assert (Call.objects.count(), Agent.objects.count()) == (1, 1)


def test_exactly_one_of_them_is_the_first(committed: World) -> None:
    body = body_of()
    receipts = at_once(*[lambda: receive(committed, body)] * THREADS)
    assert [receipt.is_repetition for receipt in receipts].count(False) == 1


def test_an_agent_first_seen_by_16_calls_appears_once(committed: World) -> None:
    bodies = [body_of(call_id=f"call_{n}", agent_id="agent_1") for n in range(THREADS)]
    receipts = at_once(*[lambda body=body: receive(committed, body) for body in bodies])
    assert {receipt.state for receipt in receipts} == {"applied"}
    with organization_context(committed.acme):
        assert Agent.objects.get().retell_agent_id == "agent_1"
        assert Call.objects.filter(agent__retell_agent_id="agent_1").count() == THREADS


def test_all_events_of_a_call_at_once_end_in_the_row_of_any_order(committed: World) -> None:
    subject, bodies = next(iter(calls_of_samples().items()))
    rows = []
    for _ in range(3):
        at_once(*[lambda body=body: receive(committed, body) for body in bodies * 3])
        with organization_context(committed.acme):
            rows.append(row_of(Call, subject))
            Call.objects.all().delete()
            Delivery.objects.all().delete()
    for body in bodies:
        receive(committed, body)
    with organization_context(committed.acme):
        rows.append(row_of(Call, subject))
    assert all(row == rows[0] for row in rows)


def test_two_organizations_at_once_stay_apart(committed: World) -> None:
    body = sample("phone_inbound.call_ended.json").body
    at_once(*[lambda: post(committed, body).status_code] * 8)
    with organization_context(committed.globex):
        assert not Delivery.objects.exists()


def test_an_alert_opened_and_closed_at_once_is_closed(committed: World) -> None:
    bodies = [sample(f"alert.alert_{what}.json").body for what in ("triggered", "resolved")]
    at_once(*[lambda body=body: receive(committed, body) for body in bodies * 4])
    with organization_context(committed.acme):
        assert RetellAlert.objects.get().state.value == "resolved"
        assert {delivery.state for delivery in Delivery.objects.all()} == {"applied"}


def test_300_calls_in_8_threads_are_300_calls(committed: World) -> None:
    def send(first: int) -> None:
        for number in range(first, 300, 8):
            receive(committed, body_of(call_id=f"call_{number}", duration_ms=1000))

    at_once(*[lambda first=first: send(first) for first in range(8)])
    with organization_context(committed.acme):
        assert Call.objects.count() == Delivery.objects.count() == 300
    assert call_of(committed, "call_299").duration_ms == 1000
