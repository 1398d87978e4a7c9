"""The list and the page of agents: what Retell says, numbers with the calls behind, findings."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Agent, RetellConnection
from agents.tests.conftest import Make
from calls.models import Call, Chat
from jobs.models import Job
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.retell_api import FaultyRetell

ELSEWHERE = "https://n8n.example.com/webhook/abc"


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


@pytest.fixture
def bob(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.bob, world.acme)


def rows(browser: CanaryClient, query: str = "") -> list[Any]:
    return list(browser.get(f"/agents/{query}").context["rows"])


def names(browser: CanaryClient, query: str = "") -> list[str]:
    return [row.agent.display_name for row in rows(browser, query)]


def call(number: int, *, days_ago: float = 1, agent: str = "agent_1", **values: Any) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    Call.objects.create(retell_call_id=f"call_{number}", agent_id=agent, started_at=at, **values)


def had_calls() -> None:
    """Three within thirty days, two of them judged, and one long ago."""
    call(1, status="ended", call_successful=True, latency_p50_ms=800, cost_cents=Decimal("10.5"))
    call(2, status="ended", call_successful=False, latency_p50_ms=1000, cost_cents=Decimal(4))
    call(3, status="ongoing")
    call(4, days_ago=40, status="ended", call_successful=True, cost_cents=Decimal(99))


# --- List ----------------------------------------------------------------------------------------


def test_numbers_are_of_the_last_thirty_days(make: Make, bob: CanaryClient) -> None:
    make()
    had_calls()
    (row,) = rows(bob)
    assert (row.calls, row.success_rate) == (3, 0.5)
    assert (row.latency_ms, row.cost_cents) == (900, Decimal("14.5"))


def test_chats_are_counted_for_chat_agents(make: Make, bob: CanaryClient) -> None:
    make(channel="chat")
    Chat.objects.create(retell_chat_id="chat_1", agent_id="agent_1", cost_cents=2)
    (row,) = rows(bob)
    assert (row.calls, row.cost_cents, row.latency_ms) == (1, 2, None)


def test_an_agent_without_calls_has_no_rates(make: Make, bob: CanaryClient) -> None:
    make()
    (row,) = rows(bob)
    assert (row.calls, row.success_rate, row.latency_ms, row.cost_cents) == (0, None, None, None)


def test_a_badge_counts_findings_in_the_tone_of_the_worst(make: Make, bob: CanaryClient) -> None:
    make(webhook_url=ELSEWHERE, data_storage_retention_days=3)
    (row,) = rows(bob)
    assert (row.attention.label, row.attention.tone) == ("2 findings", "bad")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=front", {"Front Desk"}),
        ("?q=AGENT_2", {"Night Line"}),
        ("?status=draft", {"Night Line"}),
        ("?channel=chat", {"Website"}),
        ("?findings=any", {"Front Desk"}),
        ("?findings=none", {"Night Line", "Website"}),
        ("?status=nonsense", {"Front Desk", "Night Line", "Website"}),
        ("?q=front&channel=chat", set()),
    ],
)
def test_filters(make: Make, bob: CanaryClient, query: str, expected: set[str]) -> None:
    make("agent_1", name="Front Desk", webhook_url=ELSEWHERE)
    make("agent_2", name="Night Line", published=False)
    make("agent_3", name="Website", channel="chat")
    assert set(names(bob, query)) == expected


def test_nothing_yet_and_nothing_that_matches_are_told_apart(bob: CanaryClient, make: Make) -> None:
    assert "No agents yet" in bob.get("/agents/").content.decode()
    make()
    assert "No agent matches" in bob.get("/agents/?q=nobody").content.decode()


def test_a_sync_that_failed_stands_on_the_page(bob: CanaryClient, connected: FaultyRetell) -> None:
    RetellConnection.objects.update(agents_problem="Retell did not answer.")
    shown = bob.get("/agents/").content.decode()
    assert "The last sync of agents was not finished." in shown
    assert "Retell did not answer." in shown


def test_the_list_costs_as_many_queries_at_two_hundred_agents(
    bob: CanaryClient, connected: FaultyRetell
) -> None:
    Agent.objects.bulk_create(Agent(retell_agent_id=f"agent_{n}") for n in range(2))
    call(1)
    with CaptureQueriesContext(connection) as few:
        bob.get("/agents/")
    Agent.objects.bulk_create(Agent(retell_agent_id=f"agent_{n}") for n in range(2, 200))
    for number in range(2, 20):
        call(number, agent=f"agent_{number}")
    with CaptureQueriesContext(connection) as many:
        assert len(rows(bob)) == 200
    assert len(many) == len(few)


# --- Sync ----------------------------------------------------------------------------------------


def test_the_button_starts_a_sync(alice: CanaryClient, connected: FaultyRetell) -> None:
    assert alice.post("/agents/sync/").status_code == 302
    assert Job.objects.get().kind == "sync_agents"


def test_without_an_api_key_the_button_says_so(alice: CanaryClient, world: World) -> None:
    response = alice.post("/agents/sync/", follow=True)
    assert "There is no Retell API key" in str(next(iter(response.context["messages"])))
    with organization_context(world.acme):
        assert not Job.objects.exists()


def test_a_viewer_sees_no_button(bob: CanaryClient, make: Make) -> None:
    make()
    assert "/agents/sync/" not in bob.get("/agents/").content.decode()
    assert bob.post("/agents/sync/").status_code == 403


# --- One agent -----------------------------------------------------------------------------------


def test_numbers_of_an_agent_lead_to_the_calls_behind_them(make: Make, bob: CanaryClient) -> None:
    _, agent = make()
    had_calls()
    page = bob.get(f"{agent.get_absolute_url()}?period=30d")
    tiles = {tile["label"]: tile for tile in page.context["kpis"]}
    assert (tiles["Calls"]["value"], tiles["Success rate"]["value"]) == ("3", "50.0%")
    assert len(bob.get(tiles["Calls"]["url"]).context["page"].rows) == 3
    assert len(bob.get(tiles["Success rate"]["url"]).context["page"].rows) == 1


def test_numbers_of_the_list_lead_to_what_is_behind_them(make: Make, bob: CanaryClient) -> None:
    make()
    make("agent_2", name="Website", channel="chat")
    had_calls()
    Chat.objects.create(retell_chat_id="chat_1", agent_id="agent_2", status="ended")
    voice, chat = sorted(rows(bob), key=lambda row: row.agent.retell_agent_id)
    for row in (voice, chat):
        assert len(bob.get(row.calls_url).context["page"].rows) == row.calls
        assert row.calls_url.replace("&", "&amp;") in bob.get("/agents/").content.decode()
    assert len(bob.get(voice.successful_url).context["page"].rows) == 1


def test_a_shorter_period_counts_less(make: Make, bob: CanaryClient) -> None:
    _, agent = make()
    call(1, days_ago=0)
    call(2, days_ago=10)
    page = bob.get(f"{agent.get_absolute_url()}?period=7d")
    assert page.context["kpis"][0]["value"] == "1"


def test_numbers_of_one_agent_are_not_those_of_another(make: Make, bob: CanaryClient) -> None:
    make("agent_2")
    _, agent = make("agent_1")
    call(1, agent="agent_2")
    assert bob.get(agent.get_absolute_url()).context["kpis"][0]["value"] == "0"


def test_the_page_says_what_retell_has(make: Make, bob: CanaryClient) -> None:
    _, agent = make(webhook_url=ELSEWHERE, data_storage_retention_days=7)
    shown = bob.get(agent.get_absolute_url()).content.decode()
    for text in ("https://n8n.example.com/…", "7 days", "Published", "Synced with Retell"):
        assert text in shown
    assert "/webhook/abc" not in shown


def test_a_finding_says_cost_and_offers_the_fix_to_who_may(
    make: Make, alice: CanaryClient, bob: CanaryClient
) -> None:
    _, agent = make(webhook_url=ELSEWHERE)
    shown = alice.get(agent.get_absolute_url()).content.decode()
    assert "Its calls are not stored unless the ten-minute comparison finds them." in shown
    assert f"/agents/{agent.pk}/webhook/" in shown
    assert f"/agents/{agent.pk}/webhook/" not in bob.get(agent.get_absolute_url()).content.decode()


def test_an_agent_that_is_gone_keeps_its_page_and_calls(
    make: Make, bob: CanaryClient, in_acme: Organization, connected: FaultyRetell
) -> None:
    _, agent = make()
    call(1)
    Agent.objects.update(gone_at=timezone.now())
    page = bob.get(agent.get_absolute_url())
    assert "its calls are kept" in page.content.decode()
    assert len(page.context["recent_calls"]) == 1


def test_resetting_a_name_goes_back_to_retells(make: Make, alice: CanaryClient) -> None:
    _, agent = make(name="Theirs")
    alice.post(f"/agents/{agent.pk}/edit/", {"name": "Ours"})
    alice.post(f"/agents/{agent.pk}/edit/", {"name": ""})
    agent.refresh_from_db()
    assert agent.display_name == "Theirs"


@pytest.mark.parametrize("path", ["/agents/", "agent"])
def test_a_refresh_is_the_part_that_the_page_includes(
    make: Make, bob: CanaryClient, path: str
) -> None:
    _, agent = make()
    url = agent.get_absolute_url() if path == "agent" else path
    part = bob.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'data-live="agents calls"' in part


@pytest.mark.parametrize(("days", "said"), [(30, True), (None, False)])
def test_a_call_says_when_retell_deletes_it(
    make: Make, bob: CanaryClient, days: int | None, said: bool
) -> None:
    make(data_storage_retention_days=days)
    ended_at = timezone.now() - timedelta(days=1)
    call(1, status="ended", ended_at=ended_at)
    page = bob.get(Call.objects.get().get_absolute_url()).content.decode()
    assert ("Retell deletes on" in page) is said
