"""Connecting to Retell: checked keys, one workspace for one organization, exchange, removal."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from agents.connection import keys
from agents.connection.actions import api_key, signing_key
from agents.connection.exceptions import Refused, RetellKeyError
from agents.connection.keys import signing_keys
from agents.models import ApiKeyState, RetellConnection
from agents.retell import Kind, RetellApiError, Workspace
from audit.models import Entry
from operations.demo.retell_api.workspaces import Key
from tenants.models import Organization, RetellWorkspace
from tenants.pin import organization_context
from tenants.scope import platform
from testing import retell_api as faults
from testing.fixtures import KEYS, World
from testing.retell import body_of, places_of, post, sign
from testing.retell_api import API_KEYS, FaultyRetell

KEY = API_KEYS["acme"]
SECOND_KEY = "key_acme_second_77aa12ff0042"


def connect(organization: Organization, key: str = KEY, **options: Any) -> RetellConnection:
    with organization_context(organization):
        return api_key.connect(organization.pk, key, keys.check_key(key), **options)


def why(organization: Organization, key: str) -> Refused:
    """Why connecting by this key is refused."""
    with pytest.raises(RetellKeyError) as refused:
        connect(organization, key)
    return refused.value.why


def stored(organization: Organization) -> RetellConnection:
    with organization_context(organization):
        return keys.connection()


def codes(organization: Organization) -> list[str]:
    with organization_context(organization):
        return list(Entry.objects.order_by("sequence").values_list("code", flat=True))


# --- The API key ---------------------------------------------------------------------------------


def test_a_key_that_works_is_stored_with_its_workspace(
    world: World, retell_api: FaultyRetell
) -> None:
    row = connect(world.acme)
    assert (row.workspace_name, row.workspace_id) == ("Acme Agency", retell_api.acme.org_id)
    assert (row.api_key_last4, row.key_state) == (KEY[-4:], ApiKeyState.OK)
    with organization_context(world.acme):
        assert keys.stored_api_key(row, world.acme.pk) == KEY
    assert codes(world.acme)[-1] == "agents.retell_connected"


def test_the_key_is_nowhere_in_the_database(
    world: World, retell_api: FaultyRetell, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        connect(world.acme, signs_webhooks=True)
    assert KEY not in caplog.text
    assert places_of(world, KEY) == []
    with organization_context(world.acme):
        entries = str(list(Entry.objects.values()))
    assert KEY not in entries
    assert KEY[-4:] in entries


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults.status(401, f"Bad key {KEY}"), Refused.KEY_REFUSED),
        (faults.status(403), Refused.NO_ACCESS),
        (faults.status(503), Refused.UNREACHABLE),
        (faults.status(429), Refused.UNREACHABLE),
        (faults.answer(b"<html>"), Refused.UNREACHABLE),
        (faults.answer(b'{"org_id": ""}'), Refused.UNREACHABLE),
        (faults.lose_answer, Refused.UNREACHABLE),
    ],
    ids=["401", "403", "503", "429", "html", "empty", "lost"],
)
def test_a_key_that_cannot_be_checked_changes_nothing(
    world: World, retell_api: FaultyRetell, fault: faults.Fault, expected: Refused
) -> None:
    connect(world.acme)
    before = stored(world.acme)
    retell_api.fail(fault)
    with pytest.raises(RetellKeyError) as refused:
        connect(world.acme, SECOND_KEY)
    assert refused.value.why == expected
    assert "othing was changed" in str(refused.value)
    assert KEY not in str(refused.value)
    assert stored(world.acme).api_key_encrypted == before.api_key_encrypted


def test_an_unreachable_retell_is_said_soon(world: World, settings: Any) -> None:
    settings.RETELL_BASE_URL = "http://127.0.0.1:9"
    assert why(world.acme, KEY) == Refused.UNREACHABLE


@pytest.mark.parametrize("key", ["", "  \n", "key with\x00nul", "x" * 600])
def test_what_is_no_key_is_never_sent(world: World, retell_api: FaultyRetell, key: str) -> None:
    assert why(world.acme, key) == Refused.NO_KEY
    assert retell_api.asked() == []


def test_another_organizations_workspace_is_refused_without_naming_it(
    world: World, retell_api: FaultyRetell
) -> None:
    connect(world.globex, API_KEYS["globex"])
    with pytest.raises(RetellKeyError) as refused:
        connect(world.acme, API_KEYS["globex"])
    assert refused.value.why == Refused.WORKSPACE_TAKEN
    assert "Globex" not in str(refused.value)
    assert not stored(world.acme).has_api_key


def test_the_workspace_does_not_change_by_another_key(
    world: World, retell_api: FaultyRetell
) -> None:
    connect(world.acme)
    assert why(world.acme, API_KEYS["globex"]) == Refused.WORKSPACE_CHANGED
    assert stored(world.acme).workspace_id == retell_api.acme.org_id


def test_a_key_is_exchanged_within_its_workspace(world: World, retell_api: FaultyRetell) -> None:
    connect(world.acme)
    retell_api.acme.keys[SECOND_KEY] = Key("second")
    row = connect(world.acme, SECOND_KEY)
    assert row.api_key_last4 == SECOND_KEY[-4:]
    with organization_context(world.acme):
        entry = Entry.objects.order_by("-sequence")[0]
    assert entry.code == "agents.api_key_changed"
    assert entry.changes == {"ends in": [KEY[-4:], SECOND_KEY[-4:]]}


def test_after_disconnecting_the_workspace_is_free_and_webhooks_still_work(
    world: World, retell_api: FaultyRetell
) -> None:
    connect(world.acme, signs_webhooks=True)
    with organization_context(world.acme):
        api_key.disconnect(world.acme.pk)
    row = stored(world.acme)
    assert (row.has_api_key, row.workspace_id, row.key_last4) == (False, "", KEY[-4:])
    assert connect(world.globex, KEY).workspace_id == retell_api.acme.org_id
    assert post(world, body_of(), header=sign(body_of(), KEY)).status_code == 204
    assert codes(world.acme)[-1] == "agents.retell_disconnected"


def test_two_at_once_do_not_both_get_a_workspace(committed: World) -> None:
    """By the database, without a lock of ours: the second waits, and loses."""
    together, outcomes = threading.Barrier(2), []
    workspace = Workspace("org_wanted_by_two", "Wanted", "", {})

    def claim(organization: Organization) -> None:
        together.wait()
        try:
            with organization_context(organization):
                api_key.connect(organization.pk, KEY, workspace)
            outcomes.append("connected")
        except RetellKeyError as error:
            outcomes.append(error.why)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=claim, args=[o]) for o in (committed.acme, committed.globex)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert sorted(outcomes) == ["connected", Refused.WORKSPACE_TAKEN]
    finally:
        for organization in (committed.acme, committed.globex):
            if stored(organization).has_api_key:
                with organization_context(organization):
                    api_key.disconnect(organization.pk)


def test_an_organization_sees_its_own_claim_only(world: World, retell_api: FaultyRetell) -> None:
    connect(world.globex, API_KEYS["globex"])
    with organization_context(world.acme):
        assert list(RetellWorkspace.objects.all()) == []


# --- Keys that are stored already ----------------------------------------------------------------


def test_a_key_stored_unchecked_is_not_used_before_it_is_confirmed(
    world: World, retell_api: FaultyRetell
) -> None:
    with organization_context(world.acme):
        api_key.store_unchecked(world.acme.pk, KEY)
        with pytest.raises(RetellKeyError) as refused:
            keys.open_api(world.acme.pk)
        assert refused.value.why == Refused.UNCHECKED
        assert retell_api.asked() == []
        api_key.confirm(world.acme.pk)
        with keys.open_api(world.acme.pk) as api:
            assert api.workspace().org_id == retell_api.acme.org_id


def test_an_unchecked_key_of_a_taken_workspace_stays_unused(
    world: World, retell_api: FaultyRetell
) -> None:
    connect(world.globex, API_KEYS["globex"])
    with organization_context(world.acme):
        api_key.store_unchecked(world.acme.pk, API_KEYS["globex"])
        with pytest.raises(RetellKeyError) as refused:
            api_key.confirm(world.acme.pk)
        assert refused.value.why == Refused.WORKSPACE_TAKEN
        with pytest.raises(RetellKeyError):
            keys.open_api(world.acme.pk)


@pytest.mark.parametrize(
    ("status", "state"),
    [(401, "refused"), (403, "no_access"), (503, "ok")],
)
def test_checking_again_notes_what_retell_says(
    world: World, retell_api: FaultyRetell, status: int, state: str
) -> None:
    connect(world.acme)
    retell_api.fail(faults.status(status))
    with organization_context(world.acme), pytest.raises(RetellKeyError):
        api_key.confirm(world.acme.pk)
    assert stored(world.acme).api_key_state == state


def test_one_request_that_works_does_not_hide_another_that_may_not(
    world: World, retell_api: FaultyRetell
) -> None:
    """A key that may read agents but no calls is not right for a few minutes of each hour."""
    connect(world.acme)
    with organization_context(world.acme):
        api_key.note(RetellApiError(Kind.KEY_REFUSED, status=403))
        api_key.note(None)
        assert stored(world.acme).api_key_state == "no_access"
        long_ago = timezone.now() - api_key.NO_ACCESS_LASTS
        RetellConnection.objects.update(api_key_checked_at=long_ago)
        api_key.note(None)
    assert stored(world.acme).api_key_state == "ok"


def test_each_refusal_counts_anew(world: World, retell_api: FaultyRetell) -> None:
    connect(world.acme)
    with organization_context(world.acme):
        api_key.note(RetellApiError(Kind.KEY_REFUSED, status=403))
        long_ago = timezone.now() - api_key.NO_ACCESS_LASTS
        RetellConnection.objects.update(api_key_checked_at=long_ago)
        api_key.note(RetellApiError(Kind.KEY_REFUSED, status=403))
        api_key.note(None)
    assert stored(world.acme).api_key_state == "no_access"


def test_what_a_job_heard_of_an_older_key_is_not_said_of_the_new_one(
    world: World, retell_api: FaultyRetell, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = connect(world.acme)
    retell_api.acme.keys[SECOND_KEY] = Key("second")
    connect(world.acme, SECOND_KEY)
    monkeypatch.setattr(keys, "connection", lambda: old)
    with organization_context(world.acme):
        api_key.note(RetellApiError(Kind.KEY_REFUSED, status=401))
    monkeypatch.undo()
    assert stored(world.acme).api_key_state == "ok"


def test_a_workspace_taken_while_its_organization_was_deleted_is_given_up(
    world: World, retell_api: FaultyRetell
) -> None:
    connect(world.acme)
    with platform():
        RetellWorkspace.objects.all().delete()
    connect(world.globex, KEY)
    with organization_context(world.acme):
        api_key.reclaim(world.acme.pk)
    assert not stored(world.acme).has_api_key


# --- The signing key -----------------------------------------------------------------------------


def test_the_api_key_signs_only_when_it_has_the_badge(
    world: World, retell_api: FaultyRetell
) -> None:
    connect(world.acme)
    with organization_context(world.acme):
        assert signing_keys(world.acme.pk)[0] == [KEYS["acme"]]
    connect(world.acme, signs_webhooks=True)
    with organization_context(world.acme):
        assert signing_keys(world.acme.pk)[0] == [KEY, KEYS["acme"]]


def test_each_key_is_exchanged_alone(world: World, retell_api: FaultyRetell) -> None:
    connect(world.acme)
    with organization_context(world.acme):
        signing_key.set_signing_key(world.acme.pk, "key_badge_without_rights_01")
    row = stored(world.acme)
    assert (row.api_key_last4, row.key_last4) == (KEY[-4:], "s_01")


def test_going_back_to_the_key_before_keeps_both(world: World) -> None:
    with organization_context(world.acme):
        for key in ("key_new_0001", KEYS["acme"], KEYS["acme"]):
            signing_key.set_signing_key(world.acme.pk, key)
        assert signing_keys(world.acme.pk) == ([KEYS["acme"], "key_new_0001"], 0)


def test_a_removed_old_key_verifies_nothing_any_more(world: World) -> None:
    with organization_context(world.acme):
        signing_key.set_signing_key(world.acme.pk, "key_new_0001")
        signing_key.remove_previous_key()
    assert post(world, body_of(), header=sign(body_of(), KEYS["acme"])).status_code == 401
    assert post(world, body_of(), header=sign(body_of(), "key_new_0001")).status_code == 204
    assert codes(world.acme)[-1] == "agents.old_key_removed"


def test_without_a_signing_key_webhooks_are_refused(world: World) -> None:
    with organization_context(world.acme):
        signing_key.remove_signing_keys()
    assert post(world, body_of(), header=sign(body_of(), KEYS["acme"])).status_code == 401
    assert (
        post(world, body_of(), header=sign(body_of(), "a key that signs nothing")).status_code
        == 401
    )
