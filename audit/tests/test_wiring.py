"""What people, operators, commands and jobs do stands in the log; what must not, does not."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.actions import members
from accounts.models import Role
from agents.actions import rename_agent
from agents.connection.actions import webhook_url
from agents.connection.actions.signing_key import set_signing_key
from agents.models import Agent
from audit.models import Entry
from audit.tests.chains import entries, remove, texts
from calls.models import Call, Chat
from operations import organizations
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import KEYS, ClientFactory, World
from testing.organizations import drop_organization, made_organization
from testing.retell import body_of, receive, sample
from webhooks.actions import apply_again
from webhooks.models import Delivery


def last(owner: Organization | None) -> Entry:
    return entries(owner)[-1]


def codes(owner: Organization | None) -> list[str]:
    return [entry.code for entry in entries(owner)]


@pytest.fixture
def call(world: World) -> Call:
    receive(world, sample("phone_inbound.call_analyzed.json").body)
    with organization_context(world.acme):
        return Call.objects.get()


def test_renaming_an_agent_says_before_and_after(world: World, browser_of: ClientFactory) -> None:
    with organization_context(world.acme):
        agent = Agent.objects.create(retell_agent_id="agent_1", name="Desk")
    alice = browser_of(world.people.alice, world.acme)
    alice.post(f"/agents/{agent.pk}/edit/", {"name": "Front desk"}, headers={"User-Agent": "Fox"})
    entry = last(world.acme)
    assert entry.sentence == "Alice renamed the agent Front desk from “Desk” to “Front desk”"
    assert (entry.actor_id, entry.remote_addr) == (world.people.alice.pk, "127.0.0.1")
    assert entry.cid
    assert entry.details["device"]


def test_a_name_that_stays_is_no_change(world: World) -> None:
    with organization_context(world.acme):
        agent = Agent.objects.create(retell_agent_id="agent_1", name="Desk")
        before = codes(world.acme)
        rename_agent(agent, name=" Desk ")
    assert codes(world.acme) == before


def test_exchanging_the_key_shows_its_last_four_only(world: World) -> None:
    with organization_context(world.acme):
        set_signing_key(world.acme.pk, "key_planted_secret_9876")
    entry = last(world.acme)
    assert entry.changes == {"ends in": [KEYS["acme"][-4:], "9876"]}
    assert "key_planted" not in json.dumps(entry.changes) + entry.sentence + entry.object_repr


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ("no", "Alice classed the call {} from “revenue” to “test”"),
        ("yes", "Alice confirmed that the call {} is revenue"),
    ],
)
def test_classifying_says_why(
    world: World, call: Call, browser_of: ClientFactory, decision: str, said: str
) -> None:
    alice = browser_of(world.people.alice, world.acme)
    alice.post(call.get_classify_url(), {"is_billable": decision, "reason": "Agreed by phone"})
    entry = last(world.acme)
    assert (entry.sentence, entry.reason) == (said.format(call.retell_call_id), "Agreed by phone")


def test_opening_a_transcript_is_an_entry(
    world: World, call: Call, browser_of: ClientFactory
) -> None:
    browser_of(world.people.bob, world.acme).get(call.get_absolute_url())
    assert last(world.acme).sentence == f"Bob read the transcript of the call {call}"


def test_opening_a_call_without_a_transcript_is_none(
    world: World, browser_of: ClientFactory
) -> None:
    receive(world, body_of("call_started"))
    with organization_context(world.acme):
        url = Call.objects.get().get_absolute_url()
    before = codes(world.acme)
    browser_of(world.people.bob, world.acme).get(url)
    assert codes(world.acme) == before


def test_opening_a_chat_is_an_entry(world: World, browser_of: ClientFactory) -> None:
    receive(world, sample("chat.chat_analyzed.json").body)
    with organization_context(world.acme):
        chat = Chat.objects.get()
    browser_of(world.people.bob, world.acme).get(chat.get_absolute_url())
    assert last(world.acme).sentence == f"Bob read the messages of the chat {chat}"


def test_a_raw_body_is_an_entry_for_who_sees_it(
    world: World, call: Call, browser_of: ClientFactory
) -> None:
    with organization_context(world.acme):
        delivery = Delivery.objects.get()
    before = codes(world.acme)
    browser_of(world.people.bob, world.acme).get(delivery.get_absolute_url())
    assert codes(world.acme) == before
    browser_of(world.people.alice, world.acme).get(delivery.get_absolute_url())
    assert last(world.acme).sentence == f"Alice read the raw body of the delivery {delivery}"


def failed(world: World) -> Delivery:
    receive(world, body_of())
    with organization_context(world.acme):
        delivery = Delivery.objects.get()
        delivery.state, delivery.retry_at = "failed", delivery.received_at
        delivery.save()
    return delivery


def test_applying_again_by_hand_says_what_came_of_it(
    world: World, browser_of: ClientFactory
) -> None:
    delivery = failed(world)
    browser_of(world.people.alice, world.acme).post(f"/deliveries/{delivery.pk}/replay/")
    assert last(world.acme).sentence == (
        f"Alice applied the delivery {delivery} again from “Failed” to “Applied”"
    )


def test_applying_again_by_itself_is_retells_doing(world: World) -> None:
    failed(world)
    before = codes(world.acme)
    with organization_context(world.acme):
        apply_again(Delivery.objects.get(), organization=world.acme)
        assert Delivery.objects.get().state == "applied"
    assert codes(world.acme) == before


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("suspend_organization", {"reason": "Unpaid"}, "suspended the organization Acme"),
        ("archive_organization", {}, "archived the organization Acme"),
    ],
)
def test_a_command_writes_down_what_it_did_and_who_ran_it(
    world: World, monkeypatch: pytest.MonkeyPatch, command: str, options: Any, said: str
) -> None:
    monkeypatch.setenv("LOGNAME", "ops")
    call_command(command, "acme", stdout=io.StringIO(), **options)
    entry = last(world.acme)
    assert entry.sentence == f"manage.py {command} (ops) {said}"
    assert entry.reason == options.get("reason", "")
    call_command("resume_organization", "acme", stdout=io.StringIO())
    assert last(world.acme).predicate == "opened the organization Acme again"


def test_what_is_refused_is_not_written_down(world: World) -> None:
    before = codes(world.acme)
    with pytest.raises(CommandError):
        call_command("resume_organization", "acme", stdout=io.StringIO())
    assert codes(world.acme) == before


def test_the_operators_pages_write_into_the_organizations_log(
    world: World, browser_of: ClientFactory
) -> None:
    sam = browser_of(world.people.sam)
    sam.post(f"/organizations/{world.acme.pk}/suspend/", {"reason": "Unpaid"})
    assert last(world.acme).sentence == "Sam suspended the organization Acme"
    assert last(world.acme).reason == "Unpaid"
    sam.post(f"/organizations/{world.acme.pk}/resume/")
    assert last(world.acme).code == "organizations.resumed"


def test_a_new_webhook_url_is_written_down_without_its_token(world: World) -> None:
    url = io.StringIO()
    call_command("webhook_url", "acme", rotate=True, stdout=url)
    entry = last(world.acme)
    assert entry.code == "organizations.webhook_url_rotated"
    assert url.getvalue().strip().split("/")[-2] not in everything()


def everything() -> str:
    """All of the log, as text."""
    with platform():
        rows = list(Entry.objects.values())
    return json.dumps(rows, default=str)


def test_no_secret_is_in_any_entry(world: World, browser_of: ClientFactory) -> None:
    planted = "planted-password-4711 of a person"
    members.add_member(world.acme, email="eve@example.com", role=Role.ADMIN, password=planted)
    nobody = browser_of(None, world.acme)
    nobody.post("/sign-in/", {"email": "eve@example.com", "password": planted})
    nobody.post("/sign-in/", {"email": "eve@example.com", "password": f"wrong {planted}"})
    with organization_context(world.acme):
        set_signing_key(world.acme.pk, "key_planted_secret_9876")
    token = webhook_url.rotate(world.acme).token
    found = everything()
    assert "accounts.signed_in" in found
    for secret in ("planted-password", "key_planted", token, world.webhook_tokens["acme"]):
        assert secret not in found


def test_a_deletion_is_written_down_and_outlived_by_the_log(committed: World) -> None:
    with made_organization("umbrella") as organization:
        organizations.delete(organization)
        organizations.restore(organization)
        organizations.delete(organization)
        drop_organization(organization.schema_name)
    begun, done = "organizations.deletion_begun", "organizations.deleted"
    assert codes(organization) == [begun, done, "organizations.restored", begun, done]
    assert last(organization).sentence.startswith("Switchboard deleted the organization Umbrella")
    assert texts(organization) == []
    remove(organization)


def test_a_deletion_that_fails_shows_that_it_was_begun(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.organizations.provisioning.delete_schema", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        organizations.delete(world.acme)
    assert last(world.acme).code == "organizations.deletion_begun"


def test_setting_an_organization_up_is_its_logs_beginning(committed: World) -> None:
    created = organizations.create_organization(
        name="Umbrella", slug="umbrella", admin_email="eve@example.com",
        retell_api_key="key_planted_secret_9876",
    )  # fmt: skip
    organization = created.organization
    assert codes(organization)[:2] == ["organizations.created", "agents.key_set"]
    assert "accounts.invited" in codes(organization)
    drop_organization(organization.schema_name)
    remove(organization)
