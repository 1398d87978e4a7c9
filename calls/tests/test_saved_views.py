"""Saved views: one's own and everybody's, who changes them, what is written down."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from audit.models import Entry
from calls.models import SavedView
from calls.tests.records import make_call
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


@pytest.fixture
def bob(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.bob, world.acme)


def save(client: CanaryClient, name: str, query: str = "status=error", **data: str) -> Any:
    return client.post(f"/calls/views/new/?{query}", {"name": name, **data})


def only_view(world: World) -> SavedView:
    with organization_context(world.acme):
        return SavedView.objects.get()


def tabs(client: CanaryClient, path: str = "/calls/?view=all") -> list[str]:
    return [tab["label"] for tab in client.get(path).context["tabs"]]


def written(world: World, code: str) -> Entry:
    entry: Entry = Entry.objects.filter(code=code).latest("sequence")
    return entry


def test_a_view_keeps_the_filter_in_its_canonical_form(world: World, alice: CanaryClient) -> None:
    answer = save(alice, "Errors", "colour=red&outcome=error&status=error")
    view = only_view(world)
    assert view.query == "status=error&outcome=error"
    assert answer.headers["Location"] == view.get_absolute_url()


def test_a_view_shows_the_calls_of_its_filter(world: World, alice: CanaryClient) -> None:
    save(alice, "Errors")
    with organization_context(world.acme):
        make_call("call_good")
        make_call("call_bad", status="error")
    answer = alice.get(only_view(world).get_absolute_url())
    assert [row.call.retell_call_id for row in answer.context["rows"]] == ["call_bad"]
    assert "<title>Errors · Calls" in answer.content.decode()


def test_ones_own_view_is_seen_by_nobody_else(
    world: World, alice: CanaryClient, bob: CanaryClient
) -> None:
    save(bob, "Mine")
    assert tabs(bob) == ["All calls", "Mine"]
    assert tabs(alice) == ["All calls"]
    assert alice.get(f"/calls/views/{only_view(world).pk}/edit/").status_code == 404


def test_a_shared_view_is_seen_by_everybody(alice: CanaryClient, bob: CanaryClient) -> None:
    save(alice, "Ours", is_shared="on")
    assert tabs(bob) == ["All calls", "Ours"]


def test_a_viewer_shares_nothing(world: World, bob: CanaryClient) -> None:
    save(bob, "Ours", is_shared="on")
    assert only_view(world).owner_id == world.people.bob.pk


@pytest.mark.parametrize("what", ["edit", "update", "delete"])
def test_a_viewer_changes_no_shared_view(
    world: World, alice: CanaryClient, bob: CanaryClient, what: str
) -> None:
    save(alice, "Ours", is_shared="on")
    url = f"/calls/views/{only_view(world).pk}/{what}/"
    assert bob.post(url, {"name": "Bob's", "query": ""}).status_code == 403
    assert only_view(world).name == "Ours"


def test_a_name_is_taken_once_whatever_its_case(world: World, alice: CanaryClient) -> None:
    save(alice, "Errors")
    answer = save(alice, "ERRORS")
    assert "There is a view of this name already." in answer.content.decode()
    only_view(world)


def test_two_people_may_use_one_name(world: World, alice: CanaryClient, bob: CanaryClient) -> None:
    save(alice, "Errors")
    save(alice, "Errors", is_shared="on")
    save(bob, "Errors")
    assert tabs(alice) == ["All calls", "Errors", "Errors"]


def test_a_shared_view_holds_no_phone_number(world: World, alice: CanaryClient) -> None:
    answer = save(alice, "Them", "q=%2B16195550142", is_shared="on")
    assert "may not hold a phone number" in answer.content.decode()
    save(alice, "Them", "q=%2B16195550142")
    assert only_view(world).owner_id == world.people.alice.pk


def test_a_view_can_be_renamed_and_deleted(world: World, alice: CanaryClient) -> None:
    save(alice, "Errors")
    url = f"/calls/views/{only_view(world).pk}"
    alice.post(f"{url}/edit/", {"name": "Faults"})
    assert tabs(alice) == ["All calls", "Faults"]
    alice.post(f"{url}/delete/")
    assert tabs(alice) == ["All calls"]


def test_a_view_takes_on_other_filters(world: World, alice: CanaryClient) -> None:
    save(alice, "Errors")
    alice.post(f"/calls/views/{only_view(world).pk}/update/", {"query": "status=ended&x=1"})
    assert only_view(world).query == "status=ended"


def test_the_list_opens_with_the_chosen_view(world: World, alice: CanaryClient) -> None:
    save(alice, "Errors")
    view = only_view(world)
    alice.post(f"/calls/views/{view.pk}/default/")
    assert alice.get("/calls/").headers["Location"] == view.get_absolute_url()
    assert alice.get("/calls/?view=all").status_code == 200
    assert alice.get("/calls/?status=ended").status_code == 200
    alice.post(f"/calls/views/{view.pk}/default/")
    assert alice.get("/calls/").status_code == 200


def test_the_list_opens_with_all_calls_when_the_view_is_gone(
    world: World, alice: CanaryClient
) -> None:
    save(alice, "Errors")
    url = f"/calls/views/{only_view(world).pk}"
    alice.post(f"{url}/default/")
    alice.post(f"{url}/delete/")
    assert alice.get("/calls/").status_code == 200


def test_a_link_to_a_view_that_is_gone_still_filters(world: World, alice: CanaryClient) -> None:
    save(alice, "Errors")
    url = only_view(world).get_absolute_url()
    alice.post(f"/calls/views/{only_view(world).pk}/delete/")
    answer = alice.get(url)
    assert answer.context["query"] == "status=error"
    assert "That saved view is no longer there." in answer.content.decode()


def test_columns_are_those_of_the_view(
    world: World, alice: CanaryClient, bob: CanaryClient
) -> None:
    alice.post("/calls/columns/", {"columns": ["cost"]})
    save(alice, "Costs", is_shared="on")
    url = only_view(world).get_absolute_url()
    shown = [column.key for column in bob.get(url).context["columns"]]
    assert shown == ["caller", "cost"]
    assert len(bob.get("/calls/").context["columns"]) > 2


def test_an_operator_inside_keeps_no_views(world: World, browser_of: ClientFactory) -> None:
    sam = browser_of(world.people.sam, world.acme, acting_inside=world.acme)
    assert save(sam, "Mine").status_code == 403
    assert sam.get("/calls/").status_code == 200


def test_what_is_done_to_a_view_is_written_down(world: World, alice: CanaryClient) -> None:
    save(alice, "Errors", "q=%2B16195550142&status=error")
    url = f"/calls/views/{only_view(world).pk}"
    alice.post(f"{url}/edit/", {"name": "Faults"})
    alice.post(f"{url}/update/", {"query": "status=ended"})
    alice.post(f"{url}/default/")
    alice.post(f"{url}/delete/")
    codes = ("saved", "renamed", "changed", "default", "deleted")
    entries = {code: written(world, f"calls.view_{code}") for code in codes}
    assert {entry.actor_label for entry in entries.values()} == {audit_label(world.people.alice)}
    assert "6195550142" not in str(entries["saved"].details)
    assert entries["renamed"].changed == [("name", "Errors", "Faults")]


def audit_label(user: User) -> str:
    return user.audit_label
