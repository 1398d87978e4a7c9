"""Loading in bulk ends in the same rows as the webhook door."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import models

from agents.models import Agent
from calls.models import Call, Chat, RetellAlert
from operations.demo.bulk import Arrival, BulkReceiver
from operations.demo.history import history
from operations.demo.loading import as_arrival
from operations.demo.profiles import GLOBEX
from tenants.pin import organization_context
from testing.fixtures import World
from webhooks.actions import receive
from webhooks.models import Delivery

NOW = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
# `retell_name_at`: of a call's events, bulk may read a later one that tells the same name.
OWN = {
    "id", "first_seen_at", "sort_at", "received_at", "last_received_at", "checked_at",
    "retell_name_at", "moved_from",
}  # fmt: skip


@pytest.fixture(scope="module")
def arrivals() -> list[Arrival]:
    """A short history; one body arrives twice, in another batch than at first."""
    made = [
        as_arrival(delivery) for delivery in history(GLOBEX, now=NOW, days=90, calls=60, seed=1)
    ]
    return [*made, made[3], made[3]]


@pytest.fixture
def loaded(world: World, arrivals: list[Arrival]) -> World:
    """Acme got the history in bulk, Globex through the door."""
    receiver = BulkReceiver(world.endpoints["acme"])
    for place in range(0, len(arrivals), 25):
        receiver.receive(arrivals[place : place + 25])
    for arrival in arrivals:
        receive(world.endpoints["globex"], arrival.body, received_at=arrival.at)
    return world


def rows(model: type[models.Model], key: str) -> list[dict[str, Any]]:
    found = model._default_manager.order_by(key).values()
    return [{name: row[name] for name in row.keys() - OWN} for row in found]


@pytest.mark.parametrize(
    ("model", "key"),
    [
        (Call, "retell_call_id"),
        (Chat, "retell_chat_id"),
        (RetellAlert, "incident_id"),
        (Agent, "retell_agent_id"),
        (Delivery, "body_sha256"),
    ],
)
def test_bulk_and_door_leave_the_same(loaded: World, model: type[models.Model], key: str) -> None:
    with organization_context(loaded.acme):
        in_bulk = rows(model, key)
    with organization_context(loaded.globex):
        by_door = rows(model, key)
    assert in_bulk
    assert in_bulk == by_door
