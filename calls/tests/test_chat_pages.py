"""The list of chats with its filters, and one of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Agent
from calls.models import Chat
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


def make(acme: Organization, number: int = 0, **fields: Any) -> Chat:
    defaults: dict[str, Any] = {
        "retell_chat_id": f"chat_{number}",
        "status": "ended",
        "started_at": NOON + timedelta(minutes=number),
    }
    with organization_context(acme):
        return Chat.objects.create(**{**defaults, **fields})


def shown(client: CanaryClient, query: str = "") -> list[str]:
    response = client.get(f"/calls/chats/{query}")
    assert response.status_code == 200
    return re.findall(r'title="(chat_\d+)"', response.content.decode())


@pytest.mark.parametrize(
    ("fields", "query"),
    [
        ({"user_sentiment": "Negative"}, "?sentiment=Negative"),
        ({"chat_successful": True}, "?outcome=successful"),
        ({"status": "error"}, "?status=error"),
        ({"chat_type": "sms_chat"}, "?type=sms_chat"),
        ({"cost_cents": 250}, "?min_cost=2&max_cost=3"),
        ({"started_at": NOON - timedelta(days=9)}, "?started_before=2026-11-15T00:00"),
        ({"transcript": "User: May I bring my dogs?"}, "?text=dog"),
        ({"transcript": "User: May I bring my dogs?"}, "?q=dog"),
        ({"retell_chat_id": "chat_77"}, "?q=chat_77"),
        ({"agent_id": "agent_1"}, "?agent={agent}"),
    ],
)
def test_a_filter_finds_what_it_says(
    acme: Organization, alice: CanaryClient, fields: dict[str, Any], query: str
) -> None:
    with organization_context(acme):
        agent = Agent.objects.create(retell_agent_id="agent_1", name="Web desk")
    make(acme, 1)
    wanted = make(acme, 2, **fields)
    assert shown(alice, query.format(agent=agent.pk)) == [wanted.retell_chat_id]


def test_words_are_shown_where_they_stand(acme: Organization, alice: CanaryClient) -> None:
    make(acme, transcript="User: May I bring my dogs?")
    assert "<mark>dogs</mark>" in alice.get("/calls/chats/?q=dog").content.decode()


@pytest.mark.parametrize("query", ["?direction=inbound", "?min_duration_s=5", "?nonsense=1"])
def test_what_chats_do_not_have_is_ignored_with_a_note(
    acme: Organization, alice: CanaryClient, query: str
) -> None:
    make(acme)
    response = alice.get(f"/calls/chats/{query}")
    assert "is not known and was ignored" in response.content.decode()
    assert shown(alice, query) == ["chat_0"]


@pytest.mark.parametrize(
    ("query", "title"),
    [("", "No chats yet"), ("?outcome=error", "No chat matches")],
)
def test_an_empty_list_says_why(alice: CanaryClient, query: str, title: str) -> None:
    assert title in alice.get(f"/calls/chats/{query}").content.decode()


def test_pages_lead_both_ways_within_the_filter(acme: Organization, alice: CanaryClient) -> None:
    for number in range(60):
        make(acme, number)
    first = alice.get("/calls/chats/?outcome=ended").content.decode()
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    assert "outcome=ended" in older[1]
    second = alice.get(older[1].replace("&amp;", "&")).content.decode()
    assert len(re.findall(r'title="chat_\d+"', second)) == 10
    assert 'rel="prev"' in second


def queries(client: CanaryClient, query: str = "") -> int:
    with CaptureQueriesContext(connection) as captured:
        shown(client, query)
    return len(captured)


@pytest.mark.parametrize("query", ["", "?outcome=ended", "?q=dog"])
def test_the_list_takes_as_many_queries_for_200_as_for_2(
    acme: Organization, alice: CanaryClient, query: str
) -> None:
    for number in range(2):
        make(acme, number, transcript="A dog")
    queries(alice, query)
    few = queries(alice, query)
    for number in range(2, 200):
        make(acme, number, transcript="A dog")
    assert queries(alice, query) == few


def test_newer_and_older_walk_the_filtered_list(acme: Organization, alice: CanaryClient) -> None:
    chats = [make(acme, n, chat_type="sms_chat" if n % 2 else "api_chat") for n in range(5)]
    page = alice.get(f"{chats[2].get_absolute_url()}?type=api_chat").content.decode()
    found = dict(re.findall(r'rel="(prev|next)" href="([^"]+)"', page))
    assert found == {
        "prev": f"{chats[4].get_absolute_url()}?type=api_chat",
        "next": f"{chats[0].get_absolute_url()}?type=api_chat",
    }
    assert 'href="/calls/chats/?type=api_chat"' in page


def test_messages_are_shown_with_their_times(acme: Organization, alice: CanaryClient) -> None:
    messages = [
        {"role": "user", "content": "Do you allow pets?", "created_timestamp": 1795125009000},
        {"role": "tool_call_invocation", "tool_call_id": "t", "name": "rules", "arguments": "{}"},
        {"role": "tool_call_result", "tool_call_id": "t", "content": "20 kg", "successful": True},
    ]
    page = alice.get(make(acme, messages=messages).get_absolute_url()).content.decode()
    assert "Customer" in page
    assert re.search(r'<time datetime="[^"]+"[^>]*>\d+:\d\d:09 [AP]M</time></a>', page)
    assert "20 kg" in page


def test_a_chat_without_messages_says_so(acme: Organization, alice: CanaryClient) -> None:
    page = alice.get(make(acme).get_absolute_url()).content.decode()
    assert "Retell sent no messages for this chat." in page
