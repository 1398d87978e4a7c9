"""Setting and exchanging an organization's key and webhook URL by command."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from agents.connection.keys import signing_keys
from tenants.models import WebhookEndpoint
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import KEYS, World
from testing.retell import body_of, post, sign


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
