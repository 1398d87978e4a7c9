"""Every sample body, over the door and twice, and every order of the events of one call."""

from __future__ import annotations

from typing import Any

import pytest

from calls.models import Call, Chat
from tenants.pin import organization_context
from testing.fixtures import World
from testing.retell import (
    Sample,
    calls_of_samples,
    extra_samples,
    only_delivery,
    post,
    receive,
    row_of,
    samples,
    undone,
)
from webhooks.models import REASONS, Delivery

STATES = {"connection_check": "checked"}
CALLS = calls_of_samples()


@pytest.mark.parametrize("found", samples(), ids=str)
def test_a_sample_ends_as_the_manifest_says(world: World, found: Sample) -> None:
    assert post(world, found.body).status_code in (200, 204)
    delivery = only_delivery(world)
    assert delivery.state == STATES.get(found.expect, found.expect)
    assert delivery.reason in REASONS
    assert bool(delivery.reason) == (found.expect == "quarantined" or "unknown" in delivery.reason)


@pytest.mark.parametrize("found", samples(), ids=str)
def test_a_sample_sent_twice_is_one_delivery_counted_twice(world: World, found: Sample) -> None:
    post(world, found.body)
    with organization_context(world.acme):
        before = list(Call.objects.values()), list(Chat.objects.values())
    assert post(world, found.body).status_code in (200, 204)
    assert only_delivery(world).receipts == 2
    with organization_context(world.acme):
        assert (list(Call.objects.values()), list(Chat.objects.values())) == before


@pytest.mark.parametrize(
    "found", [found for found in samples() if found.expect == "applied" and found.subject_id],
    ids=str,
)  # fmt: skip
def test_an_applied_sample_names_its_subject(world: World, found: Sample) -> None:
    receive(world, found.body)
    delivery = only_delivery(world)
    assert (delivery.event, delivery.subject_id) == (found.event, found.subject_id)


def _visit(
    world: World, subject: str, bodies: list[bytes], sent: tuple[int, ...], rows: dict[Any, Any]
) -> None:
    """Send what was not sent yet, one after the other, and come back: every order of every subset.

    The row may depend on the set alone, also when the first of them is sent again.
    """
    model = Chat if subject.startswith("chat_") else Call
    for number, body in enumerate(bodies):
        if number in sent:
            continue
        now_sent = (*sent, number)
        with undone():
            receive(world, body)
            receive(world, bodies[now_sent[0]])
            with organization_context(world.acme):
                row = row_of(model, subject)
            assert row is not None
            assert row == rows.setdefault(frozenset(now_sent), row), now_sent
            _visit(world, subject, bodies, now_sent, rows)


@pytest.mark.parametrize("subject", CALLS)
def test_every_order_and_subset_of_the_events_of_a_call_ends_in_one_row(
    world: World, subject: str
) -> None:
    rows: dict[Any, Any] = {}
    _visit(world, subject, CALLS[subject], (), rows)
    assert len(rows) == 2 ** len(CALLS[subject]) - 1


@pytest.mark.parametrize("found", extra_samples(), ids=str)
def test_a_further_sample_is_taken_twice_and_kept_once(world: World, found: Sample) -> None:
    for _ in range(2):
        assert post(world, found.body).status_code in (200, 204)
    delivery = only_delivery(world)
    assert (delivery.receipts, delivery.attempts) == (2, 1)
    assert delivery.state != "failed"


def _further_calls() -> dict[str, list[bytes]]:
    groups: dict[str, list[bytes]] = {}
    for found in extra_samples():
        if found.subject_id and (found.event or "").startswith(("call_", "chat_", "trans")):
            groups.setdefault(found.subject_id, []).append(found.body)
    return {subject: bodies[:6] for subject, bodies in groups.items() if len(bodies) > 1}


@pytest.mark.parametrize("subject", _further_calls())
def test_every_order_of_a_further_call_ends_in_one_row(world: World, subject: str) -> None:
    _visit(world, subject, _further_calls()[subject], (), {})


def test_a_delivery_of_one_organization_is_invisible_to_the_other(world: World) -> None:
    post(world, CALLS[next(iter(CALLS))][0])
    with organization_context(world.globex):
        assert not Delivery.objects.exists()
        assert not Call.objects.exists()
