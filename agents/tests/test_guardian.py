"""What would cost calls is found, said, and fixed or explained."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents import guardian
from agents.guardian import Finding, Heard, OwnUrls, Severity
from agents.models import Agent, ApiKeyState, RetellConnection
from agents.tasks import sync_one
from agents.tests.conftest import Make
from calls.models import Call
from tenants.models import Organization, WebhookEndpoint
from testing.fixtures import World
from testing.retell import body_of, receive
from testing.retell_api import FaultyRetell

ELSEWHERE = "https://n8n.example.com/webhook/abc"
DRAFTED_AT = 1_795_000_100_000


def found(**heard: bool) -> list[Finding]:
    """Of the one agent, told only by what is stored."""
    agent = Agent.objects.get()
    return guardian.of_agent(agent, guardian.own_urls(), Heard(**heard), timezone.now())


def codes(**heard: bool) -> list[str]:
    return [finding.code for finding in found(**heard)]


# --- Webhook URL ---------------------------------------------------------------------------------


def test_an_agent_that_sends_elsewhere_bypasses_us(make: Make) -> None:
    make(webhook_url=ELSEWHERE)
    (finding,) = found()
    assert (finding.code, finding.severity) == ("bypass", Severity.LOSES)
    assert "n8n.example.com" in finding.title
    assert "not stored unless the ten-minute comparison finds them" in finding.cost
    assert finding.is_fixable
    assert finding.needs_attention


def test_our_own_url_is_right(make: Make, own_url: str) -> None:
    make(webhook_url=own_url)
    assert codes() == []


def test_the_accounts_url_is_right_for_an_agent_without_one(make: Make) -> None:
    make()
    assert codes() == []


def test_a_token_of_nobody_on_our_host_is_no_url_of_ours(make: Make) -> None:
    make(webhook_url=f"{settings.PUBLIC_BASE_URL}/webhooks/retell/{'x' * 43}/")
    assert codes() == ["url_expired"]


@pytest.mark.parametrize(("days", "code"), [(-1, "url_expired"), (3, "url_ends")])
def test_an_old_url_of_ours_ends(make: Make, own_url: str, days: int, code: str) -> None:
    make(webhook_url=own_url)
    ends = {
        token: timezone.now() + timedelta(days=days) for token in guardian.own_urls().expires_at
    }
    of = guardian.of_agent(Agent.objects.get(), OwnUrls(ends), Heard(), timezone.now())
    assert [finding.code for finding in of] == [code]
    assert of[0].is_fixable


def test_calls_that_only_the_comparison_found_tell_that_no_webhook_comes(make: Make) -> None:
    make()
    (finding,) = found(by_comparison=True)
    assert (finding.code, finding.is_fixable) == ("unheard", True)
    assert codes(by_comparison=True, by_webhook=True) == []


def test_an_own_url_that_is_right_and_unheard_is_no_matter_of_the_url(
    make: Make, own_url: str
) -> None:
    make(webhook_url=own_url)
    (finding,) = found(by_comparison=True)
    assert (finding.code, finding.is_fixable) == ("unheard", False)
    assert "signing key" in finding.remedy


# --- Events --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "missing", "severity"),
    [
        (["call_started", "call_analyzed"], "call_ended", Severity.LOSES),
        (["call_ended", "call_analyzed"], "call_started", Severity.RISK),
        (["call_started", "call_ended", "transcript_updated"], "call_analyzed", Severity.RISK),
    ],
)
def test_events_that_are_not_sent(
    make: Make, events: list[str], missing: str, severity: Severity
) -> None:
    make(webhook_events=events)
    (finding,) = found()
    assert (finding.code, finding.severity, finding.is_fixable) == ("events", severity, True)
    assert finding.title == f"It does not send {missing}."


def test_chat_agents_want_events_of_chats(make: Make) -> None:
    make(channel="chat", webhook_events=["chat_started", "chat_ended", "chat_analyzed"])
    assert codes() == []


def test_retells_default_events_are_all_that_is_wanted(make: Make) -> None:
    make(webhook_events=None)
    assert codes() == []


def test_who_sends_elsewhere_is_not_told_of_events_too(make: Make) -> None:
    make(webhook_url=ELSEWHERE, webhook_events=["call_ended"])
    assert codes() == ["bypass"]


# --- Versions and tags ---------------------------------------------------------------------------


def test_a_draft_that_has_it_right_is_not_published(make: Make, in_acme: Organization) -> None:
    fake, _ = make(webhook_url=ELSEWHERE)
    fake.branch(0, DRAFTED_AT).update(webhook_url="")
    sync_one(in_acme)
    finding = found()[0]
    assert finding.code == "unpublished"
    assert "Version 1 has it right but is not published; calls use version 0" in finding.title


def test_a_draft_that_is_wrong_costs_nothing_yet(make: Make, in_acme: Organization) -> None:
    fake, _ = make()
    fake.branch(0, DRAFTED_AT).update(webhook_url=ELSEWHERE)
    sync_one(in_acme)
    (finding,) = found()
    assert (finding.code, finding.severity) == ("draft", Severity.NOTE)
    assert "Version 1 is not published; calls use version 0" in finding.title


def test_a_draft_that_changes_something_else_is_no_finding(
    make: Make, in_acme: Organization
) -> None:
    fake, _ = make()
    fake.branch(0, DRAFTED_AT).update(voice_id="another")
    sync_one(in_acme)
    assert codes() == []


def test_an_agent_that_was_never_published_is_noted(
    connected: FaultyRetell, in_acme: Organization
) -> None:
    connected.acme.add_agent("agent_1").latest["is_published"] = False
    sync_one(in_acme)
    assert codes() == ["never_published"]


def test_a_tag_can_stay_behind(make: Make, in_acme: Organization) -> None:
    fake, _ = make(webhook_url=ELSEWHERE)
    fake.branch(0, DRAFTED_AT).update(webhook_url="", is_published=True)
    fake.tags = {"prod": 0}
    sync_one(in_acme)
    (finding,) = found()
    assert (finding.code, finding.is_fixable) == ("tag", False)
    assert "tag prod points at version 0" in finding.title


# --- Storage and standing ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "severity"),
    [("basic_attributes_only", Severity.RISK), ("everything_except_pii", Severity.NOTE)],
)
def test_storage_that_keeps_less(make: Make, setting: str, severity: Severity) -> None:
    make(data_storage_setting=setting)
    (finding,) = found()
    assert (finding.code, finding.severity) == (setting, severity)


@pytest.mark.parametrize(
    ("days", "expected"), [(7, [Severity.RISK]), (31, [Severity.NOTE]), (None, [])]
)
def test_a_retention_loses_recordings(
    make: Make, days: int | None, expected: list[Severity]
) -> None:
    make(data_storage_retention_days=days)
    retention = [finding for finding in found() if finding.code == "retention"]
    assert [finding.severity for finding in retention] == expected


def test_an_agent_unknown_to_retell_whose_calls_arrive(
    world: World, in_acme: Organization, connected: FaultyRetell
) -> None:
    receive(world, body_of("call_started", "call_1", agent_id="agent_9"))
    sync_one(in_acme)
    assert guardian.findings() == []
    receive(world, body_of("call_started", "call_2", agent_id="agent_9"))
    Call.objects.filter(retell_call_id="call_2").update(
        first_seen_at=timezone.now() + timedelta(minutes=1)
    )
    assert [finding.code for finding in guardian.findings()] == ["unknown"]


def test_an_agent_that_was_never_read(in_acme: Organization, connected: FaultyRetell) -> None:
    Agent.objects.create(
        retell_agent_id="agent_9", first_seen_at=timezone.now() - timedelta(hours=3)
    )
    assert [finding.code for finding in guardian.findings()] == ["never_synced"]


def test_settings_that_were_read_long_ago(make: Make) -> None:
    make()
    Agent.objects.update(synced_at=timezone.now() - timedelta(days=3))
    assert codes() == ["old_sync"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"api_key_encrypted": None}, "no_key"),
        ({"api_key_state": ApiKeyState.REFUSED}, "key_refused"),
        ({"api_key_state": ApiKeyState.NO_ACCESS}, "key_no_access"),
        ({"agents_problem": "Retell did not answer."}, "sync_failed"),
    ],
)
def test_keys_without_access(
    in_acme: Organization, connected: FaultyRetell, changed: dict[str, Any], code: str
) -> None:
    RetellConnection.objects.update(**changed)
    assert [finding.code for finding in guardian.findings()] == [code]


@pytest.mark.parametrize(
    ("problem", "cost"), [("Not allowed.", "Agents cannot be read"), ("", "Agents can be read")]
)
def test_a_key_without_access_says_to_what(
    in_acme: Organization, connected: FaultyRetell, problem: str, cost: str
) -> None:
    RetellConnection.objects.update(api_key_state=ApiKeyState.NO_ACCESS, agents_problem=problem)
    (finding,) = guardian.findings()
    assert finding.cost.startswith(cost)


# --- All of them ---------------------------------------------------------------------------------


def call(call_id: str, source: str, *, days_ago: float) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    Call.objects.create(
        retell_call_id=call_id, agent_id="agent_1", source=source, started_at=at, provenance={}
    )


@pytest.mark.parametrize(
    ("webhook_days_ago", "expected"), [(None, ["unheard"]), (0.2, []), (5, ["unheard"])]
)
def test_what_was_heard_is_of_the_last_day(
    make: Make, webhook_days_ago: float | None, expected: list[str]
) -> None:
    make()
    call("call_1", "reconciled", days_ago=0.1)
    if webhook_days_ago is not None:
        call("call_2", "webhook", days_ago=webhook_days_ago)
    assert [finding.code for finding in guardian.findings()] == expected


def test_history_from_before_the_connection_was_never_sent(make: Make) -> None:
    make()
    RetellConnection.objects.update(connected_at=timezone.now())
    call("call_1", "reconciled", days_ago=0.1)
    assert guardian.findings() == []


def test_the_worst_comes_first_and_notes_need_no_attention(make: Make) -> None:
    make("agent_1", name="A", data_storage_setting="everything_except_pii")
    make("agent_2", name="B", data_storage_retention_days=3)
    make("agent_3", name="C", webhook_url=ELSEWHERE)
    findings = guardian.findings()
    assert [finding.subject for finding in findings] == ["C", "B", "A"]
    assert guardian.count(findings) == 2


def test_two_hundred_agents_cost_as_many_queries_as_two(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    Agent.objects.bulk_create(Agent(retell_agent_id=f"agent_{n}") for n in range(2))
    with CaptureQueriesContext(connection) as few:
        guardian.findings()
    Agent.objects.bulk_create(Agent(retell_agent_id=f"agent_{n}") for n in range(2, 200))
    with CaptureQueriesContext(connection) as many:
        guardian.findings()
    assert len(many) == len(few)


def test_an_organization_knows_its_own_urls_only(world: World, in_acme: Organization) -> None:
    assert len(guardian.own_urls().expires_at) == WebhookEndpoint.objects.count() == 1


def test_without_a_key_only_that_is_told_of_old_settings(make: Make) -> None:
    make()
    Agent.objects.update(synced_at=timezone.now() - timedelta(days=3))
    RetellConnection.objects.update(api_key_encrypted=None)
    assert [finding.code for finding in guardian.findings()] == ["no_key"]
