"""Every sample body, over the door and twice, and every order of the events of one call."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from calls.models import Call, Chat
from calls.sql import CALLS, CHATS
from tenants.pin import organization_context
from testing.fixtures import World
from testing.retell import (
    Sample,
    calls_of_samples,
    extra_samples,
    merge_as,
    only_delivery,
    post,
    reading_of,
    receive,
    received,
    rows_of,
    samples,
)
from webhooks.models import REASONS, Delivery

STATES = {"connection_check": "checked"}
CALLS_OF_SAMPLES = calls_of_samples()


def _further_calls() -> dict[str, list[bytes]]:
    groups: dict[str, list[bytes]] = {}
    for found in extra_samples():
        if found.subject_id and (found.event or "").startswith(("call_", "chat_", "trans")):
            groups.setdefault(found.subject_id, []).append(found.body)
    return {subject: bodies[:6] for subject, bodies in groups.items() if len(bodies) > 1}


ALL_CALLS = CALLS_OF_SAMPLES | _further_calls()


@pytest.mark.parametrize("found", samples(), ids=str)
def test_a_sample_ends_as_the_manifest_says(world: World, found: Sample) -> None:
    assert post(world, found.body).status_code in (200, 204)
    delivery = only_delivery(world)
    assert delivery.state == STATES.get(found.expect, found.expect)
    assert delivery.reason in REASONS
    assert bool(delivery.reason) == (found.expect == "quarantined" or "unknown" in delivery.reason)


@pytest.mark.parametrize("found", [*samples(), *extra_samples()], ids=str)
def test_a_sample_sent_twice_is_one_delivery_counted_twice(world: World, found: Sample) -> None:
    post(world, found.body)
    with organization_context(world.acme):
        before = list(Call.objects.values()), list(Chat.objects.values())
    assert post(world, found.body).status_code in (200, 204)
    assert (only_delivery(world).receipts, only_delivery(world).attempts) == (2, 1)
    assert only_delivery(world).state != "failed"
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


def _check_every_step(world: World, subject: str, bodies: list[bytes]) -> dict[Any, Any]:
    """From each subset of the events, merge each of the events: the row is the one of the set.

    So it is by induction in every order, with any repetitions, of all events and of any subset.
    """
    model, target = (Chat, CHATS) if subject.startswith("chat_") else (Call, CALLS)
    readings = [reading_of(body) for body in bodies]
    numbers = range(len(bodies))
    paths = {
        "_".join(map(str, (*subset, last))): (*subset, last)
        for size in range(len(bodies) + 1)
        for subset in itertools.combinations(numbers, size)
        for last in numbers
    }
    for step in range(len(bodies) + 1):
        reached = [(name, path) for name, path in paths.items() if len(path) > step]
        merge_as(world, [(name, readings[path[step]]) for name, path in reached], target)
    expected: dict[Any, Any] = {}
    for name, row in rows_of(world, model).items():
        assert row == expected.setdefault(frozenset(paths[name]), row), name
    return expected


@pytest.mark.parametrize("subject", ALL_CALLS)
def test_every_order_and_subset_of_the_events_of_a_call_ends_in_one_row(
    world: World, subject: str
) -> None:
    rows = _check_every_step(world, subject, ALL_CALLS[subject])
    assert len(rows) == 2 ** len(ALL_CALLS[subject]) - 1


@pytest.mark.parametrize("subject", CALLS_OF_SAMPLES)
def test_deliveries_from_any_side_and_again_end_in_one_row(world: World, subject: str) -> None:
    bodies = CALLS_OF_SAMPLES[subject]
    row = received(world, bodies, subject)
    assert row is not None
    assert received(world, bodies[::-1], subject) == row
    assert received(world, bodies * 2, subject) == row
    for start in range(1, len(bodies)):
        assert received(world, bodies[start:] + bodies[:start], subject) == row


def test_a_delivery_of_one_organization_is_invisible_to_the_other(world: World) -> None:
    post(world, samples()[0].body)
    with organization_context(world.globex):
        assert not Delivery.objects.exists()
        assert not Call.objects.exists()
