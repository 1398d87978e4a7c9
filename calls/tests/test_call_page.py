"""The page of one call: what it shows, what it leads to, what it costs."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calls import actions
from calls.models import Call
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


def make(acme: Organization, number: int = 0, **fields: Any) -> Call:
    defaults: dict[str, Any] = {
        "retell_call_id": f"call_{number}",
        "status": "ended",
        "duration_ms": 60_000,
        "started_at": NOON + timedelta(minutes=number),
    }
    with organization_context(acme):
        return Call.objects.create(**{**defaults, **fields})


def page_of(client: CanaryClient, call: Call, query: str = "") -> str:
    response = client.get(f"{call.get_absolute_url()}{query}")
    assert response.status_code == 200
    page: str = response.content.decode()
    return page


def turns(count: int) -> list[dict[str, Any]]:
    return [
        {
            "role": "agent" if number % 2 else "user",
            "content": f"This is what was said in turn {number} of a long call.",
            "words": [
                {"word": "word", "start": number + at / 20, "end": number + (at + 1) / 20}
                for at in range(12)
            ],
        }
        for number in range(count)
    ]


# --- Previous and next ---------------------------------------------------------------------------


def links(page: str) -> dict[str, str]:
    return dict(re.findall(r'rel="(prev|next)" href="([^"]+)"', page))


def test_newer_and_older_walk_the_filtered_list(acme: Organization, alice: CanaryClient) -> None:
    directions = ("inbound", "outbound", "inbound", "outbound", "inbound")
    calls = [make(acme, n, direction=direction) for n, direction in enumerate(directions)]
    found = links(page_of(alice, calls[2], "?direction=inbound"))
    assert found == {
        "prev": f"{calls[4].get_absolute_url()}?direction=inbound",
        "next": f"{calls[0].get_absolute_url()}?direction=inbound",
    }


def test_without_a_filter_they_walk_all_calls(acme: Organization, alice: CanaryClient) -> None:
    calls = [make(acme, n) for n in range(3)]
    assert links(page_of(alice, calls[1])) == {
        "prev": calls[2].get_absolute_url(),
        "next": calls[0].get_absolute_url(),
    }


def test_at_the_ends_there_is_nothing_further(acme: Organization, alice: CanaryClient) -> None:
    call = make(acme)
    assert links(page_of(alice, call)) == {}


def test_the_breadcrumb_leads_back_to_the_filtered_list(
    acme: Organization, alice: CanaryClient
) -> None:
    page = page_of(alice, make(acme), "?outcome=ended&direction=inbound&nonsense=1")
    assert 'href="/calls/?outcome=ended&amp;direction=inbound"' in page
    assert "nonsense" not in page.split("<main")[0]


@pytest.mark.parametrize(
    "query", ["?outcome=x&agent=5", "?q=%F0%9F", "?view=" + "v" * 5000, "?%ff"]
)
def test_any_query_gives_the_page(acme: Organization, alice: CanaryClient, query: str) -> None:
    page_of(alice, make(acme), query)


# --- What it shows -------------------------------------------------------------------------------


def test_custom_analysis_is_shown_by_type(acme: Organization, alice: CanaryClient) -> None:
    custom = {"booked": True, "visit_at": {"city": "Bonn", "tags": ["a", "b"]}}
    page = page_of(alice, make(acme, details={"custom_analysis_data": custom}))
    assert re.search(r"<dt>Booked</dt><dd>\s*Yes", page)
    assert re.search(r"<dt>City</dt><dd>\s*Bonn", page)


def test_what_this_version_does_not_know_is_shown_as_it_came(
    acme: Organization, alice: CanaryClient
) -> None:
    page = page_of(
        alice,
        make(acme, disconnection_reason="new_in_2027", user_sentiment="Thrilled",
             details={"brand_new_field": "raw value"}),
    )  # fmt: skip
    for text in ("new_in_2027", "Thrilled", "brand_new_field", "raw value"):
        assert text in page


def test_links_of_retell_are_not_shown(acme: Organization, alice: CanaryClient) -> None:
    """They lead around the audit log."""
    details = {"recording_url": "https://x.example/r", "public_log_url": "https://x.example/l"}
    assert "x.example" not in page_of(alice, make(acme, details=details))


def test_variables_and_metadata_are_shown(acme: Organization, alice: CanaryClient) -> None:
    details = {"collected_dynamic_variables": {"name": "Ada"}, "metadata": {"campaign": "spring"}}
    page = page_of(alice, make(acme, details=details))
    assert "Collected in the call" in page
    assert "Ada" in page
    assert "spring" in page


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"storage_level": 2}, "keeps no transcripts"),
        ({"storage_level": 1}, "without personal data only"),
        ({"status": "not_connected"}, "never connected"),
        ({"status": "ongoing"}, "appears while the call goes on"),
        ({}, "Retell sent no transcript"),
    ],
)
def test_a_missing_transcript_says_why(
    acme: Organization, alice: CanaryClient, fields: dict[str, Any], why: str
) -> None:
    assert why in page_of(alice, make(acme, **fields))


def test_a_scrubbed_transcript_says_so(acme: Organization, alice: CanaryClient) -> None:
    details = {"scrubbed_transcript_with_tool_calls": [{"role": "user", "content": "[NAME]"}]}
    page = page_of(alice, make(acme, storage_level=1, details=details))
    assert "Personal data taken out by Retell" in page
    assert "[NAME]" in page


def test_tools_before_and_after_the_call_stand_apart(
    acme: Organization, alice: CanaryClient
) -> None:
    tool = {"role": "tool_call_invocation", "tool_call_id": "t", "name": "fetch_crm"}
    details = {"pre_session_transcript_with_tool_calls": [tool]}
    page = page_of(alice, make(acme, details=details, transcript_entries=turns(1)))
    assert page.index("Before the call") < page.index("fetch_crm") < page.index("The call</h3>")


def test_who_may_not_download_is_offered_no_download(
    world: World, alice: CanaryClient, browser_of: ClientFactory
) -> None:
    call = make(world.acme, details={"recording_url": "https://d1.cloudfront.net/x.wav"})
    assert "?download=1" in page_of(alice, call)
    bob = page_of(browser_of(world.people.bob, world.acme), call)
    assert "?download=1" not in bob
    assert "data-player" in bob


# --- What it costs -------------------------------------------------------------------------------


def queries(client: CanaryClient, call: Call) -> int:
    with CaptureQueriesContext(connection) as captured:
        page_of(client, call)
    return len(captured)


def test_the_page_takes_as_many_queries_for_much_as_for_little(
    world: World, alice: CanaryClient
) -> None:
    little = make(world.acme, 0, transcript_entries=turns(1))
    much = make(world.acme, 1, transcript_entries=turns(200))
    make(world.acme, 2)
    make(world.acme, -1)
    with organization_context(world.acme):
        for number in range(10):
            actions.write_note(much, text=f"Note {number}", author=world.people.bob)
            actions.tag_call(much, name=f"Tag {number}", tagged_by="Bob")
    queries(alice, little)
    assert queries(alice, little) == queries(alice, much)


def test_a_transcript_of_two_thousand_turns_is_written_fast(
    acme: Organization, alice: CanaryClient
) -> None:
    call = make(acme, transcript_entries=turns(2_000), duration_ms=2_000_000)
    page_of(alice, call)
    started = time.process_time()
    page = page_of(alice, call)
    assert page.count('class="turn"') == 2_000
    assert time.process_time() - started < 1.5
