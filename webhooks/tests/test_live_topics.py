"""Which open pages hear of a delivery."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from notifications import signals
from tenants.pin import organization_context
from testing.fixtures import World
from testing.retell import body_of, only_delivery, post, sample
from webhooks import actions

TOPICS = [
    (body_of(), {"calls", "deliveries"}),
    (sample("chat.chat_ended.json").body, {"chats", "deliveries"}),
    (sample("alert.alert_triggered.json").body, {"alerts", "deliveries"}),
    (b'{"event": "a_new_one"}', {"deliveries"}),
    (b"not json", {"deliveries"}),
]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[UUID, set[str]]]:
    said: list[tuple[UUID, set[str]]] = []
    monkeypatch.setattr(
        signals._publisher, "changed", lambda pk, topics: said.append((pk, set(topics)))
    )
    return said


@pytest.mark.parametrize(("body", "topics"), TOPICS)
def test_a_delivery_is_heard_by_the_pages_it_changes(
    world: World, heard: list[Any], body: bytes, topics: set[str]
) -> None:
    post(world, body)
    post(world, body)
    assert heard == [(world.acme.pk, topics)]


def test_applying_again_is_heard_too(world: World, heard: list[Any]) -> None:
    post(world, body_of())
    delivery = only_delivery(world)
    with organization_context(world.acme):
        actions.replay(delivery, organization=world.acme)
    assert heard == [(world.acme.pk, {"calls", "deliveries"})] * 2


def test_without_a_thread_to_send_from_nothing_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(signals._publisher, "changed", refuse)
    assert post(world, body_of()).status_code == 204
