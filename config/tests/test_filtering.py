"""Filters in the URL: any query string gives a page, and what it does not understand is said."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.core import signing
from django.http import QueryDict
from django.test import RequestFactory
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.filtering import FilterForm, TimeField
from testing.fixtures import ClientFactory, World

NEW_YORK = ZoneInfo("America/New_York")
LISTS = (
    "/", "/now/", "/figures/", "/calls/", "/calls/chats/", "/calls/find/", "/audit/", "/agents/",
    "/deliveries/",
    "/deliveries/alerts/", "/exports/", "/exports/new/", "/exports/new/chats/", "/jobs/",
    "/completeness/", "/settings/users/",
)  # fmt: skip
# Parts of pages, which say nothing of the URL that a script gave them.
PARTS = ("/now/", "/figures/", "/calls/find/")
NAMES = (
    "q", "text", "agent", "direction", "type", "status", "reason", "outcome", "sentiment",
    "revenue", "tag", "period", "started_after", "started_before", "min_duration_s",
    "max_duration_s", "min_cost", "max_cost", "verdict", "event", "received_after",
    "received_before", "min_attempts", "min_duplicates", "person", "action", "kind", "acting",
    "object", "since", "until", "channel", "findings", "after", "before", "view", "weekday", "hour",
    "product", "call", "first", "last", "compare", "state", "format", "subject", "person", "page",
    "asked_after", "asked_before", "sort", "health", "organization",
)  # fmt: skip
VALUES = (
    "", "0", "-1", "1e9", "NaN", "Infinity", "1e999999", "0001-01-01T00:00", "9999-12-31T23:59",
    "2026-03-08T02:30", "2026-03-01T00:00:00+23:59", "2026-02-30", "none",
    "operator", "a:b", "%", "'\"<b>", "x" * 400, "+1 619 555", "((", "-", "\u202e",
    "00000000-0000-0000-0000-000000000000", "9" * 30,
)  # fmt: skip
# A NUL is answered with 400 before anything is read; see `config.middleware`.
texts = st.text(st.characters(exclude_characters="\0"), max_size=20)
queries = st.lists(
    st.tuples(st.sampled_from(NAMES) | texts, st.sampled_from(VALUES) | texts), max_size=5
)


class Form(FilterForm):
    labels = {"since": "Time"}
    operators = {"since": "from"}

    q = forms.CharField(required=False)
    colour = forms.ChoiceField(
        required=False, choices=[("", "Any"), ("Warm", [("red", "Red"), ("amber", "Amber")])]
    )
    sizes = forms.MultipleChoiceField(required=False, choices=[("s", "Small"), ("l", "Large")])
    since = TimeField(required=False, label="From", zone=NEW_YORK)


def form(query: str) -> Form:
    return Form(QueryDict(query))


def shown(query: str) -> list[tuple[str, ...]]:
    return [tuple(one[1:]) for one in form(query).shown_values()]


def test_a_choice_in_a_group_is_shown_by_its_label() -> None:
    assert shown("colour=amber") == [("Colour", "is", "Amber")]


def test_several_choices_are_shown_together() -> None:
    assert shown("sizes=s&sizes=l") == [("Sizes", "is any of", "Small, Large")]


def test_a_time_is_read_and_shown_on_the_clock_of_its_zone() -> None:
    assert form("since=2026-03-01T00:00").values()["since"] == datetime(2026, 3, 1, 5, tzinfo=UTC)
    assert shown("since=2026-03-01T00:00") == [("Time", "from", "Mar 1, 2026, 12:00 AM EST")]


def test_a_time_with_an_offset_stands_in_the_field_on_its_clock() -> None:
    assert 'value="2026-03-01T00:00"' in str(form("since=2026-03-01T05:00:00Z")["since"])


def test_the_searched_text_has_no_chip_and_the_rest_can_be_removed() -> None:
    request = RequestFactory().get("/calls/?q=a&colour=red&after=x")
    (chip,) = Form(request.GET).chips(request)
    assert (chip["label"], chip["remove_url"]) == ("Colour", "/calls/?q=a")


def test_what_is_set_is_kept_beside_the_search_as_it_was_written() -> None:
    kept = form("q=a&colour=blue&sizes=s&sizes=l&since=").kept
    assert kept == [("colour", "blue"), ("sizes", "s"), ("sizes", "l")]


def test_an_unknown_parameter_and_an_impossible_value_are_named() -> None:
    unknown, wrong = form("size=1&since=soon").ignored(["size", "since", "after"])
    assert unknown == "The filter “size” is not known and was ignored."
    assert wrong.startswith("“From” was not understood and was ignored. Enter a valid date")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/calls/", "started_after=soon"),
        ("/audit/", "since=soon"),
        ("/agents/", "status=purple"),
        ("/deliveries/", "min_attempts=many"),
        ("/calls/chats/", "min_cost=much"),
        ("/calls/", "q=" + "x" * 101),
        ("/exports/", "format=docx"),
        ("/settings/users/", "role=owner"),
    ],
)
def test_every_list_explains_an_impossible_value_beside_its_field(
    world: World, browser_of: ClientFactory, path: str, query: str
) -> None:
    page = browser_of(world.people.alice, world.acme).get(f"{path}?{query}&colour=red")
    text = page.content.decode()
    name = query.partition("=")[0]
    assert "was not understood and was ignored." in text
    assert "The filter “colour” is not known and was ignored." in text
    assert f'<ul class="errorlist" id="id_{name}_error">' in text


@pytest.mark.parametrize("path", [path for path in LISTS if path not in PARTS])
def test_every_page_names_what_it_does_not_know(
    world: World, browser_of: ClientFactory, path: str
) -> None:
    page = browser_of(world.people.alice, world.acme).get(f"{path}?colour=red").content.decode()
    assert "“colour” is not known" in page


PAGED = {
    "/calls/": "calls", "/calls/chats/": "chats", "/audit/": "audit", "/jobs/": "jobs",
    "/deliveries/": "deliveries", "/deliveries/alerts/": "alerts", "/exports/": "exports",
    "/completeness/": "runs",
}  # fmt: skip


@pytest.mark.parametrize("parameter", ["after", "before"])
@pytest.mark.parametrize("path", PAGED)
def test_a_cursor_of_another_organization_is_answered_with_the_first_page(
    world: World, browser_of: ClientFactory, path: str, parameter: str
) -> None:
    place = ["2026-03-01T00:00:00+00:00", "0193a5f0-0000-7000-8000-000000000000"]
    salt = f"cursor:{world.globex.schema_name}:{PAGED[path]}"
    cursor = signing.dumps(place, salt=salt)
    page = browser_of(world.people.alice, world.acme).get(path, {parameter: cursor})
    assert "This is the first page." in page.content.decode()


@pytest.mark.parametrize("path", LISTS)
@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(query=queries)
@example(query=[("started_after", "0001-01-01T00:00"), ("since", "0001-01-01T00:00")])
@example(query=[("started_before", "9999-12-31T23:59"), ("until", "9999-12-31T23:59")])
@example(query=[("received_after", "0001-01-01T00:00"), ("received_before", "9999-12-31T23:59")])
def test_any_query_string_gives_a_page(
    world: World, browser_of: ClientFactory, path: str, query: list[tuple[str, str]]
) -> None:
    client = browser_of(world.people.alice, world.acme)
    text = urlencode(query, errors="replace")
    assert client.get(f"{path}?{text}").status_code == 200


@pytest.mark.parametrize("path", ["/", "/audit/"])
@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(query=queries)
def test_any_query_string_gives_a_page_of_the_operators(
    world: World, browser_of: ClientFactory, path: str, query: list[tuple[str, str]]
) -> None:
    client = browser_of(world.people.sam)
    text = urlencode(query, errors="replace")
    assert client.get(f"{path}?{text}").status_code == 200
