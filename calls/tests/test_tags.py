"""Tags on one call."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import Entry
from calls import actions
from calls.models import Call, CallTag, Tag
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World


@pytest.fixture
def call(acme: Organization) -> Call:
    with organization_context(acme):
        return Call.objects.create(retell_call_id="call_1", status="ended")


@pytest.fixture
def bob(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.bob, world.acme)


def add(client: CanaryClient, call: Call, name: str) -> Any:
    return client.post(f"/calls/{call.pk}/tags/new/", {"name": name})


def tags_of(acme: Organization, call: Call) -> list[str]:
    with organization_context(acme):
        return [tag.name for tag in call.tags.all()]


def newest_entry(acme: Organization) -> str:
    with organization_context(acme):
        return str(Entry.objects.latest("sequence"))


def test_a_tag_is_made_when_first_used(acme: Organization, bob: CanaryClient, call: Call) -> None:
    response = add(bob, call, "  Follow   up ")
    assert response["Location"].endswith("#tags")
    assert tags_of(acme, call) == ["Follow up"]
    assert newest_entry(acme) == "Bob tagged the call call_1 as Follow up"


def test_the_same_word_is_the_same_tag_whatever_its_case(
    acme: Organization, bob: CanaryClient, call: Call
) -> None:
    with organization_context(acme):
        Tag.objects.create(name="ÉTÉ Sale")
    add(bob, call, "été sale")
    add(bob, call, "Été Sale")
    assert tags_of(acme, call) == ["ÉTÉ Sale"]
    with organization_context(acme):
        assert Tag.objects.count() == 1


def test_a_tag_that_is_there_is_not_recorded_again(
    acme: Organization, bob: CanaryClient, call: Call
) -> None:
    add(bob, call, "VIP")
    with organization_context(acme):
        before = Entry.objects.count()
    add(bob, call, "vip")
    with organization_context(acme):
        assert Entry.objects.count() == before


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "+1 415 555 0142", "a\x00b"])
def test_what_is_no_tag_is_explained(
    acme: Organization, bob: CanaryClient, call: Call, name: str
) -> None:
    response = add(bob, call, name)
    assert response.status_code == 200
    assert 'class="errorlist"' in response.content.decode()
    assert tags_of(acme, call) == []


def test_a_call_holds_twenty(acme: Organization, bob: CanaryClient, call: Call) -> None:
    for number in range(20):
        add(bob, call, f"Tag {number}")
    assert "A call holds 20 tags" in add(bob, call, "One more").content.decode()
    assert len(tags_of(acme, call)) == 20


def test_a_tag_is_taken_off(acme: Organization, bob: CanaryClient, call: Call) -> None:
    with organization_context(acme):
        tag = actions.tag_call(call, name="VIP", tagged_by="Bob")
    bob.post(f"/calls/{call.pk}/tags/{tag.pk}/delete/")
    assert tags_of(acme, call) == []
    assert newest_entry(acme) == "Bob took the tag VIP off the call call_1"
    assert bob.post(f"/calls/{call.pk}/tags/{tag.pk}/delete/").status_code == 404


def test_tags_in_use_are_suggested(acme: Organization, bob: CanaryClient, call: Call) -> None:
    with organization_context(acme):
        other = Call.objects.create(retell_call_id="call_2")
        CallTag.objects.create(call=other, tag=Tag.objects.create(name="VIP"))
        Tag.objects.create(name="Typo")
    page = bob.get(call.get_absolute_url()).content.decode()
    assert '<option value="VIP">' in page
    assert "Typo" not in page


def test_an_operator_inside_sees_tags_and_sets_none(
    world: World, browser_of: ClientFactory, call: Call
) -> None:
    with organization_context(world.acme):
        actions.tag_call(call, name="VIP", tagged_by="Bob")
    sam = browser_of(world.people.sam, world.acme, acting_inside=world.acme)
    page = sam.get(call.get_absolute_url()).content.decode()
    assert "VIP" in page
    assert "tags/new/" not in page
    assert add(sam, call, "Sam").status_code == 403
