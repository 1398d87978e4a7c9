"""Whatever was stored, the pages that show it answer."""

from __future__ import annotations

import json

import pytest

from calls.models import Call, Chat, RetellAlert
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.retell import body_of, extra_samples, receive, samples
from webhooks.models import Delivery

LISTS = ("/", "/calls/", "/calls/chats/", "/deliveries/", "/deliveries/alerts/")


def pages_of(world: World) -> list[str]:
    with organization_context(world.acme):
        rows = [*Call.objects.all(), *Chat.objects.all(), *Delivery.objects.defer("body")]
        return [*LISTS, *(row.get_absolute_url() for row in rows)]


def broken_pages(world: World, client: CanaryClient) -> list[tuple[str, int]]:
    client.raise_request_exception = False
    answers = [(page, client.get(page).status_code) for page in pages_of(world)]
    return [(page, status) for page, status in answers if status != 200]


def test_every_page_about_every_sample_answers(world: World, browser_of: ClientFactory) -> None:
    for found in [*samples(), *extra_samples()]:
        receive(world, found.body)
    assert broken_pages(world, browser_of(world.people.alice, world.acme)) == []


def _tool_call(arguments: str) -> bytes:
    entry = {"role": "tool_call_invocation", "tool_call_id": "t", "arguments": arguments}
    return body_of(transcript_with_tool_calls=[entry])


BODIES = {
    "half a character": b'{"event":"call_ended","call":{"call_id":"a","agent_name":"\\ud800"}}',
    "quarantined half a character": b'{"event":"call_ended","call":{"call_id":7,"a":"\\udc00"}}',
    "arguments nested deeply": _tool_call("[" * 100_000),
    "arguments with half a character": _tool_call('{"name": "\\ud800"}'),
    "arguments with a long number": _tool_call("9" * 5000),
    "a call in the year 9999": body_of(start_timestamp=253_402_300_799_999),
    "a call in 2199": body_of(start_timestamp=7_258_118_399_999),
    "a line of 1e40": b'{"event":"call_ended","call":{"call_id":"a","call_cost":'
    b'{"combined_cost":1,"product_costs":[{"product":"tts","cost":1e40}]}}}',
    "a latency of 1e40": b'{"event":"call_ended","call":{"call_id":"a","latency":'
    b'{"llm":{"p50":1e40,"p99":1e300}}}}',
    "latencies that are texts": body_of(latency={"llm": {"p50": "1e40"}, "tts": ["p50"]}),
    "an analysis of anything": json.dumps(
        {"event": "call_analyzed", "call": {"call_id": "a", "call_analysis": {
            "custom_analysis_data": {"list": [1, {"a": None}], "": 10**300}}}}
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_every_page_about_an_odd_body_answers(
    world: World, browser_of: ClientFactory, name: str
) -> None:
    receive(world, BODIES[name])
    assert broken_pages(world, browser_of(world.people.alice, world.acme)) == []


def test_a_reason_stands_on_the_page_once(world: World, browser_of: ClientFactory) -> None:
    receive(world, body_of(duration_ms="one"))
    with organization_context(world.acme):
        delivery = Delivery.objects.get()
    page = browser_of(world.people.alice, world.acme).get(delivery.get_absolute_url())
    assert page.content.decode().count("duration_ms” is a text") == 1


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        ("total_call_cost", '<td class="m">Cost of calls</td>'),
        ("made_up_since", '<span class="muted">made_up_since</span>'),
        ("", '<span class="muted">—</span>'),
    ],
)
def test_a_metric_has_words_when_it_is_known(
    world: World, browser_of: ClientFactory, metric: str, shown: str
) -> None:
    with organization_context(world.acme):
        RetellAlert.objects.create(incident_id="1", metric_type=metric)
    page = browser_of(world.people.alice, world.acme).get("/deliveries/alerts/")
    assert shown in page.content.decode()


def test_alerts_are_paged(world: World, browser_of: ClientFactory) -> None:
    with organization_context(world.acme):
        for number in range(60):
            RetellAlert.objects.create(incident_id=str(number), name=f"alert-{number}-name")
    client = browser_of(world.people.alice, world.acme)
    first = client.get("/deliveries/alerts/")
    assert "50 of 60 alerts" in first.content.decode()
    second = client.get(first.context["page"].older_url).content.decode()
    assert "alert-9-name" in second
    assert "alert-10-name" not in second
