"""Setting and exchanging an organization's key and webhook URL by command."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from agents.connection.exceptions import RetellKeyError
from agents.connection.keys import signing_keys
from agents.models import RetellConnection
from operations import first_key
from tenants.models import WebhookEndpoint
from tenants.pin import organization_context
from tenants.scope import platform
from testing import retell_api as faults
from testing.fixtures import KEYS, World
from testing.retell import body_of, post, sign
from testing.retell_api import API_KEYS, FaultyRetell


def run(command: str, **options: object) -> str:
    output = io.StringIO()
    call_command(command, "acme", stdout=output, **options)
    return output.getvalue().strip()


def test_a_new_key_is_accepted_beside_the_one_before_it(world: World) -> None:
    run("set_retell_key", retell_api_key="key_new_00000001", signing_key_only=True)
    with organization_context(world.acme):
        assert signing_keys(world.acme.pk) == (["key_new_00000001", KEYS["acme"]], 0)
    for key in ("key_new_00000001", KEYS["acme"]):
        body = body_of(call_id=key)
        assert post(world, body, header=sign(body, key)).status_code == 204


def test_an_empty_key_is_refused_and_changes_nothing(world: World) -> None:
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("set_retell_key", retell_api_key="  ")
    with organization_context(world.acme):
        assert signing_keys(world.acme.pk) == ([KEYS["acme"]], 0)


def test_the_webhook_url_is_printed_as_it_is_used(world: World) -> None:
    assert run("webhook_url").endswith(f"/webhooks/retell/{world.webhook_tokens['acme']}/")


def test_a_rotated_url_works_and_the_old_one_for_a_week(world: World) -> None:
    token = run("webhook_url", rotate=True).rstrip("/").rpartition("/")[2]
    assert token != world.webhook_tokens["acme"]
    for used in (token, world.webhook_tokens["acme"]):
        assert post(world, body_of(call_id=used), token=used).status_code == 204
    with platform():
        old = WebhookEndpoint.objects.exclude(expires_at=None).get()
    assert old.expires_at is not None
    assert timedelta(days=6) < old.expires_at - timezone.now() <= timedelta(days=7)


# --- Asking Retell -------------------------------------------------------------------------------


def connection_of(world: World) -> RetellConnection:
    with organization_context(world.acme):
        return RetellConnection.objects.get()


def test_a_key_is_checked_and_becomes_both(world: World, retell_api: FaultyRetell) -> None:
    printed = json.loads(run("set_retell_key", retell_api_key=API_KEYS["acme"], json=True))
    assert printed["workspace"] == "Acme Agency"
    assert printed["signing_key_ends_in"] == printed["api_key_ends_in"] == API_KEYS["acme"][-4:]
    assert API_KEYS["acme"] not in str(printed)


def test_the_api_key_alone_leaves_the_signing_key(world: World, retell_api: FaultyRetell) -> None:
    run("set_retell_key", retell_api_key=API_KEYS["acme"], api_key_only=True)
    row = connection_of(world)
    assert (row.api_key_last4, row.key_last4) == (API_KEYS["acme"][-4:], KEYS["acme"][-4:])


def test_a_refused_key_changes_nothing(world: World, retell_api: FaultyRetell) -> None:
    with pytest.raises(CommandError, match="does not accept this key"):
        run("set_retell_key", retell_api_key="key_unknown_00001")
    assert connection_of(world).key_last4 == KEYS["acme"][-4:]


def test_without_retell_nothing_is_stored_unless_asked_for(world: World) -> None:
    with pytest.raises(CommandError, match="--no-check"):
        run("set_retell_key", retell_api_key="key_offline_00001")
    assert not connection_of(world).has_api_key
    run("set_retell_key", retell_api_key="key_offline_00001", no_check=True)
    assert connection_of(world).api_key_state == "unchecked"


def test_the_urls_come_as_json(world: World) -> None:
    before = run("webhook_url")
    printed = json.loads(run("webhook_url", rotate=True, json=True))
    assert printed["webhook_url"] != before
    assert [old["url"] for old in printed["old_urls"]] == [before]


@pytest.mark.parametrize(
    ("fault", "note", "state"),
    [
        (None, "", "ok"),
        (faults.status(503), "stored unchecked", "unchecked"),
        (faults.status(403), "it verifies webhooks", ""),
    ],
)
def test_the_first_key_of_an_organization_is_checked(
    world: World, retell_api: FaultyRetell, fault: faults.Fault | None, note: str, state: str
) -> None:
    if fault:
        retell_api.fail(fault)
    first = first_key.prepare(API_KEYS["acme"], check=True)
    said = first_key.store(first, world.acme)
    row = connection_of(world)
    assert note in said
    assert bool(said) == bool(note)
    assert row.key_last4 == API_KEYS["acme"][-4:]
    assert (row.api_key_state if row.has_api_key else "") == state


def test_a_refused_first_key_makes_nothing(world: World, retell_api: FaultyRetell) -> None:
    with pytest.raises(RetellKeyError, match="does not accept"):
        first_key.prepare("key_unknown_00001", check=True)


def test_a_first_key_of_a_taken_workspace_makes_nothing(
    world: World, retell_api: FaultyRetell
) -> None:
    run("set_retell_key", retell_api_key=API_KEYS["acme"])
    with pytest.raises(RetellKeyError, match="another organization"):
        first_key.prepare(API_KEYS["acme"], check=True)
