"""When we fail: the receipt is kept and applied later, or Retell is asked to send it again."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from agents.models import Agent
from calls import sql as calls_sql
from calls.models import Call, RetellAlert
from tenants.pin import organization_context
from testing.fixtures import World
from testing.retell import body_of, call_of, only_delivery, post, receive, sample
from webhooks import actions
from webhooks.actions import RETRY_DELAYS
from webhooks.models import Delivery

BODY = body_of(agent_id="agent_1", agent_name="Front desk", duration_ms=5000)
ALERT = sample("alert.alert_triggered.json").body


def _spoiled(target: calls_sql.Target, *arguments: Any, **more: Any) -> list[Any]:
    """Parameters that PostgreSQL refuses: no JSON in the details."""
    return [*_parameters(target, *arguments, **more)[:4], "{", *_parameters(target, *arguments)[5:]]


_parameters: Callable[..., list[Any]] = calls_sql.parameters


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Every merge fails inside PostgreSQL until the patch is undone."""
    monkeypatch.setattr(calls_sql, "parameters", _spoiled)
    return monkeypatch


def test_what_cannot_be_applied_is_kept_as_failed(
    committed: World, failing: pytest.MonkeyPatch
) -> None:
    assert post(committed, BODY).status_code == 204
    delivery = only_delivery(committed)
    assert (delivery.state, delivery.reason) == ("failed", "apply_error")
    assert delivery.retry_at == delivery.received_at + RETRY_DELAYS[0]
    assert (bytes(delivery.body), delivery.subject_id) == (BODY, "call_1")


def test_nothing_of_a_failed_delivery_is_half_applied(
    committed: World, failing: pytest.MonkeyPatch
) -> None:
    receive(committed, BODY)
    with organization_context(committed.acme):
        assert not Call.objects.exists()
        assert not Agent.objects.exists()


def test_a_failed_delivery_sent_again_is_counted(
    committed: World, failing: pytest.MonkeyPatch
) -> None:
    assert [post(committed, BODY).status_code for _ in range(3)] == [204] * 3
    assert only_delivery(committed).receipts == 3


def test_the_log_of_a_failure_quotes_nothing_of_the_body(
    committed: World, failing: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receive(committed, body_of(from_number="+12025550101"))
    assert "applying a delivery failed" in caplog.text
    assert "2025550101" not in caplog.text


def again(world: World) -> Delivery:
    delivery = only_delivery(world)
    with organization_context(world.acme):
        actions.apply_again(delivery, organization=world.acme)
    return delivery


def test_applying_again_heals_a_failed_delivery(
    committed: World, failing: pytest.MonkeyPatch
) -> None:
    receive(committed, BODY)
    failing.undo()
    again(committed)
    delivery = only_delivery(committed)
    assert (delivery.state, delivery.reason, delivery.retry_at) == ("applied", "", None)
    assert (delivery.attempts, call_of(committed).duration_ms) == (2, 5000)


def test_applying_again_makes_the_agent_as_the_first_time_would_have(
    committed: World, failing: pytest.MonkeyPatch
) -> None:
    receive(committed, BODY)
    failing.undo()
    again(committed)
    with organization_context(committed.acme):
        assert Agent.objects.get().retell_name == "Front desk"


def test_each_further_failure_waits_longer(committed: World, failing: pytest.MonkeyPatch) -> None:
    receive(committed, BODY)
    waits = []
    for _ in range(5):
        delivery = again(committed)
        assert delivery.state == "failed"
        assert delivery.retry_at is not None
        waits.append(round((delivery.retry_at - timezone.now()) / timedelta(minutes=1)))
    assert waits == [10, 60, 360, 360, 360]


def test_one_that_goes_on_failing_is_not_tried_by_itself_for_ever(
    committed: World, failing: pytest.MonkeyPatch
) -> None:
    receive(committed, BODY)
    while again(committed).retry_at is not None:
        assert only_delivery(committed).attempts < 20
    delivery = only_delivery(committed)
    assert (delivery.state, delivery.reason) == ("failed", "gave_up")
    assert "apply it again after an update" in delivery.reason_text


def test_a_failed_delivery_is_due_after_its_delay(
    committed: World, failing: pytest.MonkeyPatch
) -> None:
    receive(committed, BODY)
    with organization_context(committed.acme):
        assert not Delivery.objects.due(timezone.now()).exists()
        assert Delivery.objects.due(timezone.now() + RETRY_DELAYS[0]).count() == 1


def test_applying_again_what_was_applied_changes_nothing(world: World) -> None:
    receive(world, BODY)
    before = call_of(world)
    again(world)
    assert call_of(world).provenance == before.provenance
    assert only_delivery(world).state == "applied"


def test_a_quarantined_delivery_is_applied_after_a_fix(world: World) -> None:
    receive(world, BODY)
    with organization_context(world.acme):
        Delivery.objects.update(state="quarantined", reason="wrong_type", reason_detail="x")
        Call.objects.all().delete()
    again(world)
    assert only_delivery(world).state == "applied"
    assert call_of(world).duration_ms == 5000


def test_a_quarantined_delivery_stays_in_quarantine_without_one(world: World) -> None:
    receive(world, b"not JSON")
    again(world)
    delivery = only_delivery(world)
    assert (delivery.state, delivery.reason, delivery.attempts) == ("quarantined", "not_json", 2)


def test_an_alert_that_cannot_be_recorded_is_kept_as_failed(
    committed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calls.actions.record_alert", lambda *_: 1 / 0)
    assert post(committed, ALERT).status_code == 204
    assert only_delivery(committed).state == "failed"
    monkeypatch.undo()
    again(committed)
    with organization_context(committed.acme):
        assert RetellAlert.objects.get().name


# --- The database gone ---------------------------------------------------------------------------


@pytest.fixture
def database_away(committed: World, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing answers at the database's port until the patch is undone."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    return monkeypatch


def test_without_database_retell_is_asked_to_send_it_again(
    committed: World, database_away: pytest.MonkeyPatch
) -> None:
    response = post(committed, BODY)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "send it again" in response.json()["detail"]


def test_the_door_is_well_again_with_the_database(
    committed: World, database_away: pytest.MonkeyPatch
) -> None:
    assert post(committed, BODY).status_code == 503
    database_away.undo()
    assert post(committed, BODY).status_code == 204
    assert only_delivery(committed).receipts == 1


def test_a_known_url_refuses_forgeries_without_the_database(
    committed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(committed, BODY)  # from here on the URL and its keys are known
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    assert post(committed, BODY, header=None).status_code == 401
    assert post(committed, BODY).status_code == 503


def test_a_connection_that_died_meanwhile_costs_no_delivery(committed: World) -> None:
    post(committed, BODY)
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid]
        )
    assert post(committed, body_of(call_id="call_2")).status_code == 204
    assert call_of(committed, "call_2").status == "ended"
