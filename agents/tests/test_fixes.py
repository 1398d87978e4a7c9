"""Setting a webhook in Retell: what is shown is what is done, and every failure says how far."""

from __future__ import annotations

import re
from typing import Any

import pytest

from agents.models import Agent, RetellConnection
from agents.tasks import sync_one
from agents.tests.conftest import Make
from audit.tests.chains import entries
from operations.demo.retell_api.workspaces import Key
from tenants.models import Organization
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.retell_api import API_KEYS, FaultyRetell, lose_answer, status

ELSEWHERE = "https://n8n.example.com/webhook/abc"
DRAFTED_AT = 1_795_000_100_000


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


def page(alice: CanaryClient, agent: Agent) -> str:
    return str(alice.get(f"/agents/{agent.pk}/webhook/").content.decode())


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def seal(html: str) -> str:
    found = re.search(r'name="seal" value="(\w+)"', html)
    assert found, html
    return found[1]


def agree(alice: CanaryClient, agent: Agent) -> str:
    """Look, agree, and what the person is told afterwards."""
    url = f"/agents/{agent.pk}/webhook/"
    response = alice.post(url, {"seal": seal(page(alice, agent))}, follow=True)
    return " ".join(str(message) for message in response.context["messages"])


def writes(retell: FaultyRetell) -> list[tuple[str, str]]:
    return [
        (request.method, request.path.split("/")[1])
        for request in retell.requests
        if request.path.startswith(("/update-", "/create-", "/publish-"))
    ]


# --- What is shown -------------------------------------------------------------------------------


def test_the_page_says_exactly_what_changes(
    alice: CanaryClient, make: Make, connected: FaultyRetell
) -> None:
    _, agent = make(webhook_url=ELSEWHERE, webhook_events=["call_ended"])
    shown = text(page(alice, agent))
    assert "A new version is made from version 0, the newest published one." in shown
    assert f"The one before, {ELSEWHERE}, gets nothing" in shown
    assert "New: call_started, call_analyzed." in shown
    assert "The new version is published." in shown
    assert writes(connected) == []


def test_the_page_says_what_is_left_to_do_in_retell(
    alice: CanaryClient, make: Make, in_acme: Organization, connected: FaultyRetell
) -> None:
    fake, agent = make(webhook_url=ELSEWHERE)
    fake.tags = {"prod": 0}
    sync_one(in_acme)
    lines = [("+1001", 0), ("+1002", "latest_published"), ("+1003", "staging")]
    connected.acme.phone_numbers = [
        {
            "phone_number": number,
            "inbound_agents": [{"agent_id": "agent_1", "weight": 1, "agent_version": version}],
        }
        for number, version in lines
    ]
    shown = text(page(alice, agent))
    assert "Tag prodversion 0" in shown
    assert "+1001 (inbound)version 0" in shown
    assert "+1003 (inbound)tag staging" in shown
    assert "+1002" not in shown


def test_a_draft_with_other_changes_is_named(
    alice: CanaryClient, make: Make, in_acme: Organization
) -> None:
    fake, agent = make(webhook_url=ELSEWHERE)
    fake.branch(0, DRAFTED_AT)
    shown = text(page(alice, agent))
    assert "Version 1 is a draft with changes that are not published. They stay" in shown


def test_what_is_right_already_offers_nothing(
    alice: CanaryClient, make: Make, connected: FaultyRetell, own_url: str
) -> None:
    fake, agent = make(webhook_url=ELSEWHERE)
    fake.latest["webhook_url"] = own_url  # since the sync
    shown = page(alice, agent)
    assert "is right already" in shown
    assert "<form" not in shown.partition("<main")[2].partition("</main>")[0]


def test_without_an_api_key_the_page_says_so(alice: CanaryClient, world: World, make: Make) -> None:
    _, agent = make(webhook_url=ELSEWHERE)
    RetellConnection.objects.update(api_key_encrypted=None)
    assert "There is no Retell API key." in page(alice, agent)


def test_an_agent_that_is_gone_cannot_be_set(
    alice: CanaryClient, make: Make, in_acme: Organization, connected: FaultyRetell
) -> None:
    _, agent = make(webhook_url=ELSEWHERE)
    connected.acme.agents.clear()
    sync_one(in_acme)
    assert "Retell does not list this agent" in text(page(alice, agent))


# --- What is done --------------------------------------------------------------------------------


def test_a_version_is_made_from_the_published_one_set_and_published(
    alice: CanaryClient, make: Make, connected: FaultyRetell, own_url: str
) -> None:
    fake, agent = make(webhook_url=ELSEWHERE, webhook_events=["call_ended", "transfer_ended"])
    assert "Version 1" in agree(alice, agent)
    assert [v["is_published"] for v in fake.versions] == [True, True]
    assert (fake.latest["webhook_url"], fake.latest["base_version"]) == (own_url, 0)
    assert fake.latest["webhook_events"] == [
        "call_ended", "transfer_ended", "call_started", "call_analyzed",
    ]  # fmt: skip
    assert fake.versions[0]["webhook_url"] == ELSEWHERE


def test_afterwards_nothing_is_found(alice: CanaryClient, world: World, make: Make) -> None:
    _, agent = make(webhook_url=ELSEWHERE)
    agree(alice, agent)
    assert "n8n.example.com, so" not in alice.get(agent.get_absolute_url()).content.decode()


def test_a_draft_of_somebody_is_not_published_along(
    alice: CanaryClient, make: Make, own_url: str
) -> None:
    fake, agent = make(webhook_url=ELSEWHERE)
    draft = fake.branch(0, DRAFTED_AT)
    draft["agent_name"] = "Half-finished"
    agree(alice, agent)
    assert (draft["is_published"], draft["webhook_url"]) == (False, ELSEWHERE)
    assert (fake.latest["version"], fake.latest["agent_name"]) == (2, "Front Desk")
    assert (fake.latest["is_published"], fake.latest["webhook_url"]) == (True, own_url)


def test_what_is_right_in_a_draft_is_not_yet_right(
    alice: CanaryClient, make: Make, own_url: str
) -> None:
    fake, agent = make(webhook_url=ELSEWHERE)
    fake.branch(0, DRAFTED_AT)["webhook_url"] = own_url
    agree(alice, agent)
    assert [(v["webhook_url"], v["is_published"]) for v in fake.versions] == [
        (ELSEWHERE, True), (own_url, False), (own_url, True),
    ]  # fmt: skip


def test_an_agent_that_was_never_published_stays_a_draft(
    alice: CanaryClient, make: Make, own_url: str
) -> None:
    fake, agent = make(webhook_url=ELSEWHERE, published=False)
    agree(alice, agent)
    assert len(fake.versions) == 1
    assert (fake.latest["webhook_url"], fake.latest["is_published"]) == (own_url, False)


def test_chat_agents_are_set_as_such(alice: CanaryClient, make: Make, own_url: str) -> None:
    fake, agent = make(channel="chat", webhook_url=ELSEWHERE, webhook_events=["chat_ended"])
    agree(alice, agent)
    assert fake.latest["webhook_url"] == own_url
    assert set(fake.latest["webhook_events"]) == {"chat_started", "chat_ended", "chat_analyzed"}


def test_events_alone_leave_the_url_to_the_account(alice: CanaryClient, make: Make) -> None:
    fake, agent = make(webhook_events=["call_ended"])
    agree(alice, agent)
    assert fake.latest["webhook_url"] in (None, "")
    assert "call_analyzed" in fake.latest["webhook_events"]


def test_what_changed_since_the_page_was_shown_is_not_set(
    alice: CanaryClient, make: Make, connected: FaultyRetell
) -> None:
    fake, agent = make(webhook_url=ELSEWHERE)
    shown = seal(page(alice, agent))
    fake.latest["webhook_url"] = "https://other.example.com/"
    alice.post(f"/agents/{agent.pk}/webhook/", {"seal": shown})
    assert writes(connected) == []


# --- What fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/create-agent-version/", "/update-agent/", "/publish-"])
def test_a_refusal_says_how_far_it_came(
    alice: CanaryClient, make: Make, connected: FaultyRetell, path: str
) -> None:
    fake, agent = make(webhook_url=ELSEWHERE)
    connected.fail(status(422, "Not today."), path=path)
    told = agree(alice, agent)
    assert "Not today." in told
    assert ("Version 1 was made" in told) == (path != "/create-agent-version/")
    assert not any(v["is_published"] for v in fake.versions[1:])


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/create-agent-version/", "Nothing was published"),
        ("/update-agent/", "Version 1 was made and is not published"),
        ("/publish-", "whether it was published is not known"),
    ],
)
def test_no_answer_says_that_the_outcome_is_not_known(
    alice: CanaryClient, make: Make, connected: FaultyRetell, path: str, told: str
) -> None:
    _, agent = make(webhook_url=ELSEWHERE)
    connected.fail(lose_answer, path=path)
    message = agree(alice, agent)
    assert told in message
    assert "is not known" in message


def test_after_a_lost_answer_the_agent_is_read_again(
    alice: CanaryClient, make: Make, connected: FaultyRetell
) -> None:
    _, agent = make(webhook_url=ELSEWHERE)
    connected.fail(lose_answer, path="/publish-")
    agree(alice, agent)
    agent = Agent.objects.get()
    assert agent.published_version
    assert agent.published_version.number == 1


def test_a_key_that_may_only_read_keeps_its_state(
    alice: CanaryClient, make: Make, connected: FaultyRetell
) -> None:
    _, agent = make(webhook_url=ELSEWHERE)
    connected.acme.keys[API_KEYS["acme"]] = Key(may_edit=False)
    assert "does not allow it to do this" in agree(alice, agent)
    assert RetellConnection.objects.get().api_key_state == "ok"


# --- Who, and the log ----------------------------------------------------------------------------


def test_the_log_says_what_was_set_without_any_secret(
    alice: CanaryClient, world: World, make: Make, own_url: str
) -> None:
    _, agent = make(webhook_url=ELSEWHERE)
    agree(alice, agent)
    entry = entries(world.acme)[-1]
    assert "Alice set the webhook of the agent Front Desk in Retell, in version 1" in entry.sentence
    assert entry.changes is not None
    assert entry.changes["webhook URL"][0] == "https://n8n.example.com/…"
    assert own_url.rstrip("/").rpartition("/")[2] not in str(entry.changes) + entry.sentence
    assert "abc" not in str(entry.changes)


def test_a_try_that_failed_stands_in_the_log(
    alice: CanaryClient, world: World, make: Make, connected: FaultyRetell
) -> None:
    _, agent = make(webhook_url=ELSEWHERE)
    connected.fail(status(422), path="/publish-")
    agree(alice, agent)
    assert "tried to set the webhook of the agent Front Desk" in entries(world.acme)[-1].sentence


def test_it_asks_who_one_is_first(
    world: World, browser_of: ClientFactory, make: Make, connected: FaultyRetell
) -> None:
    _, agent = make(webhook_url=ELSEWHERE)
    alice = browser_of(world.people.alice, world.acme, confirmed=False)
    response: Any = alice.post(f"/agents/{agent.pk}/webhook/", {"seal": "x"})
    assert response.status_code == 302
    assert "/confirm/" in response.url
    assert writes(connected) == []


def test_a_viewer_may_not(
    world: World, browser_of: ClientFactory, make: Make, connected: FaultyRetell
) -> None:
    _, agent = make(webhook_url=ELSEWHERE)
    bob = browser_of(world.people.bob, world.acme)
    assert bob.get(f"/agents/{agent.pk}/webhook/").status_code == 403
    assert "Set the webhook" not in bob.get(agent.get_absolute_url()).content.decode()
