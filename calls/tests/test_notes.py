"""Notes on calls: everybody may write, change their own; admins may delete any."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from audit.models import Entry
from calls import actions
from calls.models import Call, CallNote
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World

NUMBER = "+14155550142"


@pytest.fixture
def call(acme: Organization) -> Call:
    with organization_context(acme):
        return Call.objects.create(retell_call_id="call_1", status="ended")


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


@pytest.fixture
def bob(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.bob, world.acme)


def note_by(acme: Organization, author: User, call: Call, text: str = "Ring back.") -> CallNote:
    with organization_context(acme):
        return actions.write_note(call, text=text, author=author)


def texts(acme: Organization) -> list[str]:
    with organization_context(acme):
        return list(CallNote.objects.values_list("text", flat=True))


def newest_entry(acme: Organization) -> Entry:
    with organization_context(acme):
        entry: Entry = Entry.objects.latest("sequence")
    return entry


def new(client: CanaryClient, call: Call, text: str, query: str = "") -> Any:
    return client.post(f"/calls/{call.pk}/notes/new/{query}", {"text": text})


def edit(client: CanaryClient, note: CallNote, text: str) -> Any:
    path = f"/calls/{note.call_id}/notes/{note.pk}/edit/"
    return client.post(path, {f"{note.pk}-text": text})


def delete(client: CanaryClient, note: CallNote) -> Any:
    return client.post(f"/calls/{note.call_id}/notes/{note.pk}/delete/")


def test_a_viewer_writes_a_note_that_everybody_reads(
    alice: CanaryClient, bob: CanaryClient, call: Call
) -> None:
    new(bob, call, "  Ring back\non Tuesday. ")
    page = alice.get(call.get_absolute_url()).content.decode()
    assert "Ring back\non Tuesday." in page
    assert "<b>Bob</b>" in page


def test_the_log_says_that_a_note_was_written_but_not_what(
    acme: Organization, bob: CanaryClient, call: Call
) -> None:
    new(bob, call, "Ring back.")
    entry = newest_entry(acme)
    assert str(entry) == "Bob wrote a note on the call call_1"
    assert "Ring" not in f"{entry.changes} {entry.additional_data}"


def test_writing_leads_back_to_the_notes_within_the_same_list(
    alice: CanaryClient, call: Call
) -> None:
    response = new(alice, call, "Ring back.", "?outcome=ended")
    assert response["Location"] == f"{call.get_absolute_url()}?outcome=ended#notes"


@pytest.mark.parametrize("text", ["", "   ", "x" * 4001, "a\x00b"])
def test_what_cannot_be_kept_is_explained_and_not_lost(
    acme: Organization, alice: CanaryClient, call: Call, text: str
) -> None:
    response = new(alice, call, text)
    assert response.status_code == 200
    assert 'aria-invalid="true"' in response.content.decode()
    assert texts(acme) == []


def test_a_call_holds_so_many_notes(
    world: World, alice: CanaryClient, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calls.actions.notes.MAX_NOTES", 1)
    note_by(world.acme, world.people.alice, call)
    assert "A call holds 1 notes" in new(alice, call, "One more").content.decode()
    assert texts(world.acme) == ["Ring back."]


def test_one_changes_ones_own_note(world: World, bob: CanaryClient, call: Call) -> None:
    note = note_by(world.acme, world.people.bob, call)
    edit(bob, note, "Rang back.")
    assert texts(world.acme) == ["Rang back."]
    assert str(newest_entry(world.acme)) == "Bob edited a note of theirs on the call call_1"
    assert "changed" in bob.get(call.get_absolute_url()).content.decode()


def test_nobody_changes_anothers_note(world: World, alice: CanaryClient, call: Call) -> None:
    note = note_by(world.acme, world.people.bob, call)
    assert edit(alice, note, "Mine").status_code == 403
    assert texts(world.acme) == ["Ring back."]


def test_an_empty_change_keeps_what_stood_there(
    world: World, bob: CanaryClient, call: Call
) -> None:
    note = note_by(world.acme, world.people.bob, call)
    assert edit(bob, note, " ").status_code == 200
    assert texts(world.acme) == ["Ring back."]


def test_an_admin_deletes_any_note(world: World, alice: CanaryClient, call: Call) -> None:
    delete(alice, note_by(world.acme, world.people.bob, call))
    assert texts(world.acme) == []
    assert str(newest_entry(world.acme)) == "Alice deleted a note of Bob on the call call_1"


def test_a_viewer_deletes_only_their_own(world: World, bob: CanaryClient, call: Call) -> None:
    theirs = note_by(world.acme, world.people.alice, call, "Hers")
    assert delete(bob, theirs).status_code == 403
    delete(bob, note_by(world.acme, world.people.bob, call, "His"))
    assert texts(world.acme) == ["Hers"]


def test_a_page_offers_what_one_may_do(world: World, bob: CanaryClient, call: Call) -> None:
    hers = note_by(world.acme, world.people.alice, call)
    his = note_by(world.acme, world.people.bob, call)
    page = bob.get(call.get_absolute_url()).content.decode()
    assert f"/notes/{his.pk}/edit/" in page
    assert f"/notes/{his.pk}/delete/" in page
    assert str(hers.pk) not in page.replace(f"note-{hers.pk}", "")


def test_numbers_in_notes_are_masked_and_not_saved_masked(
    world: World, bob: CanaryClient, call: Call
) -> None:
    """Who sees the note masked would lose the number by saving it."""
    note = note_by(world.acme, world.people.bob, call, f"Ring {NUMBER}")
    page = bob.get(call.get_absolute_url()).content.decode()
    assert "Ring •••• 0142" in page
    assert NUMBER not in page
    assert edit(bob, note, "Ring •••• 0142").status_code == 403


def test_an_operator_inside_reads_notes_and_writes_none(
    world: World, browser_of: ClientFactory, call: Call
) -> None:
    note_by(world.acme, world.people.bob, call)
    sam = browser_of(world.people.sam, world.acme, acting_inside=world.acme)
    page = sam.get(call.get_absolute_url()).content.decode()
    assert "Ring back." in page
    assert "notes/new/" not in page
    assert new(sam, call, "Sam was here").status_code == 403


def test_a_note_of_another_call_is_not_found(world: World, alice: CanaryClient, call: Call) -> None:
    note = note_by(world.acme, world.people.alice, call)
    with organization_context(world.acme):
        other = Call.objects.create(retell_call_id="call_2")
    assert alice.post(f"/calls/{other.pk}/notes/{note.pk}/delete/").status_code == 404
