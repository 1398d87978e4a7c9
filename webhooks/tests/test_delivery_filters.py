"""Finding deliveries: each filter finds what it names, says so, and has an index."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from psycopg import sql

from agents.models import Agent
from calls.models import Call
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import KEYS, ClientFactory, World
from testing.retell import body_of, only_delivery, post, receive, sample
from webhooks import actions, signature
from webhooks.filters import DeliveryFilter, as_text, pasted_ids
from webhooks.models import Delivery


def found(organization: Organization, **data: str) -> list[str]:
    """Ids of the calls whose deliveries are listed."""
    filters = DeliveryFilter(data, Delivery.objects.for_list(), zone=organization.zone)
    assert filters.form.is_valid(), filters.form.errors
    return [delivery.subject_id for delivery in filters.qs]


@pytest.fixture
def several(world: World) -> World:
    """One delivery of each verdict, newest last."""
    receive(world, body_of("call_started", "call_applied", agent_id="agent_1"))
    receive(world, body_of("call_ended", "call_twice", agent_id="agent_2"))
    receive(world, body_of("call_ended", "call_twice", agent_id="agent_2"))
    receive(world, body_of("call_ended", "call_quarantined", duration_ms="one"))
    receive(world, body_of("call_recorded", "call_ignored"))
    receive(world, body_of("call_ended", "call_failed"))
    with organization_context(world.acme):
        Delivery.objects.filter(subject_id="call_failed").update(state="failed", attempts=3)
    return world


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"verdict": "applied"}, ["call_twice", "call_applied"]),
        ({"verdict": "duplicate"}, ["call_twice"]),
        ({"verdict": "quarantined"}, ["call_quarantined"]),
        ({"verdict": "quarantined", "reason": "wrong_type"}, ["call_quarantined"]),
        ({"verdict": "quarantined", "reason": "not_json"}, []),
        ({"verdict": "ignored"}, ["call_ignored"]),
        ({"verdict": "failed"}, ["call_failed"]),
        ({"verdict": "stored"}, []),
        ({"event": "call_started"}, ["call_applied"]),
        ({"event": "call_recorded"}, ["call_ignored"]),
        ({"event": "unreadable"}, ["call_quarantined"]),
        ({"min_attempts": "2"}, ["call_failed"]),
        ({"min_duplicates": "1"}, ["call_twice"]),
        ({"min_duplicates": "2"}, []),
        ({"q": "call_app"}, ["call_applied"]),
    ],
)
def test_a_filter_finds_what_it_names(
    several: World, data: dict[str, str], expected: list[str]
) -> None:
    with organization_context(several.acme):
        assert found(several.acme, **data) == expected


def test_an_agents_deliveries_are_found(several: World) -> None:
    with organization_context(several.acme):
        agent = Agent.objects.get(retell_agent_id="agent_2")
        assert found(several.acme, agent=str(agent.pk)) == ["call_twice"]


@pytest.mark.parametrize(
    "text",
    ["call_abc123", "call_abc", "abc", " call_abc123\n", "https://x.example/?id=call_abc123&b=1",
     '"call_id": "call_abc123",'],
)  # fmt: skip
def test_a_call_is_found_by_what_was_pasted(in_acme: Organization, world: World, text: str) -> None:
    receive(world, body_of(call_id="call_abc123"))
    receive(world, body_of(call_id="call_xyz"))
    assert found(in_acme, q=text) == ["call_abc123"]


@pytest.mark.parametrize("text", ["all_abc", "bc123", "call%", "call_abc123_", "%", "call_abcX"])
def test_a_part_from_elsewhere_or_a_pattern_finds_nothing(
    in_acme: Organization, world: World, text: str
) -> None:
    receive(world, body_of(call_id="call_abc123"))
    assert found(in_acme, q=text) == []


def test_an_underscore_is_no_wildcard() -> None:
    assert pasted_ids("call_1 ") == ["call_1"]
    assert pasted_ids("1") == ["1", "call_1", "chat_1"]


def at(world: World, when: datetime, call_id: str) -> None:
    body = body_of(call_id=call_id)
    actions.receive(world.endpoints["acme"], body, received_at=when)


def test_times_are_read_on_the_organizations_clock(world: World) -> None:
    with platform():
        Organization.objects.filter(pk=world.acme.pk).update(time_zone="America/New_York")
        acme = Organization.objects.get(pk=world.acme.pk)
    noon = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)  # in New York
    for minutes in (-1, 0, 59, 60):
        at(world, noon + timedelta(minutes=minutes), f"call_{minutes}")
    with organization_context(acme):
        data = {"received_after": "2026-07-01T12:00", "received_before": "2026-07-01T13:00"}
        assert found(acme, **data) == ["call_59", "call_0"]


def test_what_is_told_later_takes_its_place_in_time(world: World, in_acme: Organization) -> None:
    receive(world, body_of(call_id="call_now"))
    at(world, datetime(2025, 1, 1, tzinfo=UTC), "call_then")
    assert found(in_acme) == ["call_now", "call_then"]


def test_the_page_shows_a_chip_for_each_filter(several: World, browser_of: ClientFactory) -> None:
    client = browser_of(several.people.bob, several.acme)
    page = client.get("/deliveries/?verdict=quarantined&reason=wrong_type&event=").content.decode()
    assert "1 of 1 delivery" in page
    assert page.count('class="chip"') == 2
    assert "call_quarantined" in page
    assert "call_applied" not in page


def test_the_page_says_what_it_did_not_understand(
    several: World, browser_of: ClientFactory
) -> None:
    page = browser_of(several.people.bob, several.acme).get("/deliveries/?verdict=bad&stat=x")
    assert "“Verdict” was not understood" in page.content.decode()
    assert "The filter “stat” is not known" in page.content.decode()


def test_the_text_of_a_filter_holds_no_phone_number(in_acme: Organization) -> None:
    data = {"q": "+1 (202) 555-0142"}
    text = as_text(DeliveryFilter(data, Delivery.objects.all(), zone=in_acme.zone))
    assert text == "Call ID begins with •••• 0142"


# --- At ten million rows -------------------------------------------------------------------------


def plan_of(organization: Organization, **data: str) -> str:
    filters = DeliveryFilter(data, Delivery.objects.for_list(), zone=organization.zone)
    statement, parameters = filters.qs[:51].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + statement, parameters)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.fixture
def many(committed: World) -> World:
    """20,000 ordinary deliveries: the plans of more, where the rare ones are few enough to miss."""
    schema = committed.acme.schema_name
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO {0}.webhooks_delivery (id, event, subject_id, body_sha256, body,"
                " is_redacted, size_bytes, state, reason, reason_detail, received_at,"
                " last_received_at, receipts, source_address, key_index, attempts, agent_id)"
                " SELECT rpad(lpad(to_hex(1800000000000 + n), 12, '0'), 32, '0')::uuid,"
                " 'call_ended', 'call_' || md5(n::text),"
                " sha256(n::text::bytea), '', false, 1, 'applied', '', '', now(), now(), 1, '',"
                " 0, 1, 'agent_' || n % 5 FROM generate_series(1, 20000) n"
            ).format(sql.Identifier(schema))
        )
        cursor.execute(sql.SQL("ANALYZE {}.webhooks_delivery").format(sql.Identifier(schema)))
    with organization_context(committed.acme):
        Agent.objects.create(retell_agent_id="agent_rare")
    return committed


@pytest.mark.parametrize(
    ("data", "index"),
    [
        ({"verdict": "quarantined"}, "delivery_state"),
        ({"verdict": "failed"}, "delivery_state"),
        ({"verdict": "duplicate"}, "delivery_repeated"),
        ({"min_duplicates": "2"}, "delivery_repeated"),
        ({"min_attempts": "2"}, "delivery_retried"),
        ({"event": "call_started"}, "delivery_event"),
        ({"agent": ""}, "delivery_agent"),
        ({"q": "call_abcdef"}, "delivery_call"),
        ({"q": "abcdef"}, "delivery_call"),
        ({"received_before": "2020-01-01T00:00"}, "webhooks_delivery_pkey"),
        ({}, "webhooks_delivery_pkey"),
    ],
)
def test_what_is_rare_is_found_by_an_index(many: World, data: dict[str, str], index: str) -> None:
    with organization_context(many.acme):
        if "agent" in data:
            data = {"agent": str(Agent.objects.get().pk)}
        plan = plan_of(many.acme, **data)
    assert index in plan
    assert "Seq Scan" not in plan


# --- One delivery --------------------------------------------------------------------------------


def stored(world: World, **how: Any) -> Delivery:
    assert post(world, body_of(agent_id="agent_1"), **how).status_code == 204
    return only_delivery(world)


def test_useful_headers_are_kept_and_no_secret_ones(world: World) -> None:
    secret = "canary-7f3a"
    headers = {"User-Agent": "axios/1.7\x00é" + "x" * 300, "X-Request-ID": "r-1",
               "Authorization": secret, "Cookie": f"a={secret}"}  # fmt: skip
    kept = stored(world, headers=headers).headers
    assert set(kept) == {"Content-Type", "Content-Length", "User-Agent", "X-Request-ID"}
    assert kept["User-Agent"].startswith("axios/1.7??x")
    assert len(kept["User-Agent"]) == 200


def test_the_key_that_verified_it_is_noted_as_no_key(world: World) -> None:
    delivery = stored(world)
    assert delivery.key_id == signature.key_id(KEYS["acme"])
    assert len(delivery.key_name) == 8
    assert -(2**31) <= signature.key_id("x") < 2**31


def test_what_is_applied_at_once_says_so(world: World) -> None:
    delivery = stored(world)
    assert (delivery.agent_id, delivery.was_applied_at_once) == ("agent_1", True)
    assert delivery.applied_at == delivery.received_at


def test_what_is_applied_later_says_when(world: World) -> None:
    delivery = stored(world)
    with organization_context(world.acme):
        Delivery.objects.update(state="failed", applied_at=None)
        delivery.refresh_from_db()
        actions.apply_again(delivery, organization=world.acme)
    assert delivery.applied_at is not None
    assert delivery.applied_at > delivery.received_at


def test_an_inbound_event_names_its_agent(world: World) -> None:
    body = sample("inbound.call_inbound.with_agent.json").body
    assert receive(world, body).state == "stored"
    assert only_delivery(world).agent_id == json.loads(body)["call_inbound"]["agent_id"]


def test_headers_and_body_are_for_those_who_may_read_bodies(
    world: World, browser_of: ClientFactory
) -> None:
    url = stored(world, headers={"X-Request-ID": "request-abc"}).get_absolute_url()
    alice = browser_of(world.people.alice, world.acme).get(url).content.decode()
    bob = browser_of(world.people.bob, world.acme).get(url).content.decode()
    assert "request-abc" in alice
    assert "request-abc" not in bob
    assert "call_id" not in bob


def test_an_older_version_beside_this_one_still_stores(world: World) -> None:
    """It names none of the new columns while a release is under way."""
    receive(world, body_of())
    with organization_context(world.acme), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_delivery (id, event, subject_id, body_sha256, body, is_redacted,"
            " size_bytes, state, reason, reason_detail, received_at, last_received_at, receipts,"
            " source_address, key_index, attempts) SELECT gen_random_uuid(), event, subject_id,"
            " 'x', body, false, 1, state, '', '', now(), now(), 1, '', 0, 1 FROM webhooks_delivery"
        )
        assert Delivery.objects.count() == 2
        assert Call.objects.count() == 1


def test_no_filter_is_chosen_unasked(world: World, browser_of: ClientFactory) -> None:
    form = browser_of(world.people.bob, world.acme).get("/deliveries/").context["filter_form"]
    firsts = [next(iter(field.choices))[0] for field in form.fields.values()
              if hasattr(field, "choices")]  # fmt: skip
    assert [str(value) for value in firsts] == [""] * 4
