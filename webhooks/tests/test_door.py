"""The inbound door in short: what is signed comes in, what is not stays out."""

from __future__ import annotations

from tenants.pin import organization_context
from testing.fixtures import KEYS, World
from testing.retell import body_of, call_of, only_delivery, post, sign
from webhooks.models import Delivery

BODY = body_of("call_started")


def test_a_signed_event_is_stored_and_applied(world: World) -> None:
    assert post(world, BODY).status_code == 204
    assert only_delivery(world).state == "applied"
    assert call_of(world).outcome_code == "ongoing"


def test_an_event_signed_with_the_other_organizations_key_is_refused(world: World) -> None:
    assert post(world, BODY, header=sign(BODY, KEYS["globex"])).status_code == 401
    with organization_context(world.acme):
        assert not Delivery.objects.exists()
