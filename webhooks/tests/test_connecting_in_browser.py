"""Connecting as a newcomer does: Chromium, real servers, a fake Retell, events through the door."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from django_redis import get_redis_connection
from playwright.sync_api import expect

from agents.models import Agent, RetellConnection
from agents.tasks import sync_one
from calls.models import Call
from calls.sql import dumps
from completeness import tasks as comparing
from completeness.models import Completeness
from jobs import actions as jobs
from jobs.models import Job
from operations.demo.retell_api.workspaces import events_of, make_calls
from tenants.models import RetellWorkspace, WebhookEndpoint
from tenants.pin import organization_context
from tenants.scope import platform
from testing.browser import Visitor
from testing.fixtures import KEYS, PASSWORD, World
from testing.retell import sign
from testing.retell_api import API_KEYS, FaultyRetell
from testing.servers import Servers, running_servers
from webhooks import ids, usage
from webhooks.models import Delivery

pytestmark = pytest.mark.browser

PAGE = "/settings/retell/"
ELSEWHERE = "https://crm.example.com/retell"
# Pictures of each page are kept here, when it is set.
PICTURES = os.environ.get("BROWSER_PICTURES", "")


@pytest.fixture
def servers(
    committed: World, retell_api: FaultyRetell, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> Iterator[Servers]:
    """Of these tests' own, as they ask another Retell."""
    monkeypatch.setenv("RETELL_BASE_URL", retell_api.url)
    with running_servers() as started:
        settings.PUBLIC_BASE_URL = f"http://localhost:{started.web_port}"
        yield started


@pytest.fixture
def newcomer(committed: World, visitor: Visitor) -> Iterator[Visitor]:
    """Alice, of an organization where nothing is connected yet."""
    with organization_context(committed.acme):
        before = RetellConnection.objects.values().get()
        fields = ("key_encrypted", "api_key_encrypted", "checked_at", "agents_synced_at")
        RetellConnection.objects.update(**dict.fromkeys(fields), key_last4="")
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    yield visitor
    with organization_context(committed.acme):
        RetellConnection.objects.update(**before)
    with platform():
        RetellWorkspace.objects.filter(organization=committed.acme).delete()
        mine = WebhookEndpoint.objects.filter(organization=committed.acme).order_by("pk")
        mine.exclude(pk=mine[0].pk).delete()
        mine.update(expires_at=None)


def deliver(servers: Servers, url: str, body: bytes, key: str) -> int:
    """As Retell posts it: to the URL that was copied."""
    path = url.partition("/webhooks/")[2]
    request = urllib.request.Request(
        f"http://127.0.0.1:{servers.web_port}/webhooks/{path}",
        data=body,
        headers={"Content-Type": "application/json", "X-Retell-Signature": sign(body, key)},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def bodies_of(call: Any) -> list[bytes]:
    return [dumps(event).encode() for event in events_of(call)]


def picture(visitor: Visitor, name: str) -> None:
    """Light and dark, wide and narrow; nothing may scroll sideways."""
    page = visitor.page
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            if PICTURES:
                path = Path(PICTURES) / f"{name}-{theme}-{width}.png"
                page.screenshot(path=str(path), full_page=True)
        assert not visitor.scrolls_sideways(), name
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})


def paste_key(visitor: Visitor, key: str) -> None:
    visitor.go("acme", PAGE)
    visitor.page.get_by_label("API key", exact=True).fill(key)
    visitor.page.get_by_label("It has the webhook badge").check()
    visitor.page.get_by_role("button", name="Check and connect").click()
    if visitor.page.locator("input[name=password]").count():  # who one is, once more
        visitor.page.fill("input[name=password]", PASSWORD)
        visitor.page.locator("main button[type=submit]").click()
        paste_key(visitor, key)


def copied_url(visitor: Visitor) -> str:
    return visitor.page.get_by_role("textbox", name="Webhook URL").input_value()


def test_a_newcomer_connects_and_a_lost_call_is_healed(
    committed: World, servers: Servers, newcomer: Visitor, retell_api: FaultyRetell
) -> None:
    visitor, page, acme = newcomer, newcomer.page, committed.acme
    retell_api.acme.add_agent("agent_2", name="Night line", webhook_url=ELSEWHERE)
    visitor.go("acme", PAGE)
    picture(visitor, "connection-empty")
    paste_key(visitor, "key_of_nobody_0000")
    expect(page.get_by_text("Retell does not accept this key.")).to_be_visible()
    paste_key(visitor, API_KEYS["acme"])
    expect(page.get_by_text("this is the workspace Acme Agency")).to_be_visible()
    expect(page.locator("#arrival")).to_contain_text("Waiting")
    picture(visitor, "connection-waiting")
    with organization_context(acme):
        assert sync_one(acme) is not None
    url, key = copied_url(visitor), API_KEYS["acme"]

    # A forged event first, then the real one: the page turns green by itself.
    first, lost = make_calls(
        retell_api.acme.agents["agent_acme"], 2, first=timezone.now() - timedelta(minutes=30)
    )
    body, *more = bodies_of(first)
    assert deliver(servers, url, body, KEYS["globex"]) == 401
    assert deliver(servers, url, body, key) == 204
    expect(page.locator("#arrival")).to_contain_text("Connected", timeout=15_000)
    expect(page.locator("#key-uses")).not_to_contain_text("nothing yet")
    expect(page.locator("#arrival")).to_contain_text("signed with another key")
    expect(page.locator("#arrival")).to_contain_text("Night line")
    picture(visitor, "connection-green")
    assert [deliver(servers, url, later, key) for later in more] == [204] * len(more)

    # The other call's deliveries are lost. Comparing brings it.
    retell_api.acme.add_calls(first, lost)
    with organization_context(acme):
        comparing.compare_one(acme)
        assert set(Call.objects.values_list("source", flat=True)) == {"webhook", "reconciled"}
    visitor.go("acme", "/completeness/")
    expect(page.get_by_text("Complete up to")).to_be_visible()
    picture(visitor, "completeness-complete")

    history(visitor, committed, retell_api)
    missing(visitor, committed)
    assert visitor.complaints == []


def history(visitor: Visitor, world: World, retell_api: FaultyRetell) -> None:
    """Fetched by a job that connecting began, which its page follows."""
    page = visitor.page
    agent = retell_api.acme.agents["agent_acme"]
    old = timezone.now() - timedelta(days=20)
    calls = make_calls(agent, 40, first=old, prefix="old")
    calls[7]["duration_ms"] = "long"
    retell_api.acme.add_calls(*calls)
    visitor.go("acme", PAGE)
    page.get_by_role("link", name="being fetched").click()
    expect(page.locator("#job")).to_contain_text("Waiting")
    picture(visitor, "job-waiting")
    with organization_context(world.acme):
        jobs.run(world.acme, Job.objects.get().pk)
    expect(page.locator("#job")).to_contain_text("Done, some left", timeout=15_000)
    picture(visitor, "job-left")


def missing(visitor: Visitor, world: World) -> None:
    """What cannot be brought is shown, and accepted with a reason."""
    page = visitor.page
    visitor.go("acme", "/completeness/")
    expect(page.get_by_text("1 call is missing")).to_be_visible()
    picture(visitor, "completeness-missing")
    page.get_by_label("Why it may stay missing").fill("Retell stores it with a broken length")
    page.get_by_role("button", name="Accept as missing").click()
    expect(page.get_by_text("Accepted. It stands in the audit log")).to_be_visible()
    page.locator("#accepted summary").click()
    expect(page.get_by_text("Retell stores it with a broken length")).to_be_visible()
    picture(visitor, "completeness-accepted")
    with organization_context(world.acme):
        row = Completeness.objects.get()
        row.complete_until = timezone.now() - timedelta(days=3)
        row.problem = "Retell did not answer."
        row.save()
    visitor.go("acme", "/completeness/")
    expect(page.get_by_text("No comparison came through since")).to_be_visible()
    picture(visitor, "completeness-stuck")
    visitor.go("acme", "/")
    picture(visitor, "dashboard-stuck")


def test_keys_and_urls_are_exchanged_until_the_old_ones_are_safe_to_revoke(
    committed: World, servers: Servers, newcomer: Visitor, retell_api: FaultyRetell
) -> None:
    visitor, page = newcomer, newcomer.page
    paste_key(visitor, API_KEYS["acme"])
    old_url = copied_url(visitor)
    calls = make_calls(retell_api.acme.agents["agent_acme"], 3, first=timezone.now())
    bodies = [bodies_of(call)[0] for call in calls]
    assert deliver(servers, old_url, bodies[0], API_KEYS["acme"]) == 204
    page.reload()
    page.get_by_text("Exchange the signing key").click()
    page.get_by_label("Signing key", exact=True).fill("key_badge_00000000new")
    page.get_by_role("button", name="Store beside the old one").click()
    expect(page.get_by_text("Keep the old key in Retell for now")).to_be_visible()
    page.get_by_text("New URL…").click()
    page.get_by_role("button", name="Make a new URL").click()
    expect(page.get_by_text("Not safe to revoke yet")).to_be_visible()
    new_url = copied_url(visitor)
    picture(visitor, "rotation-begun")
    assert deliver(servers, new_url, bodies[1], "key_badge_00000000new") == 204
    long_ago(committed)
    page.reload()
    expect(page.get_by_text("Safe to revoke:")).to_have_count(2)
    picture(visitor, "rotation-safe")
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_text("The old webhook URL is revoked.")).to_be_visible()
    page.get_by_role("button", name="Remove the old key").click()
    expect(page.get_by_text("The old signing key is removed.")).to_be_visible()
    assert deliver(servers, old_url, bodies[2], "key_badge_00000000new") == 401
    page.reload()
    expect(page.locator("#arrival")).to_contain_text("sent to an old webhook URL")
    picture(visitor, "rotation-done")
    assert visitor.complaints == []


def long_ago(world: World) -> None:
    """As if the exchange was three days ago, and the old key and URL needed until then."""
    then = timezone.now() - timedelta(days=3)
    with organization_context(world.acme):
        RetellConnection.objects.update(key_set_at=then)
        oldest = Delivery.objects.order_by("id")[0]
        Delivery.objects.filter(pk=oldest.pk).update(id=ids.new(then), received_at=then)
    with platform():
        old, new = WebhookEndpoint.objects.filter(organization=world.acme).order_by("created_at")
        WebhookEndpoint.objects.filter(pk=new.pk).update(created_at=then)
    uses = dict.fromkeys(("since", str(old.pk)), int(then.timestamp()))
    get_redis_connection().hset(usage._key(world.acme.schema_name), mapping=uses)


def test_a_finding_is_mended_and_confirmed(
    committed: World, servers: Servers, newcomer: Visitor, retell_api: FaultyRetell
) -> None:
    visitor, page, acme = newcomer, newcomer.page, committed.acme
    paste_key(visitor, API_KEYS["acme"])
    fake = retell_api.acme.add_agent("agent_2", name="Night line", webhook_url=ELSEWHERE)
    with organization_context(acme):
        assert sync_one(acme) is not None
    visitor.go("acme", "/agents/")
    expect(page.get_by_text("1 finding")).to_be_visible()
    picture(visitor, "agents-finding")
    page.get_by_role("link", name="Night line").click()
    expect(page.get_by_text("leads to crm.example.com")).to_be_visible()
    picture(visitor, "agent-finding")
    page.get_by_role("link", name="Set the webhook…").click()
    expect(page.get_by_text("What changes in Retell")).to_be_visible()
    picture(visitor, "agent-fix")
    page.get_by_role("button", name="Set and publish").click()
    expect(page.get_by_text("is set in Retell")).to_be_visible()
    picture(visitor, "agent-fixed")
    assert fake.latest["is_published"]
    assert fake.latest["webhook_url"].startswith("http://localhost")
    with organization_context(acme):
        sync_one(acme)
        assert Agent.objects.get(retell_agent_id="agent_2").synced_at
    visitor.go("acme", "/agents/")
    expect(page.get_by_text("1 finding")).to_have_count(0)
    assert visitor.complaints == []
