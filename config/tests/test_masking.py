"""Whole phone numbers are for those who may see them: on every page, in every form of asking."""

from __future__ import annotations

import re
from typing import Any

import pytest

from accounts.actions import invitations
from accounts.masking import shown_text
from accounts.models import AccessPolicy, Role
from agents.models import Agent
from audit.tests.chains import entries
from calls.actions import classify
from calls.models import Call, CallNote, Chat, RetellAlert
from config.tests.test_url_sweep import ID, expected, path_of
from tenants.pin import organization_context
from tenants.scope import door
from testing.fixtures import CanaryClient, ClientFactory, World
from webhooks.models import Delivery

URLS = "config.urls_organization"
NUMBER, DIGITS, LAST = "+14155550142", "4155550142", "0142"
WRITTEN = ["+14155550142", "4155550142", "(415) 555-0142", "415-555-0142", "+1 415 555 0142",
           "415.555.0142", "1-415-555-0142"]  # fmt: skip
SAID = "Call me at {} please."


def told(text: str) -> list[dict[str, Any]]:
    """A transcript with every kind of entry that can hold a text."""
    return [
        {"role": "user", "content": SAID.format(text)},
        {"role": "agent", "content": f"I repeat: {text}."},
        {"role": "transfer_target", "content": text},
        {"role": "tool_call_invocation", "tool_call_id": "t", "name": "dial",
         "arguments": f'{{"number": "{text}", "deep": {{"to": "{text}"}}}}'},
        {"role": "tool_call_result", "tool_call_id": "t", "content": f"dialled {text}"},
        {"role": "sms", "content": text},
        {"role": "node_transition", "former_node_name": text, "new_node_name": "end"},
        {"role": "new_in_2027", "content": text},
    ]  # fmt: skip


@pytest.fixture(params=["+14155550142", "(415) 555-0142"])
def planted(world: World, request: pytest.FixtureRequest) -> World:
    """The number in every column that a call, chat, delivery or alert can bring it in."""
    text = request.param
    common: dict[str, Any] = {
        "summary": SAID.format(text),
        "transcript": f"User: {text}",
        "status": "ended",
        "details": {
            "custom_analysis_data": {"callback": text, "list": [text], "number": int(DIGITS)},
            "metadata": {"number": text},
            "transfer_destination": text,
            "scrubbed_transcript_with_tool_calls": told(text),
        },
    }
    with organization_context(world.acme):
        Agent.objects.create(id=ID, retell_agent_id="agent_1", name="Front desk")
        Call.objects.create(
            id=ID, retell_call_id="call_1", from_number=NUMBER, to_number=NUMBER,
            agent_id="agent_1", transcript_entries=told(text), test_signal=text,
            **common,
        )  # fmt: skip
        CallNote.objects.create(call_id=ID, text=SAID.format(text), author="Alice", author_id=ID)
        Chat.objects.create(id=ID, retell_chat_id="chat_1", messages=told(text), **common)
        body = f'{{"event":"call_ended","call":{{"from_number":"{text}"}}}}'.encode()
        Delivery.objects.create(
            id=ID, event="call_ended", subject_id="call_1", body_sha256=bytes(32), body=body,
            size_bytes=len(body), state="failed", reason="apply_error",
            received_at="2026-11-01T00:00Z", last_received_at="2026-11-01T00:00Z",
        )  # fmt: skip
        RetellAlert.objects.create(incident_id="i", name="Too long", body={"number": text})
        classify(Call.objects.get(), is_billable=False, reason=f"Ours: {text}", changed_by="alice")
    return world


def holds_number(page: str) -> bool:
    """With any punctuation between the digits, in text or in an attribute."""
    return DIGITS in re.sub(r"[\s().\-+]|&nbsp;|%20|%2B", "", page)


def pages(client: CanaryClient, world: World) -> dict[str, str]:
    """Every URL that can be looked at, as page and as live part, and a call found by its number."""
    invitation = invitations.invite(
        world.acme, email="dora@example.com", role=Role.VIEWER, invited_by=""
    )
    found = {}
    for url, statuses in expected(URLS).items():
        if set(statuses[:8]) != {405}:
            path = path_of(url, world, invitation)
            for headers in ({}, {"HX-Request": "true", "X-Live-Refresh": "1"}):
                response = client.get(path, headers=headers)
                found[f"{path} {headers}"] = response.getvalue().decode()
    found["search"] = client.get(f"/calls/?q={LAST}").content.decode()
    return found


def viewer(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.bob, world.acme)


def acting(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.sam, world.acme, acting_inside=world.acme)


@pytest.mark.parametrize("who", [viewer, acting])
def test_no_url_shows_a_whole_number_to_who_may_not_see_it(
    planted: World, browser_of: ClientFactory, who: Any
) -> None:
    found = pages(who(planted, browser_of), planted)
    assert [path for path, page in found.items() if holds_number(page)] == []
    for path in (f"/calls/{ID}/ {{}}", f"/calls/chats/{ID}/ {{}}", "/calls/ {}", "search"):
        assert LAST in found[path], path


@pytest.mark.parametrize("allowed", [False, True])
def test_who_may_see_it_sees_it(world: World, browser_of: ClientFactory, allowed: bool) -> None:
    """An admin, and a viewer where the admins decided so: the masking is for the others only."""
    with organization_context(world.acme):
        Call.objects.create(
            id=ID, retell_call_id="call_1", from_number=NUMBER, summary=SAID.format(NUMBER),
            transcript_entries=told(NUMBER),
        )  # fmt: skip
    if allowed:
        with door():
            AccessPolicy.objects.create(organization=world.acme, viewers_see_personal_data=True)
    who = world.people.bob if allowed else world.people.alice
    page = browser_of(who, world.acme).get(f"/calls/{ID}/").content.decode()
    assert SAID.format(NUMBER) in page
    assert page.count(NUMBER) > 5
    assert "••••" not in page


def test_no_entry_of_the_log_holds_a_number_that_no_person_typed(
    planted: World, browser_of: ClientFactory
) -> None:
    """Reading and applying again are written down; what they were about stands there by key."""
    alice = browser_of(planted.people.alice, planted.acme)
    for path in (f"/calls/{ID}/", f"/calls/chats/{ID}/", f"/deliveries/{ID}/"):
        assert alice.get(path).status_code == 200
    typed = ("calls.classified", "calls.classification_kept")  # reasons are a person's words
    texts = [
        f"{e.sentence} {e.changes} {e.details} {e.object_repr} {e.reason}"
        for e in entries(planted.acme)
        if e.code not in typed
    ]
    assert texts
    assert not [text for text in texts if holds_number(text)]


@pytest.mark.parametrize(
    "text",
    ["2026-11-24 10:30", "2026-11-24", "10:30:15", "$1,234.56", "agent_12", "call 7 of 20",
     "3.14159", "room 1205", "99999", ""],
)  # fmt: skip
def test_what_is_no_number_to_call_is_shown_as_it_is(text: str) -> None:
    assert shown_text(text) == text


@pytest.mark.parametrize("number", [*WRITTEN, "+44 20 7946 0142", "00442079460142", "555-0142"])
def test_a_number_in_a_text_keeps_its_last_four(number: str) -> None:
    assert shown_text(SAID.format(number)) == SAID.format("•••• 0142")


def test_two_numbers_beside_each_other_are_both_masked() -> None:
    assert DIGITS not in re.sub(r"\D", "", str(shown_text(f"{DIGITS} {DIGITS}, {NUMBER}")))
