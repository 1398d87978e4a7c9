"""The page around the numbers: what is chosen, what is empty, who sees what."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Agent, RetellConnection
from calls.models import Call, RetellAlert
from jobs.models import Job
from tenants.models import Organization
from testing.fixtures import CanaryClient, ClientFactory, World
from webhooks.models import Delivery


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


@pytest.fixture
def bob(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.bob, world.acme)


def text_of(client: CanaryClient, path: str = "/", **headers: Any) -> str:
    response = client.get(path, **headers)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def add_calls(count: int, *, agents: int = 1, **fields: Any) -> None:
    now = timezone.now()
    for number in range(agents):
        Agent.objects.get_or_create(retell_agent_id=f"agent_{number}")
    Call.objects.bulk_create(
        Call(
            retell_call_id=f"call_{now.timestamp()}_{at}",
            started_at=now - timedelta(minutes=at),
            agent_id=f"agent_{at % agents}",
            **{"status": "ended", "disconnection_reason": f"reason_{at}"} | fields,
        )
        for at in range(count)
    )


def queries(client: CanaryClient) -> int:
    with CaptureQueriesContext(connections["default"]) as captured:
        client.get("/")
    return len(captured)


def test_the_figures_alone_are_those_of_the_page(alice: CanaryClient) -> None:
    url = alice.get("/?period=30d&compare=no").context["figures_url"]
    assert url == "/figures/?period=30d&compare=no"
    page = text_of(alice, url, headers={"HX-Request": "true"})
    assert page.count("data-live-counter") == 16
    assert "<html" not in page


def test_more_calls_and_agents_take_no_more_queries(
    in_acme: Organization, alice: CanaryClient
) -> None:
    add_calls(2)
    queries(alice)
    before = queries(alice)
    add_calls(200, agents=20)
    assert queries(alice) == before


def test_a_new_organization_is_told_what_to_do_next(
    in_acme: Organization, alice: CanaryClient
) -> None:
    RetellConnection.objects.all().delete()
    page = text_of(alice)
    assert "Connect Retell, and calls appear here" in page
    assert 'class="button primary" href="/settings/retell/"' in page


def test_a_viewer_of_a_new_organization_gets_no_button(
    in_acme: Organization, bob: CanaryClient
) -> None:
    RetellConnection.objects.all().delete()
    page = text_of(bob)
    assert "once an admin has connected Retell" in page
    assert "/settings/retell/" not in page


def test_a_connected_organization_waits_for_its_first_call(alice: CanaryClient) -> None:
    assert "The first call appears here" in text_of(alice)


def test_a_period_without_calls_says_so(in_acme: Organization, alice: CanaryClient) -> None:
    add_calls(1)
    page = text_of(alice, "/?period=custom&first=2020-01-01&last=2020-01-02")
    assert "No calls in this period" in page
    assert 'href="?period=90d"' in page


def test_days_that_make_no_period_are_explained_beside_their_field(alice: CanaryClient) -> None:
    page = text_of(alice, "/?period=custom&first=2020-02-01&last=2020-01-01")
    assert "The last day lies before the first." in page
    assert re.search(r'<details class="menu" id="other-days" open>', page)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("x=1", "“x” is not known here and was ignored."),
        ("agent=00000000-0000-0000-0000-000000000000", "There is no such agent here"),
        ("agent=nobody", "There is no such agent here"),
        ("period=decade", "There is no such period"),
    ],
)
def test_what_was_ignored_of_a_url_is_said(alice: CanaryClient, query: str, said: str) -> None:
    assert said in text_of(alice, f"/?{query}")


def test_comparing_can_be_turned_off_in_the_url(in_acme: Organization, alice: CanaryClient) -> None:
    add_calls(3)
    assert 'class="before"' in text_of(alice)
    page = text_of(alice, "/?compare=no")
    assert 'class="before"' not in page
    assert 'href="/">Compare with the period before' in page


def test_one_agent_is_looked_at_alone(in_acme: Organization, alice: CanaryClient) -> None:
    add_calls(4, agents=2)
    agent = Agent.objects.get(retell_agent_id="agent_1")
    response = alice.get("/", {"agent": str(agent.pk)})
    assert response.context["kpis"][0]["value"] == "2"
    assert f"agent={agent.pk}" in response.context["kpis"][0]["url"]


def test_the_refreshed_part_brings_how_complete_it_is(alice: CanaryClient) -> None:
    part = text_of(alice, headers={"HX-Request": "true"})
    assert part.startswith('<div id="overview"')
    assert 'hx-swap-oob="innerHTML:#overview-status"' in part
    assert "<html" not in part


def test_calls_that_go_on_stand_first(in_acme: Organization, alice: CanaryClient) -> None:
    add_calls(9)
    add_calls(1, status="ongoing", disconnection_reason=None, from_number="+14155550142")
    page = text_of(alice, "/now/")
    assert "1 in progress" in page
    assert page.index("+1 (415) 555-0142") < page.index("Unknown number")


def test_a_viewer_sees_masked_numbers_in_what_goes_on(
    in_acme: Organization, bob: CanaryClient
) -> None:
    add_calls(1, status="ongoing", from_number="+14155550142")
    page = text_of(bob, "/now/")
    assert "•••• 0142" in page
    assert "(415)" not in page
    assert "4155550142" not in page


def quarantined(number: int) -> Delivery:
    now = timezone.now()
    return Delivery.objects.create(
        body_sha256=bytes([number]) * 32, body=b"{", size_bytes=1, state="quarantined",
        reason="not_json", received_at=now, last_received_at=now,
    )  # fmt: skip


def titles(client: CanaryClient) -> list[str]:
    attention = client.get("/").context["attention"]
    return [item.title for item in [*attention["items"], *attention["more"]]]


def test_deliveries_in_quarantine_need_attention(in_acme: Organization, bob: CanaryClient) -> None:
    for number in (1, 2):
        quarantined(number)
    assert "2 deliveries in quarantine" in titles(bob)
    assert 'href="/deliveries/?verdict=quarantined"' in text_of(bob)


def test_an_open_alert_needs_attention_until_it_is_resolved(
    in_acme: Organization, alice: CanaryClient
) -> None:
    alert = RetellAlert.objects.create(incident_id="i", name="Too slow")
    assert "Too slow" in titles(alice)
    RetellAlert.objects.filter(pk=alert.pk).update(is_resolved=True)
    assert "Too slow" not in titles(alice)


def test_a_failed_job_needs_attention_of_those_who_may_see_it(
    in_acme: Organization, alice: CanaryClient, bob: CanaryClient
) -> None:
    Job.objects.create(kind="replay", title="Apply again", state="failed", message="Broke.")
    assert "Apply again" in titles(alice)
    assert "Apply again" not in titles(bob)
    Job.objects.create(kind="replay", title="Once more", state="done")
    assert "Apply again" not in titles(alice)


def test_an_agent_whose_webhook_leads_elsewhere_needs_attention(
    in_acme: Organization, alice: CanaryClient
) -> None:
    RetellConnection.objects.update_or_create(pk=1, defaults={"agents_problem": "Refused."})
    Agent.objects.create(retell_agent_id="agent_9", name="Lost", gone_at=timezone.now())
    add_calls(1)
    Call.objects.update(agent_id="agent_9", started_at=timezone.now() + timedelta(minutes=1))
    assert "Lost" in titles(alice)
