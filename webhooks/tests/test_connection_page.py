"""The page of the connection: what it says, what it never shows, when a key or URL can go."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from django_redis import get_redis_connection

from accounts.models import User
from agents.connection.actions import api_key, signing_key, webhook_url
from agents.models import Agent, RetellConnection
from agents.retell import AgentSettings
from agents.versions import Facts, Version
from audit.models import Entry
from jobs.models import Job
from tenants.models import WebhookEndpoint
from tenants.pin import organization_context
from tenants.scope import platform
from testing import retell_api as faults
from testing.fixtures import KEYS, CanaryClient, ClientFactory, World
from testing.retell import body_of, post, sign
from testing.retell_api import API_KEYS, FaultyRetell
from webhooks import connection, ids, key_uses, usage
from webhooks.connection import Use, is_quiet
from webhooks.models import Delivery
from webhooks.signature import key_id

PAGE = "/settings/retell/"
NEW_KEY = "key_new_badge_00ab"
NOW = timezone.now()
HOUR = timedelta(hours=1)


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


def text_of(client: CanaryClient, path: str = PAGE, **extra: Any) -> str:
    return " ".join(client.get(path, **extra).content.decode().split())


def said(client: CanaryClient, path: str, **data: Any) -> str:
    """What the page says after this form was sent."""
    response = client.post(f"{PAGE}{path}", data)
    assert response.status_code == 302
    return text_of(client)


def exchange(world: World, key: str = NEW_KEY, *, hours_ago: float = 0) -> None:
    with organization_context(world.acme):
        signing_key.set_signing_key(world.acme.pk, key)
        RetellConnection.objects.update(key_set_at=timezone.now() - hours_ago * HOUR)


def delivered(world: World, key: str, *, hours_ago: float) -> None:
    """A delivery that this key verified."""
    at = timezone.now() - hours_ago * HOUR
    body = body_of(call_id=f"call_{key}_{hours_ago}")
    assert post(world, body, header=sign(body, key)).status_code == 204
    with organization_context(world.acme):
        newest = Delivery.objects.order_by("-received_at")[0]
        # Ids tell when, too.
        Delivery.objects.filter(pk=newest.pk).update(id=_id_of(at), received_at=at)
        cache.delete(key_uses.CACHE_KEY)  # hours that are over do not change by themselves


def _id_of(at: datetime) -> Any:
    return ids.new(at) if at < timezone.now() - 2 * HOUR else ids.first_at(at)


# --- Connecting ----------------------------------------------------------------------------------


def test_a_good_key_connects_and_is_never_shown(
    alice: CanaryClient, retell_api: FaultyRetell
) -> None:
    page = said(alice, "api-key/", api_key=API_KEYS["acme"], signs_webhooks="on")
    assert "this is the workspace Acme Agency" in page
    assert f'ends in <span class="mono">{API_KEYS["acme"][-4:]}</span>' in page
    assert API_KEYS["acme"] not in page


def test_history_is_fetched_at_connection(
    alice: CanaryClient, world: World, retell_api: FaultyRetell
) -> None:
    assert 'name="months" value="3"' in text_of(alice)
    page = said(alice, "api-key/", api_key=API_KEYS["acme"], months="2")
    with organization_context(world.acme):
        job = Job.objects.get()
    assert (job.title, job.kind) == ("Fetch 2 months of history from Retell", "backfill")
    assert f'<a href="/jobs/{job.pk}/">being fetched</a>' in page
    assert 'name="months"' not in page


def test_no_history_is_fetched_unasked(
    alice: CanaryClient, world: World, retell_api: FaultyRetell
) -> None:
    page = said(alice, "api-key/", api_key=API_KEYS["acme"], months="0")
    with organization_context(world.acme):
        assert not Job.objects.exists()
    assert "Fetch calls from before" in page


def test_too_much_history_changes_nothing(
    alice: CanaryClient, world: World, retell_api: FaultyRetell
) -> None:
    page = said(alice, "api-key/", api_key=API_KEYS["acme"], months="99")
    assert "Months of history:" in page
    with organization_context(world.acme):
        assert not RetellConnection.objects.get().has_api_key


def test_a_refused_key_is_not_stored_and_not_shown_again(
    world: World, alice: CanaryClient, retell_api: FaultyRetell
) -> None:
    page = said(alice, "api-key/", api_key="key_unknown_to_retell_42")
    assert "Retell does not accept this key. Nothing was changed." in page
    assert "key_unknown_to_retell_42" not in page
    with organization_context(world.acme):
        assert not RetellConnection.objects.get().has_api_key


def test_a_key_is_asked_for_who_it_is_first(
    world: World, browser_of: ClientFactory, retell_api: FaultyRetell
) -> None:
    alice = browser_of(world.people.alice, world.acme, confirmed=False)
    response = alice.post(f"{PAGE}api-key/", {"api_key": API_KEYS["acme"]})
    assert "/confirm/" in response.headers["Location"]
    assert retell_api.asked() == []


def test_checking_the_stored_key_says_what_retell_says(
    alice: CanaryClient, retell_api: FaultyRetell
) -> None:
    said(alice, "api-key/", api_key=API_KEYS["acme"])
    assert "Retell accepts the key that ends in" in said(alice, "api-key/check/")
    retell_api.fail(faults.status(401))
    page = said(alice, "api-key/check/")
    assert "Refused by Retell" in page
    assert "Retell does not accept this key any more" in page


@pytest.mark.parametrize("sealed", [b"", b"\x09" + b"x" * 40, b"\x01" + b"x" * 40])
def test_a_key_that_cannot_be_decrypted_is_not_called_none(
    world: World, alice: CanaryClient, sealed: bytes
) -> None:
    """Nothing, of an unknown version, damaged."""
    with organization_context(world.acme):
        RetellConnection.objects.update(api_key_encrypted=sealed, api_key_state="ok")
    page = text_of(alice)
    assert "The API key stored here cannot be decrypted" in page
    assert "Check and connect" not in page
    agents = text_of(alice, "/agents/")
    assert "The stored API key cannot be decrypted." in agents
    assert "There is no Retell API key" not in agents
    alice.post("/agents/sync/")
    assert "Nothing was changed. Store the Retell key again" in text_of(alice, "/agents/")


def test_a_signing_key_that_cannot_be_decrypted_says_so(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        RetellConnection.objects.update(key_encrypted=b"\x09" + b"x" * 40)
    page = text_of(alice)
    assert "The signing key stored here cannot be decrypted" in page
    assert "cannot be decrypted, so nothing can be verified" in page


def test_disconnecting_keeps_the_signing_key(alice: CanaryClient, retell_api: FaultyRetell) -> None:
    said(alice, "api-key/", api_key=API_KEYS["acme"])
    page = said(alice, "disconnect/")
    assert "The workspace is disconnected" in page
    assert f'ends in <span class="mono">{KEYS["acme"][-4:]}</span>' in page


def test_disconnecting_twice_says_so(alice: CanaryClient) -> None:
    assert "No Retell API key is stored." in said(alice, "disconnect/")


# --- Waiting for the first event -----------------------------------------------------------------


def part_of(client: CanaryClient) -> str:
    return text_of(client, headers={"HX-Request": "true"})


def test_the_page_waits_then_turns_green(world: World, alice: CanaryClient) -> None:
    waiting = part_of(alice)
    assert "Waiting" in waiting
    assert "every 10s" in waiting
    post(world, body_of())
    green = part_of(alice)
    assert "Connected" in green
    assert "every 10s" not in green
    assert "<html" not in green


def test_the_signing_keys_follow_when_the_first_event_comes(
    world: World, alice: CanaryClient
) -> None:
    swapped = '<div id="key-uses" hx-swap-oob="true">'
    assert "nothing yet" in part_of(alice).partition(swapped)[2]
    post(world, body_of())
    assert "nothing yet" not in part_of(alice).partition(swapped)[2]
    page = text_of(alice)
    assert page.count('id="key-uses"') == 1
    assert "hx-swap-oob" not in page


def test_retells_test_button_turns_it_green(world: World, alice: CanaryClient) -> None:
    post(world, body_of(call_id="test_call"))
    page = part_of(alice)
    assert "Connected" in page
    assert "test button reached us" in page


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        (None, "<b>1</b> delivery without a signature: no key has the webhook badge"),
        ("v=1,d=x", "<b>1</b> delivery with a signature that is not Retell"),
        (sign(body_of(), "key_of_another"), "<b>1</b> delivery signed with another key"),
        (sign(body_of(), timestamp_ms=1), "five minutes before arriving: the clock"),
        (sign(body_of(), timestamp_ms=2**42), "five minutes after arriving: the clock"),
    ],
    ids=["no header", "malformed", "wrong key", "stale", "ahead"],
)
def test_what_was_refused_is_counted_and_explained(
    world: World, alice: CanaryClient, header: str | None, hint: str
) -> None:
    assert post(world, body_of(), header=header).status_code == 401
    assert hint in part_of(alice)


def test_without_a_key_it_says_that_first(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        signing_key.remove_signing_keys()
    post(world, body_of())
    page = part_of(alice)
    assert "No signing key is stored here, so nothing can be verified." in page
    assert "that came before a signing key was stored here" in page


def test_a_wrong_url_is_hinted_at_without_a_number(world: World, alice: CanaryClient) -> None:
    assert "copy it again, to the last character" not in part_of(alice)
    post(world, body_of(), token="x" * 32)
    page = part_of(alice)
    assert "copy it again, to the last character" in page
    assert "<b>1</b>" not in page


def test_an_old_url_that_works_no_more_is_told_from_an_unknown_one(
    world: World, alice: CanaryClient
) -> None:
    with platform():
        WebhookEndpoint.objects.filter(organization=world.acme).update(expires_at=NOW - HOUR)
        WebhookEndpoint.with_new_token(world.acme).save()
    assert post(world, body_of()).status_code == 401
    assert "delivery sent to an old webhook URL of this organization" in part_of(alice)


def test_a_revoked_url_is_refused_although_the_signature_is_good(world: World) -> None:
    with platform():
        WebhookEndpoint.objects.filter(organization=world.acme).update(expires_at=NOW)
    unknown, expired = post(world, body_of(), token="x" * 32), post(world, body_of())
    assert (expired.status_code, expired.content) == (401, unknown.content)
    with organization_context(world.acme):
        assert not Delivery.objects.exists()


# --- Agents whose events go elsewhere ------------------------------------------------------------

HINT = "Has the agent you call a webhook URL of its own?"


def agent_with(world: World, url: str, *, name: str = "Front Desk") -> Agent:
    """As a sync stores it."""
    version = Version(0, is_published=True, facts=_facts_of(url)).to_store()
    with organization_context(world.acme):
        RetellConnection.objects.update(agents_synced_at=NOW)
        return Agent.objects.create(
            retell_agent_id=f"agent_{name}", name=name, synced_at=NOW, channel="voice",
            versions=[version],
        )  # fmt: skip


def _facts_of(url: str) -> Facts:
    settings = AgentSettings(
        "agent_1", 0, None, True, (), "", url, None, None, "everything", None, False, None, None, {}
    )
    return Facts.of(settings)


def test_the_fixed_hint_stands_only_while_no_agent_was_synced(
    world: World, alice: CanaryClient
) -> None:
    assert HINT in part_of(alice)
    agent_with(world, "")
    assert HINT not in part_of(alice)


def test_an_agent_that_goes_past_us_is_named_with_the_way_to_its_fix(
    world: World, alice: CanaryClient
) -> None:
    agent_with(world, "", name="Right")
    wrong = agent_with(world, "https://elsewhere.example.com/hook", name="Night line")
    page = part_of(alice)
    assert "The events of 1 agent go elsewhere" in page
    assert f'<a href="/agents/{wrong.pk}/webhook/">Night line</a>' in page
    assert "elsewhere.example.com" in page
    assert ">Right</a>" not in page


def test_another_organizations_refusals_are_not_shown(world: World, alice: CanaryClient) -> None:
    assert post(world, body_of(), header=None, token=world.webhook_tokens["globex"])
    assert "Refused in the last 24 hours" not in part_of(alice)


# --- Which key is needed -------------------------------------------------------------------------


def old_key(world: World) -> connection.Old:
    with organization_context(world.acme):
        _, old = connection.signing_keys(world.acme, RetellConnection.objects.get())
    assert old is not None
    return old


def test_each_key_shows_what_it_verified(world: World) -> None:
    delivered(world, KEYS["acme"], hours_ago=30)
    delivered(world, KEYS["acme"], hours_ago=29)
    exchange(world, hours_ago=28)
    delivered(world, NEW_KEY, hours_ago=1)
    with organization_context(world.acme):
        current, old = connection.signing_keys(world.acme, RetellConnection.objects.get())
    assert current is not None
    assert old is not None
    assert (current.use.in_day, current.use.in_week) == (1, 1)
    assert (old.use.in_day, old.use.in_week) == (0, 2)


def test_hours_that_are_over_are_counted_once(world: World) -> None:
    for hours_ago in (100, 30, 3):
        delivered(world, KEYS["acme"], hours_ago=hours_ago)
    with organization_context(world.acme):
        first = connection._uses_by_key()
        Delivery.objects.filter(received_at__lt=timezone.now() - 2 * HOUR).update(key_id=1)
        assert connection._uses_by_key() == first


def test_what_comes_after_they_were_counted_is_seen_at_once(world: World) -> None:
    delivered(world, KEYS["acme"], hours_ago=30)
    key = key_id(KEYS["acme"])
    with organization_context(world.acme):
        assert connection._uses_by_key()[key].in_day == 0
    post(world, body_of())
    with organization_context(world.acme):
        use = connection._uses_by_key()[key]
        newest = Delivery.objects.latest("received_at").received_at
    assert (use.in_day, use.in_week, use.last_at) == (1, 2, newest)


def test_an_organization_does_not_see_what_another_counted(world: World) -> None:
    delivered(world, KEYS["acme"], hours_ago=30)
    with organization_context(world.acme):
        assert connection._uses_by_key()
    with organization_context(world.globex):
        assert not connection._uses_by_key()


@pytest.mark.parametrize(
    ("old_hours", "exchanged_hours", "new_hours", "safe"),
    [
        (30, 28, 1, True),
        (30, 28, 25, True),
        (20, 28, 1, False),  # the old one was needed meanwhile
        (30, 20, 1, False),  # exchanged less than a day ago
        (30, 28, None, False),  # the new one was never used
        (26, 40, 30, False),  # nor since the old one was last needed
    ],
)
def test_an_old_key_is_safe_to_remove_only_when_it_was_not_needed(
    world: World, old_hours: float, exchanged_hours: float, new_hours: float | None, safe: bool
) -> None:
    exchange(world, hours_ago=exchanged_hours)
    delivered(world, KEYS["acme"], hours_ago=old_hours)
    if new_hours is not None:
        delivered(world, NEW_KEY, hours_ago=new_hours)
    assert old_key(world).is_safe is safe


def test_an_expired_old_key_is_safe_to_remove(world: World) -> None:
    exchange(world)
    with organization_context(world.acme):
        RetellConnection.objects.update(previous_key_expires_at=timezone.now())
    assert old_key(world).is_safe
    assert not old_key(world).works


def test_an_old_key_that_is_the_api_key_must_stay_in_retell(
    world: World, alice: CanaryClient, retell_api: FaultyRetell
) -> None:
    said(alice, "api-key/", api_key=API_KEYS["acme"], signs_webhooks="on")
    exchange(world, hours_ago=28)
    delivered(world, NEW_KEY, hours_ago=1)
    assert "not in Retell: it is still the API key." in text_of(alice)


def test_nothing_known_is_never_safe() -> None:
    assert not is_quiet(Use(), Use(), exchanged_at=None)
    assert not is_quiet(Use(), Use(NOW), exchanged_at=None)


def test_the_delivery_says_which_key_verified_it(world: World) -> None:
    post(world, body_of())
    with organization_context(world.acme):
        assert Delivery.objects.get().key_id == key_id(KEYS["acme"])


# --- Which URL is needed -------------------------------------------------------------------------


def urls(world: World) -> tuple[connection.Current, list[connection.Old]]:
    with organization_context(world.acme):
        return connection.webhook_urls(world.acme)


def noted(world: World, hours_ago: dict[str, float]) -> None:
    """As if uses had been noted then, by "since", "old" and "new"."""
    with platform():
        endpoints = WebhookEndpoint.objects.filter(organization=world.acme)
        old, new = endpoints.exclude(expires_at=None).get(), endpoints.get(expires_at=None)
        WebhookEndpoint.objects.filter(pk=new.pk).update(created_at=NOW - 40 * HOUR)
    names = {"since": "since", "old": str(old.pk), "new": str(new.pk)}
    at = {names[name]: int((NOW - hours * HOUR).timestamp()) for name, hours in hours_ago.items()}
    get_redis_connection().hset(usage._key(world.acme.schema_name), mapping=at)


@pytest.mark.parametrize(
    ("hours_ago", "safe"),
    [
        ({"since": 90, "old": 50, "new": 1}, True),
        ({"since": 90, "new": 1}, True),
        ({"since": 90, "old": 3, "new": 1}, False),
        ({"since": 90, "old": 50}, False),
        ({"since": 3, "new": 1}, False),  # the cache was lost three hours ago
        ({}, False),
    ],
)
def test_an_old_url_is_safe_to_revoke_only_when_it_was_not_used(
    world: World, hours_ago: dict[str, float], safe: bool
) -> None:
    webhook_url.rotate(world.acme)
    if hours_ago:
        noted(world, hours_ago)
    assert [old.is_safe for old in urls(world)[1]] == [safe]


def test_the_use_of_each_url_is_noted(world: World) -> None:
    webhook_url.rotate(world.acme)
    post(world, body_of())
    current, (old,) = urls(world)
    assert current.use.last_at is None
    assert old.use.last_at is not None


def test_a_new_url_is_shown_and_the_old_one_can_be_revoked(
    world: World, alice: CanaryClient
) -> None:
    page = said(alice, "url/")
    current, (old,) = urls(world)
    assert current.url in page
    assert "Not safe to revoke yet" in page
    assert "The old webhook URL is revoked." in said(alice, f"url/{old.id}/revoke/")
    assert post(world, body_of()).status_code == 401
    with organization_context(world.acme):
        entry = Entry.objects.order_by("-sequence")[0]
    assert (entry.code, entry.actor_label) == ("organizations.webhook_url_revoked", _label(world))


def _label(world: World) -> str:
    alice: User = world.people.alice
    return alice.audit_label


@pytest.mark.parametrize("whose", ["acme", "globex"])
def test_a_current_or_foreign_url_cannot_be_revoked(
    world: World, alice: CanaryClient, whose: str
) -> None:
    with platform():
        organization = getattr(world, whose)
        endpoint = WebhookEndpoint.objects.get(organization=organization)
    assert alice.post(f"{PAGE}url/{endpoint.pk}/revoke/").status_code == 404
    assert urls(world)[0].url


# --- Who may -------------------------------------------------------------------------------------


def test_a_viewer_sees_neither_page_nor_entry(world: World, browser_of: ClientFactory) -> None:
    bob = browser_of(world.people.bob, world.acme)
    assert bob.get(PAGE).status_code == 403
    assert PAGE not in bob.get("/").content.decode()


def test_planted_keys_are_on_no_page(
    world: World, alice: CanaryClient, retell_api: FaultyRetell
) -> None:
    with organization_context(world.acme):
        api_key.store_unchecked(world.acme.pk, API_KEYS["acme"], signs_webhooks=True)
    for path in (PAGE, "/audit/", "/deliveries/", "/agents/", "/"):
        page = text_of(alice, path)
        assert API_KEYS["acme"] not in page
        assert KEYS["acme"] not in page
