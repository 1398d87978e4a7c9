"""What must not be kept is in no column: access tokens, and what a storage setting forbids."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.models import Call
from tenants.pin import organization_context
from testing.fixtures import World
from testing.retell import (
    against_database,
    body_of,
    call_of,
    only_delivery,
    places_of,
    post,
    receive,
    received,
    sample,
    undone,
)
from webhooks import actions, retention
from webhooks.models import Delivery

CANARY = "canary-7f3a"
PERSONAL: dict[str, Any] = {
    "from_number": CANARY,
    "to_number": CANARY,
    "transcript": CANARY,
    "transcript_object": [{"role": "user", "content": CANARY}],
    "call_analysis": {"call_summary": CANARY, "custom_analysis_data": {"name": CANARY}},
    "metadata": {"customer": CANARY},
    "recording_url": f"https://example.com/{CANARY}.wav",
    "retell_llm_dynamic_variables": {"name": CANARY},
    "a_field_of_tomorrow": CANARY,
}
RESTRICTED = ("everything_except_pii", "basic_attributes_only", "a_setting_of_tomorrow")


def personal(event: str, **call: Any) -> bytes:
    return body_of(event, **PERSONAL, **call)


# --- Access tokens -------------------------------------------------------------------------------

TOKENS = {
    "in the call": body_of(access_token=CANARY),
    "beside the call": json.dumps(
        {"event": "call_ended", "access_token": CANARY, "call": {"call_id": "call_1"}}
    ).encode(),
    "deep in a list": body_of(metadata=[{"a": [{"access_token": {"b": CANARY}}]}]),
    "with an escaped name": body_of().replace(b"}}", b', "\\u0061ccess_token": "canary-7f3a"}}'),
    "twice": body_of(access_token=CANARY).replace(b"}}", b', "access_token": "canary-7f3a"}}'),
    "of a restricted call": body_of(
        access_token=CANARY, data_storage_setting="basic_attributes_only"
    ),
    "in an unknown event": body_of("a_new_event", access_token=CANARY),
    "in a test call": body_of(call_id="test_call", access_token=CANARY),
    "in a chat": json.dumps(
        {"event": "chat_ended", "chat": {"chat_id": "chat_1", "access_token": CANARY}}
    ).encode(),
    "in an alert": json.dumps(
        {"event": "alert_triggered", "alert": {"alert_incident_id": "a", "access_token": CANARY}}
    ).encode(),
    "in an inbound event": json.dumps(
        {"event": "call_inbound", "call_inbound": {"access_token": CANARY}}
    ).encode(),
    "in a quarantined body": body_of(access_token=CANARY, duration_ms="one second"),
    "in a body without an event": json.dumps({"access_token": CANARY}).encode(),
}


@pytest.mark.parametrize("body", TOKENS.values(), ids=TOKENS)
def test_an_access_token_is_stored_nowhere(world: World, body: bytes) -> None:
    assert post(world, body).status_code in (200, 204)
    assert only_delivery(world).is_redacted
    assert places_of(world, CANARY) == []


def test_the_search_for_a_canary_finds_one(world: World) -> None:
    receive(world, body_of(transcript=CANARY, metadata={"x": CANARY}))
    assert sorted(places_of(world, CANARY)) == [
        "calls_call.details",
        "calls_call.transcript",
        "webhooks_delivery.body",
    ]


def test_a_body_without_a_token_loses_nothing_but_the_token(world: World) -> None:
    receive(world, body_of(access_token=CANARY, metadata={"a": [1.50, "ü"]}))
    kept = json.loads(bytes(only_delivery(world).body))
    assert kept["call"] == {"call_id": "call_1", "metadata": {"a": [1.5, "ü"]}}


def test_a_body_from_which_nothing_must_go_is_kept_byte_for_byte(world: World) -> None:
    body = b'{ "event":"call_ended",\r\n "call":{"call_id":"call_1","transcript":"\\u0000"}}'
    receive(world, body)
    assert bytes(only_delivery(world).body) == body
    assert not only_delivery(world).is_redacted


# --- Storage settings ----------------------------------------------------------------------------


@pytest.mark.parametrize("setting", RESTRICTED)
def test_a_restricted_event_leaves_nothing_personal(world: World, setting: str) -> None:
    receive(world, personal("call_ended", data_storage_setting=setting))
    assert only_delivery(world).is_redacted
    assert places_of(world, CANARY) == []


def test_the_old_opt_out_counts_as_the_strictest_setting(world: World) -> None:
    receive(world, personal("call_ended", opt_out_sensitive_data_storage=True))
    assert places_of(world, CANARY) == []
    assert call_of(world).storage_level == 2


def test_a_setting_that_cannot_be_read_counts_as_the_strictest(world: World) -> None:
    receive(world, personal("call_ended", data_storage_setting=["everything"]))
    assert only_delivery(world).state == "quarantined"
    assert places_of(world, CANARY) == []


@pytest.mark.parametrize("setting", RESTRICTED)
def test_one_restricted_event_empties_the_call_in_any_order(world: World, setting: str) -> None:
    bodies = [
        personal("call_started"),
        personal("call_ended", data_storage_setting=setting, duration_ms=5000),
        personal("call_analyzed"),
    ]
    rows = [received(world, order) for order in itertools.permutations(bodies)]
    assert CANARY not in repr(rows)
    assert all(row == rows[0] for row in rows)
    assert rows[0]["duration_ms"] == 5000


def test_bodies_from_before_the_restriction_are_redacted_afterwards(world: World) -> None:
    receive(world, personal("call_started"))
    receive(world, personal("a_new_event"))
    receive(world, personal("call_ended", data_storage_setting="basic_attributes_only"))
    assert places_of(world, CANARY) == ["webhooks_delivery.body"]
    with organization_context(world.acme):
        assert actions.redact_restricted() == 2
        assert actions.redact_restricted() == 0
    assert places_of(world, CANARY) == []


def test_bodies_from_after_the_restriction_are_redacted_too(world: World) -> None:
    receive(world, personal("call_ended", data_storage_setting="basic_attributes_only"))
    receive(world, personal("call_analyzed", data_storage_setting=None))
    with organization_context(world.acme):
        assert actions.redact_restricted() == 1
    assert places_of(world, CANARY) == []


def test_a_quarantined_body_is_redacted_with_its_call(world: World) -> None:
    receive(world, personal("call_started", duration_ms="one second"))
    receive(world, personal("call_ended", data_storage_setting="basic_attributes_only"))
    with organization_context(world.acme):
        assert actions.redact_restricted() == 1
    assert places_of(world, CANARY) == []


def test_a_body_without_its_access_token_is_redacted_further(world: World) -> None:
    receive(world, personal("call_started", access_token="secret"))
    receive(world, personal("call_ended", data_storage_setting="basic_attributes_only"))
    with organization_context(world.acme):
        assert actions.redact_restricted() == 1
    assert places_of(world, CANARY) == []


def test_what_is_redacted_is_looked_at_no_more(
    world: World, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "REDACTION_SETTLES", timedelta(0))
    receive(world, personal("call_started"))
    receive(world, personal("call_ended", data_storage_setting="basic_attributes_only"))
    with organization_context(world.acme):
        assert actions.redact_restricted() == 1
        assert not Delivery.objects.to_redact().exists()
    receive(world, body_of(call_id="call_2"))
    with organization_context(world.acme), django_assert_num_queries(1):
        assert actions.redact_restricted() == 0


def test_more_marks_than_a_batch_are_all_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "REDACTION_SETTLES", timedelta(0))
    monkeypatch.setattr(actions, "REDACTION_BATCH", 1)
    for call_id in ("call_1", "call_2", "call_3"):
        receive(world, personal("call_started", call_id=call_id))
        receive(world, personal("call_ended", call_id=call_id, data_storage_setting="x"))
    with organization_context(world.acme):
        assert actions.redact_restricted() == 3
    assert places_of(world, CANARY) == []


def test_a_restriction_that_is_applied_later_redacts_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "REDACTION_SETTLES", timedelta(0))
    receive(world, personal("call_started"))
    with monkeypatch.context() as patch:
        patch.setattr("webhooks.storing.store", lambda *_: 1 / 0)
        receive(world, personal("call_ended", data_storage_setting="basic_attributes_only"))
    with organization_context(world.acme):
        assert actions.redact_restricted() == 0
        for delivery in Delivery.objects.filter(state="failed"):
            actions.apply_again(delivery, organization=world.acme)
        assert actions.redact_restricted() == 1
    assert places_of(world, CANARY) == []


def test_bodies_of_other_calls_stay_as_they_are(world: World) -> None:
    receive(world, body_of(call_id="call_2", transcript=CANARY))
    receive(world, personal("call_ended", data_storage_setting="basic_attributes_only"))
    with organization_context(world.acme):
        assert actions.redact_restricted() == 0
    assert call_of(world, "call_2").transcript == CANARY


def test_a_restricted_chat_leaves_nothing_personal(world: World) -> None:
    chat = {"chat_id": "chat_1", "transcript": CANARY, "message_with_tool_calls": [CANARY]}
    receive(world, json.dumps({"event": "chat_started", "chat": chat}).encode())
    chat["data_storage_setting"] = "basic_attributes_only"
    receive(world, json.dumps({"event": "chat_ended", "chat": chat}).encode())
    with organization_context(world.acme):
        assert actions.redact_restricted() == 1
    assert places_of(world, CANARY) == []


def test_a_redacted_body_applied_again_leads_to_the_same_row(world: World) -> None:
    for event in ("call_started", "call_ended"):
        receive(world, personal(event, data_storage_setting="everything_except_pii",
                                agent_tag="test", duration_ms=61_000))  # fmt: skip
    before = call_of(world)
    with organization_context(world.acme):
        kept = list(Delivery.objects.all())
        Call.objects.all().delete()
        for delivery in kept:
            actions.apply_again(delivery, organization=world.acme)
    after = call_of(world)
    assert (after.provenance, after.details) == (before.provenance, before.details)
    assert (after.duration_ms, after.is_billable) == (61_000, False)


def test_scrubbed_fields_stay_when_only_personal_ones_must_go(world: World) -> None:
    receive(world, sample("odd.storage_everything_except_pii.json").body)
    with organization_context(world.acme):
        details = Call.objects.get().details
    assert any(name.startswith("scrubbed_") for name in details)


texts = st.sampled_from([None, CANARY, {"a": CANARY}, [CANARY]])


@settings(against_database, max_examples=60)
@given(
    settings_=st.lists(st.sampled_from([None, "everything", *RESTRICTED]), min_size=1, max_size=4),
    extra=st.dictionaries(st.text(max_size=8), texts, max_size=3),
)
def test_whatever_a_restricted_call_brings_it_keeps_nothing_personal(
    world: World, settings_: list[str | None], extra: dict[str, Any]
) -> None:
    events = ("call_started", "transcript_updated", "call_ended", "call_analyzed")
    with undone():
        for event, setting in zip(events, settings_, strict=False):
            fields = {f"x{name}": value for name, value in extra.items()}
            receive(world, personal(event, data_storage_setting=setting, **fields))
        with organization_context(world.acme):
            actions.redact_restricted()
        is_restricted = bool(set(settings_) & set(RESTRICTED))
        assert bool(places_of(world, CANARY)) != is_restricted


# --- What could not be read ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"\xff" + CANARY.encode(), CANARY.encode(), b'{"event":"x","a":NaN,"b":"canary-7f3a"}',
     b'{"event":"x","a":1e400,"b":"canary-7f3a"}', b'["canary-7f3a"]',
     b'{"a":' * 500 + b'"canary-7f3a"' + b"}" * 500],
)  # fmt: skip
def test_an_unreadable_body_goes_after_its_time(world: World, body: bytes) -> None:
    receive(world, body)
    assert not only_delivery(world).is_decodable
    with organization_context(world.acme):
        assert retention.remove_unreadable_bodies(timezone.now() - timedelta(days=30)) == 0
        assert retention.remove_unreadable_bodies(timezone.now() + timedelta(seconds=1)) == 1
        assert retention.remove_unreadable_bodies(timezone.now() + timedelta(seconds=1)) == 0
    assert places_of(world, CANARY) == []
    assert only_delivery(world).body_removed_at


def test_a_readable_body_stays(world: World) -> None:
    receive(world, body_of(duration_ms="one second", transcript=CANARY))
    with organization_context(world.acme):
        assert retention.remove_unreadable_bodies(timezone.now() + timedelta(days=1)) == 0
    assert places_of(world, CANARY) == ["webhooks_delivery.body"]
