"""Events that are more, or less, than a call: chats, alerts, agents, tests, unknown ones."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from agents.models import Agent, RetellConnection
from calls.models import Call, Chat, RetellAlert
from tenants.pin import organization_context
from testing.fixtures import World
from testing.retell import (
    body_of,
    call_of,
    only_delivery,
    post,
    receive,
    sample,
    undone,
)
from webhooks import actions
from webhooks.models import Delivery

TRIGGERED = sample("alert.alert_triggered.json").body
RESOLVED = sample("alert.alert_resolved.json").body


def alert(event: str, **fields: Any) -> bytes:
    content = {"alert_incident_id": "incident_1", **fields}
    return json.dumps({"event": event, "alert": content}).encode()


# --- Alerts --------------------------------------------------------------------------------------


def incident_after(world: World, *bodies: bytes) -> dict[str, Any]:
    with undone():
        for body in bodies:
            receive(world, body)
        with organization_context(world.acme):
            row = dict(RetellAlert.objects.values().get())
            assert set(Delivery.objects.values_list("state", flat=True)) == {"applied"}
    return {name: value for name, value in row.items() if name not in ("id", "first_seen_at")}


def test_a_triggered_alert_is_open(world: World) -> None:
    receive(world, TRIGGERED)
    with organization_context(world.acme):
        incident = RetellAlert.objects.get()
    assert (incident.state.value, incident.name) == ("triggered", "Spend an hour")
    assert incident.body["current_value"] == 6120.5


@pytest.mark.parametrize("bodies", list(itertools.permutations([TRIGGERED, RESOLVED, TRIGGERED])))
def test_a_resolved_alert_stays_closed_in_any_order(
    world: World, bodies: tuple[bytes, ...]
) -> None:
    assert incident_after(world, *bodies) == incident_after(world, TRIGGERED, RESOLVED)
    assert incident_after(world, *bodies)["resolved_at"] is not None


def test_what_a_resolution_leaves_out_is_not_lost_in_any_order(world: World) -> None:
    opened = alert("alert_triggered", name="Cost", metric_type="cost", triggered_timestamp=1000)
    closed = alert("alert_resolved", resolved_timestamp=2000)
    row = incident_after(world, opened, closed)
    assert row == incident_after(world, closed, opened)
    assert (row["name"], row["metric_type"]) == ("Cost", "cost")
    assert row["triggered_at"] is not None


@pytest.mark.parametrize("fields", [{}, {"resolved_timestamp": None}, {"resolved_timestamp": "?"}])
def test_an_alert_resolved_without_a_time_is_closed_in_any_order(
    world: World, fields: dict[str, Any]
) -> None:
    opened = alert("alert_triggered", name="Cost", triggered_timestamp=1000)
    closed = alert("alert_resolved", **fields)
    row = incident_after(world, opened, closed)
    assert row == incident_after(world, closed, opened)
    assert (row["is_resolved"], row["resolved_at"], row["name"]) == (True, None, "Cost")


def test_the_time_of_a_resolution_may_be_written_as_a_float(world: World) -> None:
    assert incident_after(world, alert("alert_resolved", resolved_timestamp=1.7e12))["resolved_at"]


def test_different_bodies_of_one_alert_end_the_same_in_any_order(world: World) -> None:
    bodies = [
        alert("alert_triggered", name="Cost", triggered_timestamp=1000),
        alert("alert_triggered", name="Price", triggered_timestamp=1000),
        alert("alert_triggered", name="Spend"),
        alert("alert_resolved", metric_type="cost", resolved_timestamp=2000),
        alert("alert_resolved", resolved_timestamp=3000),
    ]
    rows = [incident_after(world, *order) for order in itertools.permutations(bodies)]
    assert all(row == rows[0] for row in rows)
    assert rows[0]["is_resolved"]


@pytest.mark.parametrize(
    "fields",
    [{"name": None}, {"name": {"a": 1}}, {"name": "x" * 5000}, {"triggered_timestamp": "now"},
     {"triggered_timestamp": -1}, {"triggered_timestamp": 10**30}, {"resolved_timestamp": 1.5},
     {"resolved_timestamp": True}, {"threshold_value": 10**300}],
    ids=lambda fields: next(iter(fields)),
)  # fmt: skip
def test_an_odd_alert_is_recorded(world: World, fields: dict[str, Any]) -> None:
    assert incident_after(world, alert("alert_triggered", **fields))["resolved_at"] is None


# --- Chats ---------------------------------------------------------------------------------------


def test_a_chat_ends_with_its_cost_messages_and_summary(world: World) -> None:
    for event in ("chat_analyzed", "chat_started", "chat_ended"):
        assert post(world, sample(f"chat.{event}.json").body).status_code == 204
    with organization_context(world.acme):
        chat = Chat.objects.get()
        assert not Call.objects.exists()
        assert Agent.objects.filter(retell_agent_id=chat.agent_id).exists()
    assert chat.status == "ended"
    assert chat.cost_cents
    assert chat.messages
    assert chat.summary


# --- The test button -----------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["call_started", "call_ended", "call_analyzed"])
def test_the_test_button_makes_no_call_and_checks_the_connection(world: World, event: str) -> None:
    post(world, body_of(event, call_id="test_call", agent_id="test_agent"))
    assert only_delivery(world).state == "checked"
    with organization_context(world.acme):
        assert not Call.objects.exists()
        assert not Agent.objects.exists()
        assert RetellConnection.objects.get().checked_at is not None


def test_the_test_button_checks_its_own_organization_only(world: World) -> None:
    post(world, sample("odd.dashboard_test_button.json").body)
    with organization_context(world.globex):
        assert RetellConnection.objects.get().checked_at is None


def test_a_call_does_not_check_the_connection(world: World) -> None:
    post(world, body_of())
    with organization_context(world.acme):
        assert RetellConnection.objects.get().checked_at is None


# --- Agents --------------------------------------------------------------------------------------


def test_the_first_event_of_an_agent_makes_it_unassigned(world: World) -> None:
    receive(world, body_of(agent_id="agent_1", agent_name="Front desk"))
    with organization_context(world.acme):
        agent = Agent.objects.get()
        assert Call.objects.get().agent == agent
    assert (agent.retell_agent_id, agent.retell_name) == ("agent_1", "Front desk")
    assert not agent.is_assigned


def test_further_events_leave_the_agent_as_it_was_named_here(world: World) -> None:
    receive(world, body_of(agent_id="agent_1"))
    with organization_context(world.acme):
        Agent.objects.update(name="Our name")
    receive(world, body_of("call_analyzed", agent_id="agent_1", agent_name="Another"))
    with organization_context(world.acme):
        assert Agent.objects.get().display_name == "Our name"


def test_the_same_agent_of_two_organizations_is_two_agents(world: World) -> None:
    receive(world, body_of(agent_id="agent_1"))
    with organization_context(world.globex):
        assert not Agent.objects.exists()


def test_an_event_without_an_agent_makes_none(world: World) -> None:
    receive(world, body_of(agent_id=""))
    with organization_context(world.acme):
        assert not Agent.objects.exists()
    assert call_of(world).agent_id is None


# --- Unknown ones --------------------------------------------------------------------------------


def test_an_unknown_event_is_kept_and_changes_nothing(world: World) -> None:
    body = body_of("call_teleported", duration_ms=5)
    assert post(world, body).status_code == 204
    delivery = only_delivery(world)
    assert (delivery.state, delivery.reason, delivery.subject_id) == (
        "ignored", "unknown_event", "call_1",
    )  # fmt: skip
    with organization_context(world.acme):
        assert not Call.objects.exists()


def test_unknown_values_are_kept_and_shown(world: World) -> None:
    receive(world, body_of(call_status="paused", disconnection_reason="bored", new_field=[1]))
    call = call_of(world)
    assert (call.status, call.disconnection_reason) == ("paused", "bored")
    assert call.details["new_field"] == [1]


def test_each_distinct_body_is_a_delivery_of_its_own(world: World) -> None:
    bodies = [body_of("transcript_updated", transcript=f"{number}") for number in range(5)]
    for body in bodies:
        receive(world, body)
    with organization_context(world.acme):
        assert Delivery.objects.count() == 5
        assert [bytes(row.body) for row in Delivery.objects.order_by("id")] == bodies


def test_a_delivery_says_when_whence_and_with_which_key(world: World) -> None:
    post(world, body_of(), REMOTE_ADDR="192.0.2.7")
    delivery = only_delivery(world)
    assert (delivery.source_address, delivery.key_index) == ("192.0.2.7", 0)
    assert delivery.received_at == delivery.last_received_at


def test_a_sender_with_an_overlong_address_is_taken(world: World) -> None:
    address = "fe80::1234:5678:9abc:def0:1234:5678%" + "e" * 40
    assert post(world, body_of(), REMOTE_ADDR=address).status_code == 204
    assert only_delivery(world).state == "applied"


def test_an_agent_without_a_name_gets_one_from_a_delivery_applied_again(world: World) -> None:
    receive(world, body_of("call_started", agent_id="agent_1"))
    receive(world, body_of("call_ended", agent_id="agent_1", agent_name="Front desk"))
    with organization_context(world.acme):
        Agent.objects.update(retell_name="")
        actions.apply_again(Delivery.objects.get(event="call_ended"), organization=world.acme)
        assert Agent.objects.get().retell_name == "Front desk"
