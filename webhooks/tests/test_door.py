"""The inbound door, over Django's test client."""

from __future__ import annotations

import json

from retell.lib.webhook_auth import symmetric

from tenants.pin import organization_context
from testing.fixtures import KEYS, CanaryClient, World
from webhooks.models import Delivery


def post(world: World, body: bytes, *, key: str = KEYS["acme"], slug: str = "acme"):
    signature = symmetric["sign"](body.decode(), key)
    return CanaryClient("localhost:8000").post(
        f"/webhooks/retell/{world.webhook_tokens[slug]}/",
        body,
        content_type="application/json",
        headers={"X-Retell-Signature": signature},
    )


def test_a_signed_event_is_stored_and_applied(world: World) -> None:
    body = json.dumps({"event": "call_started", "call": {"call_id": "call_1"}}).encode()
    response = post(world, body)
    assert response.status_code == 204
    with organization_context(world.acme):
        assert Delivery.objects.get().state == "applied"


def test_an_event_signed_with_the_other_organizations_key_is_refused(world: World) -> None:
    body = json.dumps({"event": "call_started", "call": {"call_id": "call_1"}}).encode()
    response = post(world, body, key=KEYS["globex"])
    assert response.status_code == 401
    with organization_context(world.acme):
        assert not Delivery.objects.exists()
