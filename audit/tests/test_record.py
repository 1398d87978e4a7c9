"""Appending: with the change or not at all, in order, by insert only, each into its own chain."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from accounts.actions import members
from accounts.models import Role, User
from agents.actions import rename_agent
from agents.models import Agent
from audit import actions
from audit.actions import record
from audit.circumstances import SYSTEM, Actor, circumstances, command_actor
from audit.models import Entry, Head
from audit.tests.chains import DONE, append, entries, found, nobody, remove, texts
from tenants.pin import organization_context
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, World


def test_parallel_appends_leave_no_gap_and_no_fork(committed: World) -> None:
    owner = nobody()

    def work(number: int) -> None:
        try:
            for _ in range(10):
                append(owner, 1, f"thread {number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert [entry.sequence for entry in entries(owner)] == list(range(1, 81))
    assert texts(owner) == []
    remove(owner)


def test_what_is_rolled_back_leaves_no_entry_and_no_gap(world: World) -> None:
    owner = nobody()
    append(owner)
    with transaction.atomic():
        append(owner)
        transaction.set_rollback(True)
    append(owner)
    assert [entry.sequence for entry in entries(owner)] == [1, 2]
    assert texts(owner) == []


def test_without_its_entry_a_change_does_not_happen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with organization_context(world.acme):
        agent = Agent.objects.create(retell_agent_id="agent_1", name="Desk")
        monkeypatch.setattr(actions, "_append", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rename_agent(agent, name="Front desk")
        assert Agent.objects.get().name == "Desk"


Scope = Callable[[World], AbstractContextManager[Any]]
SCOPES: dict[str, Scope] = {
    "door": lambda _: door(),
    "platform": lambda _: platform(),
    "organization": lambda world: organization_context(world.acme),
}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("change", ["update", "delete"])
def test_no_role_changes_or_removes_an_entry(world: World, scope: str, change: str) -> None:
    with SCOPES[scope](world):
        record(DONE, "a", organization=world.acme)
        rows = Entry.objects.filter(organization_id=world.acme.pk)
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            rows.update(reason="b") if change == "update" else rows._raw_delete("default")


@pytest.mark.parametrize("scope", SCOPES)
def test_no_role_removes_a_head(world: World, scope: str) -> None:
    with (
        SCOPES[scope](world),
        pytest.raises(ProgrammingError, match="denied"),
        transaction.atomic(),
    ):
        Head.objects.all()._raw_delete("default")


def test_an_organization_sees_its_own_chain_only(world: World) -> None:
    for owner in (world.globex, world.acme):
        append(owner)
    with platform():
        record(DONE, "the operator's")
    with organization_context(world.acme):
        assert set(Entry.objects.values_list("organization_id", flat=True)) == {world.acme.pk}
        assert set(Head.objects.values_list("chain", flat=True)) == {str(world.acme.pk)}


@pytest.mark.parametrize("whose", ["globex", "operator"])
def test_an_organization_cannot_append_to_another_chain(world: World, whose: str) -> None:
    other = world.globex.pk if whose == "globex" else None
    append(world.globex)
    with organization_context(world.acme):
        entry = record(DONE, "a")
        entry.pk, entry.organization_id, entry.sequence = nobody().pk, other, 10**6
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            entry.save(force_insert=True)
        assert Head.objects.filter(chain=str(other)).update(sequence=10**6) == 0


def test_naming_another_organization_does_not_reach_its_chain(world: World) -> None:
    refused = pytest.raises(ProgrammingError, match="row-level security")
    with organization_context(world.acme), refused, transaction.atomic():
        record(DONE, "a", organization=world.globex)


LONG = "é" * 10_000
ODD = ["\x00", "\ud800", LONG, f"{LONG}\x00\udfff"]


@pytest.mark.parametrize("text", ODD, ids=["NUL", "half a character", "long", "all"])
def test_no_text_breaks_a_change(world: World, text: str) -> None:
    with organization_context(world.acme):
        agent = Agent.objects.create(retell_agent_id="agent_1")
        agent.retell_name = text
        now = {"actor": Actor(text), "reason": text, "request_id": text, "address": text}
        with circumstances(**now, acting_as=text, details={text: text}):
            entry = record(DONE, agent, changes={text: [text, text]}, details={"b": text})
    assert entry.sentence
    assert texts(world.acme) == []


def test_a_value_of_any_type_is_kept_as_text(world: World) -> None:
    odd: dict[str, Any] = {"a": None, "b": 1.5, "c": 10**30, "d": [1], "e": Role.ADMIN}
    owner = nobody()
    with platform():
        record(DONE, "a", details=odd, organization=owner)
    assert entries(owner)[0].details == {
        "a": "None", "b": "1.5", "c": str(10**30), "d": "[1]", "e": "org_admin",
    }  # fmt: skip
    assert texts(owner) == []


def test_a_person_who_is_deleted_leaves_what_they_did(world: World) -> None:
    eve = members.add_member(
        world.acme, email="eve@example.com", role=Role.ADMIN, password=PASSWORD, name="Eve"
    )
    with platform(), circumstances(actor=Actor(eve.audit_label, eve.pk)):
        record(DONE, eve, organization=world.acme)
    with platform():
        User.objects.get(pk=eve.pk).delete()
    assert entries(world.acme)[-1].sentence == "Eve did Eve"
    assert found(world.acme) == []


def test_who_acts_where_nobody_says_so_is_the_product(world: World) -> None:
    assert append(nobody())[0].actor_label == SYSTEM.label == "Switchboard"


def test_a_command_names_itself_and_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER"):
        monkeypatch.setenv(name, "ops")
    assert command_actor("webhook_url").label == "manage.py webhook_url (ops)"


def test_circumstances_of_a_request_stand_in_its_entries(world: World) -> None:
    with circumstances(address="203.0.113.9", request_id="r1", details={"device": "Firefox"}):
        entry = append(nobody())[0]
    assert (entry.remote_addr, entry.cid) == ("203.0.113.9", "r1")
    assert entry.details == {"device": "Firefox"}
