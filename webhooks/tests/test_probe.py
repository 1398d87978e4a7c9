"""The signed delivery of our own, which shows from outside whether the door answers."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tenants.pin import organization_context
from testing.fixtures import CanaryClient, World
from testing.retell import sign
from testing.servers import Servers
from webhooks import probe
from webhooks.models import Delivery


def post(key: str, token: str, *, timestamp_ms: int | None = None) -> int:
    answer = CanaryClient("localhost:8000").post(
        f"/webhooks/retell/{token}/",
        probe.BODY,
        content_type="application/json",
        headers={"X-Retell-Signature": sign(probe.BODY, key, timestamp_ms)},
    )
    return int(answer.status_code)


def test_a_probe_is_taken_and_nothing_is_stored(world: World) -> None:
    assert post(probe.key(), probe.token()) == 204
    for organization in (world.acme, world.globex):
        with organization_context(organization):
            assert not Delivery.objects.exists()


def test_a_probe_with_another_key_is_refused(world: World) -> None:
    assert post("key_guess", probe.token()) == 401


def test_an_old_probe_is_refused(world: World) -> None:
    hour_ago = int(time.time() * 1000) - 3_600_000
    assert post(probe.key(), probe.token(), timestamp_ms=hour_ago) == 401


def test_its_key_opens_no_organizations_url(world: World) -> None:
    assert post(probe.key(), world.webhook_tokens["acme"]) == 401


def test_it_follows_from_the_secret_key(settings: Any) -> None:
    before = (probe.token(), probe.key())
    settings.SECRET_KEY = "another"
    assert probe.token() not in before
    assert probe.key() not in before


def test_it_goes_through_the_public_address(
    committed: World, servers: Servers, settings: Any
) -> None:
    settings.PUBLIC_BASE_URL = f"http://127.0.0.1:{servers.web_port}"
    assert probe.send().status_code == 204


@pytest.mark.parametrize("token", ["", "a", "ä", "x" * 128])
def test_other_tokens_are_no_probe(token: str) -> None:
    assert not probe.is_probe(token)
