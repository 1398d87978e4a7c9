"""From one host to another by a link that counts once, for a minute."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.actions import handover
from accounts.models import AccessPolicy, Handover, Membership, Role, Session
from tenants.models import hash_token
from tenants.scope import door
from testing.fixtures import CanaryClient, ClientFactory, World

OWN_SITE = {"Sec-Fetch-Site": "same-site"}


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    """Alice, who belongs to both organizations, on Acme's host."""
    with door():
        Membership.objects.create(
            user=world.people.alice, organization=world.globex, role=Role.VIEWER
        )
    return browser_of(world.people.alice, world.acme)


def link(client: CanaryClient, world: World, **parameters: str) -> str:
    url: str = client.get(f"/switch/{world.globex.pk}/", parameters)["Location"]
    assert url.startswith(world.globex.base_url)
    return path_of(url)


def test_an_operator_of_no_organization_is_led_to_all(
    world: World, browser_of: ClientFactory
) -> None:
    page = browser_of(world.people.sam).get("/switch/").content.decode()
    assert "You belong to no organization" in page
    assert "<table" not in page


def test_the_link_signs_in_on_the_other_host(alice: CanaryClient, world: World) -> None:
    there = CanaryClient(world.globex.host)
    assert there.get(link(alice, world), headers=OWN_SITE)["Location"] == "/"
    assert there.get("/").status_code == 200


def test_the_session_here_does_not_count_there(alice: CanaryClient, world: World) -> None:
    there = CanaryClient(world.globex.host)
    there.cookies = alice.cookies
    assert there.get("/").status_code == 302


def test_the_link_counts_once(alice: CanaryClient, world: World) -> None:
    path = link(alice, world)
    CanaryClient(world.globex.host).get(path, headers=OWN_SITE)
    assert CanaryClient(world.globex.host).get(path, headers=OWN_SITE).status_code == 404


def test_the_link_counts_for_a_minute(alice: CanaryClient, world: World) -> None:
    path = link(alice, world)
    with door():
        Handover.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert CanaryClient(world.globex.host).get(path, headers=OWN_SITE).status_code == 404


def test_the_link_counts_on_its_host_only(alice: CanaryClient, world: World) -> None:
    path = link(alice, world)
    assert CanaryClient(world.acme.host).get(path, headers=OWN_SITE).status_code == 404


def test_signing_out_revokes_the_link(alice: CanaryClient, world: World) -> None:
    path = link(alice, world)
    alice.post("/sign-out/")
    assert CanaryClient(world.globex.host).get(path, headers=OWN_SITE).status_code == 404


@pytest.mark.parametrize("site", ["cross-site", "none", ""])
def test_a_link_from_elsewhere_asks_before_it_signs_in(
    alice: CanaryClient, world: World, site: str
) -> None:
    there = CanaryClient(world.globex.host)
    page = there.get(link(alice, world), headers={"Sec-Fetch-Site": site})
    assert "You go on as" in page.content.decode()
    assert there.get("/").status_code == 302


def test_a_click_confirms_a_link_from_elsewhere(alice: CanaryClient, world: World) -> None:
    there = CanaryClient(world.globex.host)
    there.post(link(alice, world))
    assert there.get("/").status_code == 200


def test_who_does_not_belong_there_gets_no_link(world: World, browser_of: ClientFactory) -> None:
    bob = browser_of(world.people.bob, world.acme)
    assert bob.get(f"/switch/{world.globex.pk}/").status_code == 404


def test_who_was_removed_meanwhile_does_not_come_in(alice: CanaryClient, world: World) -> None:
    path = link(alice, world)
    with door():
        Membership.objects.filter(organization=world.globex, user=world.people.alice).delete()
    assert CanaryClient(world.globex.host).get(path, headers=OWN_SITE).status_code == 404


def test_the_section_is_remembered(alice: CanaryClient, world: World) -> None:
    there = CanaryClient(world.globex.host)
    path = link(alice, world, to="/calls/0193f000-0000-7000-8000-000000000001/")
    assert there.get(path, headers=OWN_SITE)["Location"] == "/calls/"


@pytest.mark.parametrize("to", ["//evil.example/", "https://evil.example/", "/nothing/", "%00"])
def test_the_section_is_one_of_ours(alice: CanaryClient, world: World, to: str) -> None:
    there = CanaryClient(world.globex.host)
    assert there.get(link(alice, world, to=to), headers=OWN_SITE)["Location"] == "/"


def test_a_second_factor_comes_along(alice: CanaryClient, world: World) -> None:
    user = world.people.alice
    with door():
        TOTPDevice.objects.create(user=user, name="Phone", confirmed=True)
        AccessPolicy.objects.create(organization=world.globex, requires_second_factor=True)
    verified = CanaryClient(world.acme.host)
    _verify(verified, alice)
    there = CanaryClient(world.globex.host)
    there.get(link(verified, world), headers=OWN_SITE)
    assert there.get("/").status_code == 200


def _verify(client: CanaryClient, signed_in: CanaryClient) -> None:
    """The same session with its factor given."""
    client.cookies = signed_in.cookies
    with door():
        session = client.session
        session["otp_device_id"] = TOTPDevice.objects.get(name="Phone").persistent_id
        session.save()


def test_without_the_factor_one_is_held_at_the_other_door(
    alice: CanaryClient, world: World
) -> None:
    with door():
        AccessPolicy.objects.create(organization=world.globex, requires_second_factor=True)
    there = CanaryClient(world.globex.host)
    there.get(link(alice, world), headers=OWN_SITE)
    assert there.get("/calls/")["Location"] == "/account/security/"


def test_coming_over_is_no_confirmation(alice: CanaryClient, world: World) -> None:
    there = CanaryClient(world.globex.host)
    there.get(link(alice, world), headers=OWN_SITE)
    assert "confirmed_at" not in there.session


def test_of_eight_at_once_a_link_lets_in_once(committed: World) -> None:
    user = committed.people.alice
    with door():
        session = Session.objects.create(
            session_key="a" * 32, id="00000000-0000-4000-8000-000000000001", user=user,
            limits="member", signed_in_at=timezone.now(), last_seen_at=timezone.now(),
            expire_date=timezone.now() + timedelta(hours=1),
        )  # fmt: skip
        Handover.objects.create(
            token_sha256=hash_token("token"), user=user, organization=committed.acme,
            from_session_id=session.id, expires_at=timezone.now() + timedelta(minutes=1),
        )  # fmt: skip

    def attempt(_: int) -> Any:
        try:
            client = CanaryClient(committed.acme.host)
            return client.get("/enter/token/", headers=OWN_SITE).status_code
        finally:
            connections.close_all()

    try:
        with ThreadPoolExecutor(8) as threads:
            statuses = sorted(threads.map(attempt, range(8)))
        assert statuses == [302] + [404] * 7
    finally:
        with door():
            Session.objects.all().delete()
            Handover.objects.all().delete()


def test_the_token_is_kept_as_a_hash(alice: CanaryClient, world: World) -> None:
    token = link(alice, world).split("/")[2]
    with door():
        kept = Handover.objects.get()
    assert bytes(kept.token_sha256) == hash_token(token)
    assert handover.VALID_SECONDS == 60
