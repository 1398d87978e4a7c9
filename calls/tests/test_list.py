"""The list of calls: its four states, paging both ways, passages, columns, costs in queries."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.db.models import Func, Value
from django.db.models.fields import BooleanField
from django.test.utils import CaptureQueriesContext

from agents.models import Agent
from calls.actions import tag_call
from calls.models import Call, ListPreference
from calls.tests.records import make_call, make_calls
from config.paging import COUNT_LIMIT, quick_count
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


@pytest.fixture
def bob(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.bob, world.acme)


def fill(world: World, number: int, **fields: Any) -> None:
    with organization_context(world.acme):
        make_calls(number, **fields)


def page(client: CanaryClient, path: str = "/calls/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return str(response.content.decode())


def shown(client: CanaryClient, path: str = "/calls/") -> list[str]:
    return [row.call.retell_call_id for row in client.get(path).context["rows"]]


def link(text: str, rel: str) -> str:
    (found,) = re.findall(rf'rel="{rel}" href="([^"]+)"', text)
    return str(found).replace("&amp;", "&")


# --- The four states -----------------------------------------------------------------------------


def test_rows_are_shown_newest_first(world: World, alice: CanaryClient) -> None:
    fill(world, 3)
    assert shown(alice) == ["call_0", "call_1", "call_2"]
    assert "3 of 3 calls" in page(alice)


def test_an_organization_without_calls_is_told_where_they_come_from(alice: CanaryClient) -> None:
    assert "No calls yet" in page(alice)


def test_a_filter_that_nothing_matches_offers_to_clear_it(
    world: World, alice: CanaryClient
) -> None:
    fill(world, 1)
    text = page(alice, "/calls/?status=error")
    assert "No call matches" in text
    assert '<a class="button" href="/calls/">Clear filters</a>' in text


def test_a_list_that_fails_says_so_with_the_request(
    world: World, alice: CanaryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("calls.views.list.keyset_page", away)
    alice.raise_request_exception = False
    response = alice.get("/calls/")
    assert response.status_code == 500
    assert response.headers["X-Request-ID"] in response.content.decode()


# --- Paging and counting -------------------------------------------------------------------------


def test_older_and_newer_lead_through_all_pages_and_back(world: World, alice: CanaryClient) -> None:
    fill(world, 120)
    first = page(alice, "/calls/?status=ended")
    second_url = link(first, "next")
    third_url = link(page(alice, second_url), "next")
    assert shown(alice, third_url) == [f"call_{at}" for at in range(100, 120)]
    back_url = link(page(alice, third_url), "prev")
    assert shown(alice, back_url) == shown(alice, second_url)
    assert shown(alice, link(page(alice, back_url), "prev")) == shown(alice, "/calls/")


def test_a_cursor_of_another_organization_gives_the_first_page_and_a_note(
    world: World, alice: CanaryClient, browser_of: ClientFactory
) -> None:
    with organization_context(world.globex):
        make_calls(60)
    charlie = browser_of(world.people.charlie, world.globex)
    cursor = link(page(charlie), "next")
    fill(world, 2)
    text = page(alice, cursor)
    assert "This is the first page." in text
    assert shown(alice, cursor) == ["call_0", "call_1"]


@pytest.mark.parametrize("cursor", ["after=x", "before=x", "after=", "after=x&before=y"])
def test_a_cursor_that_was_edited_gives_the_first_page(
    world: World, alice: CanaryClient, cursor: str
) -> None:
    fill(world, 2)
    assert shown(alice, f"/calls/?{cursor}") == ["call_0", "call_1"]


def test_more_than_ten_thousand_are_counted_as_such(world: World, alice: CanaryClient) -> None:
    fill(world, COUNT_LIMIT + 1)
    assert "50 of 10,000+ calls" in page(alice)


def test_a_count_that_takes_too_long_is_given_up(in_acme: Organization) -> None:
    make_call("call_1")
    slow = Func(Value(2), template="(pg_sleep(%(expressions)s) IS NOT NULL)",
                output_field=BooleanField())  # fmt: skip
    assert quick_count(Call.objects.filter(slow), milliseconds=50) is None
    assert quick_count(Call.objects.all()) == 1


def test_a_list_that_cannot_be_counted_quickly_is_shown_all_the_same(
    world: World, alice: CanaryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, 2)
    monkeypatch.setattr("calls.listing.quick_count", lambda _: None)
    assert "2 shown; counting all that match takes too long" in page(alice)


@pytest.mark.parametrize("query", ["", "?text=refund&outcome=ended"])
def test_a_list_of_200_calls_asks_no_more_than_one_of_2(
    world: World, alice: CanaryClient, query: str
) -> None:
    with organization_context(world.acme):
        Agent.objects.create(retell_agent_id="agent_1")
        columns = ["agent", "tags", "summary"]
        ListPreference.objects.create(person_id=world.people.alice.pk, columns=columns)
        for call in make_calls(2, transcript="a refund"):
            tag_call(call, name="vip", tagged_by="")
    with CaptureQueriesContext(connection) as few:
        page(alice, f"/calls/{query}")
    with organization_context(world.acme):
        Call.objects.all().delete()
        for call in make_calls(200, transcript="a refund")[::5]:
            tag_call(call, name="vip", tagged_by="")
    with CaptureQueriesContext(connection) as many:
        page(alice, f"/calls/{query}")
    assert len(many) == len(few)


# --- Words in transcripts ------------------------------------------------------------------------


def test_a_match_stands_highlighted_in_its_row(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        make_call("call_1", transcript="User: <b>Can</b> I have a refund, please?")
    text = page(alice, "/calls/?text=refunds")
    assert "<mark>refund</mark>" in text
    assert "<b>Can" not in text


def test_words_are_found_from_the_search_box_too(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        make_call("call_1", transcript="User: Can I have a refund?")
    assert "<mark>refund</mark>" in page(alice, "/calls/?q=refund")


def test_who_sees_masked_numbers_sees_no_digit_of_a_match(world: World, bob: CanaryClient) -> None:
    with organization_context(world.acme):
        make_call("call_1", transcript="User: My number is 619 555 0142, I want a refund.")
    text = page(bob, "/calls/?text=refund")
    assert "<mark>refund</mark>" in text
    assert "619" not in text


# --- Columns -------------------------------------------------------------------------------------


def headers(client: CanaryClient, path: str = "/calls/") -> list[str]:
    return [column.key for column in client.get(path).context["columns"]]


def test_chosen_columns_are_remembered_for_the_person(
    world: World, alice: CanaryClient, bob: CanaryClient
) -> None:
    usual = headers(bob)
    alice.post("/calls/columns/", {"columns": ["cost", "tags"], "query": "status=ended"})
    assert headers(alice) == ["caller", "cost", "tags"]
    assert headers(bob) == usual


def test_choosing_columns_leads_back_to_the_same_filters(alice: CanaryClient) -> None:
    answer = alice.post("/calls/columns/", {"columns": ["cost"], "query": "status=ended&view=all"})
    assert answer.headers["Location"] == "/calls/?status=ended&view=all"


def test_no_column_at_all_means_the_usual_ones(alice: CanaryClient) -> None:
    usual = headers(alice)
    alice.post("/calls/columns/", {"columns": ["cost"]})
    alice.post("/calls/columns/", {})
    assert headers(alice) == usual


def test_an_unknown_column_changes_nothing(alice: CanaryClient) -> None:
    usual = headers(alice)
    alice.post("/calls/columns/", {"columns": ["cost", "shoe_size"]})
    assert headers(alice) == usual


def test_every_column_can_be_shown(world: World, alice: CanaryClient) -> None:
    fill(world, 1, summary="They asked for the price.", from_number="+16195550142")
    keys = [
        key for key, _ in alice.get("/calls/").context["columns_form"].fields["columns"].choices
    ]
    alice.post("/calls/columns/", {"columns": keys, "is_compact": "on"})
    text = page(alice)
    assert headers(alice) == [*keys[:1], "caller", *keys[1:]]
    assert "They asked for the price." in text
    assert "cards-when-narrow compact" in text


def test_a_row_leads_to_its_call_within_the_filter(world: World, alice: CanaryClient) -> None:
    fill(world, 1)
    with organization_context(world.acme):
        url = Call.objects.get().get_absolute_url()
    assert f'href="{url}?status=ended"' in page(alice, "/calls/?status=ended&colour=red")
