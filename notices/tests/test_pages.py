"""Pages of outgoing webhooks: who sees them, what they say, and what they change."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import Entry
from notices.emitting import emit
from notices.models import Attempt, DisabledReason, Message, Sending, Subscription
from notices.tests.helpers import subscribed
from notices.topics import Topic
from tenants.pin import organization_context
from tenants.reencryption import columns
from testing.fixtures import CanaryClient, ClientFactory, World

URL = "https://hooks.example.com/switchboard"
GIVEN = {"url": URL, "description": "Our CRM", "topics": ["call.final", "export.ready"]}
LIST = "/settings/notices/"


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


@pytest.fixture
def subscription(world: World) -> Subscription:
    with organization_context(world.acme):
        found, _ = subscribed(world.acme, world.people.alice, URL)
    return found


def only(world: World) -> Subscription:
    with organization_context(world.acme):
        return Subscription.objects.get()


def tell(world: World, number: int = 1) -> list[Message]:
    with organization_context(world.acme):
        found = [emit(Topic.EXPORT_READY, {"id": str(i)}) for i in range(number)]
    return [message for message in found if message is not None]


def test_an_empty_list_says_what_it_is_for(alice: CanaryClient) -> None:
    assert "No outgoing webhooks yet" in alice.get(LIST).content.decode()


def test_the_secret_is_shown_once_and_stored_sealed(world: World, alice: CanaryClient) -> None:
    page = alice.post(f"{LIST}new/", GIVEN).content.decode()
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", page)
    assert secret is not None
    found = only(world)
    assert secret[0].encode() not in bytes(found.secret_encrypted)
    for path in (LIST, found.get_absolute_url(), f"{found.get_absolute_url()}edit/"):
        assert "whsec_" not in alice.get(path).content.decode()


def test_making_one_is_audited_without_the_secret(world: World, alice: CanaryClient) -> None:
    alice.post(f"{LIST}new/", GIVEN)
    entry = Entry.objects.get(code="notices.created")
    assert "whsec_" not in str(entry.additional_data) + str(entry.changes)
    assert entry.organization_id == world.acme.pk


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "http://hooks.example.com/"}, "Give a whole https URL"),
        ({"url": "https://10.0.0.1/"}, "Give a URL that the internet can reach"),
        ({"topics": []}, "Choose at least one"),
        ({"topics": ["everything"]}, "everything is not one of the available choices"),
    ],
)
def test_bad_input_is_told_and_kept(
    world: World, alice: CanaryClient, given: dict[str, Any], said: str
) -> None:
    page = alice.post(f"{LIST}new/", GIVEN | given).content.decode()
    assert said in page
    assert "Our CRM" in page
    with organization_context(world.acme):
        assert not Subscription.objects.exists()


def test_a_second_one_to_the_same_url_is_refused(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    page = alice.post(f"{LIST}new/", GIVEN).content.decode()
    assert "to this URL already" in page
    only(world)


def test_editing_changes_what_was_given(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    alice.post(f"{subscription.get_absolute_url()}edit/", GIVEN | {"description": "Warehouse"})
    found = only(world)
    assert (found.description, found.topics) == ("Warehouse", GIVEN["topics"])
    assert Entry.objects.filter(code="notices.changed").count() == 1


def test_the_log_holds_no_path_of_a_url(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    url = "https://hooks.example.com/a-secret-path?token=b"
    alice.post(f"{subscription.get_absolute_url()}edit/", GIVEN | {"url": url, "description": ""})
    alice.post(f"{subscription.get_absolute_url()}delete/")
    entries = Entry.objects.filter(code__startswith="notices.")
    assert "secret-path" not in str([(e.changes, e.object_repr) for e in entries])


def test_a_new_secret_leaves_the_old_one_for_a_day(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    page = alice.post(f"{subscription.get_absolute_url()}secret/").content.decode()
    assert "whsec_" in page
    assert "The secret before it signs as well until" in page
    found = only(world)
    assert bytes(found.previous_secret_encrypted or b"") == bytes(subscription.secret_encrypted)


@pytest.mark.parametrize("path", ["new/", "{id}/edit/"])
def test_changing_one_asks_who_it_is(
    world: World, browser_of: ClientFactory, subscription: Subscription, path: str
) -> None:
    client = browser_of(world.people.alice, world.acme, confirmed=False)
    response = client.get(LIST + path.format(id=subscription.pk))
    assert response.headers["Location"].startswith("/confirm/")


@pytest.mark.parametrize("verb", ["secret", "delete", "enable", "disable", "replay"])
def test_what_matters_asks_who_it_is(
    world: World, browser_of: ClientFactory, subscription: Subscription, verb: str
) -> None:
    client = browser_of(world.people.alice, world.acme, confirmed=False)
    response = client.post(f"{subscription.get_absolute_url()}{verb}/")
    assert response.headers["Location"].startswith("/confirm/")
    assert only(world).secret_encrypted == subscription.secret_encrypted


def test_viewers_see_none_of_it(
    world: World, browser_of: ClientFactory, subscription: Subscription
) -> None:
    bob = browser_of(world.people.bob, world.acme)
    assert bob.get(LIST).status_code == 403
    assert bob.post(f"{subscription.get_absolute_url()}test/").status_code == 403


def test_another_organizations_is_not_there(
    world: World, browser_of: ClientFactory, subscription: Subscription
) -> None:
    charlie = browser_of(world.people.charlie, world.globex)
    assert charlie.get(subscription.get_absolute_url()).status_code == 404
    assert charlie.post(f"{subscription.get_absolute_url()}delete/").status_code == 404
    only(world)


def test_why_it_is_off_stands_on_its_page(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    with organization_context(world.acme):
        Subscription.objects.update(
            is_enabled=False, disabled_reason=DisabledReason.GONE, disabled_at=timezone.now()
        )
    page = alice.get(subscription.get_absolute_url()).content.decode()
    assert "The receiver answered 410 Gone" in page
    assert "Switch on" in page


def test_that_it_fails_stands_on_its_page(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    with organization_context(world.acme):
        Subscription.objects.update(failing_since=timezone.now(), failures=3)
    page = alice.get(subscription.get_absolute_url()).content.decode()
    assert "3 tries in a row failed" in page


def test_switching_off_and_on(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    tell(world)
    alice.post(f"{subscription.get_absolute_url()}disable/")
    assert only(world).state == "off"
    alice.post(f"{subscription.get_absolute_url()}enable/")
    assert only(world).state == "active"
    with organization_context(world.acme):
        assert Sending.objects.get().state == "waiting"


def test_a_test_is_queued_and_shown(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    response = alice.post(f"{subscription.get_absolute_url()}test/", follow=True)
    page = response.content.decode()
    assert "A test is on its way" in page
    assert "Not tried yet" in page
    assert "This is a test. Nothing happened." in page


def test_one_that_is_off_sends_no_test(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    alice.post(f"{subscription.get_absolute_url()}disable/")
    response = alice.post(f"{subscription.get_absolute_url()}test/", follow=True)
    assert "It is off: switch it on first" in response.content.decode()
    with organization_context(world.acme):
        assert not Message.objects.exists()


def test_attempts_stand_on_the_page_of_a_message(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    tell(world)
    with organization_context(world.acme):
        sending = Sending.objects.get()
        Attempt.objects.create(
            sending=sending, at=timezone.now(), duration_ms=120, status=500, answer="<b>Oops</b>"
        )
        path = sending.get_absolute_url()
    page = alice.get(path).content.decode()
    assert "&lt;b&gt;Oops&lt;/b&gt;" in page
    assert str(sending.message_id) in page


def delivered(world: World) -> None:
    with organization_context(world.acme):
        Sending.objects.update(state="delivered", next_try_at=None, tries=1)


def test_sending_all_again_since_a_time(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    tell(world, 2)
    delivered(world)
    zone = world.acme.zone
    since = (timezone.now() - timedelta(hours=1)).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    path = f"{subscription.get_absolute_url()}replay/"
    page = alice.post(path, {"since": since, "which": "failed"}, follow=True).content.decode()
    assert "There is nothing of that since then" in page
    page = alice.post(path, {"since": since, "which": "all"}, follow=True).content.decode()
    assert "2 messages are being sent again" in page
    with organization_context(world.acme):
        assert Sending.objects.filter(state="waiting").count() == 2


def test_a_time_to_come_is_refused(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    path = f"{subscription.get_absolute_url()}replay/"
    given = {"since": "2126-01-01T00:00", "which": "all"}
    page = alice.post(path, given, follow=True).content.decode()
    assert "Nothing was sent: give a time that is over." in page


def test_sending_one_again(world: World, alice: CanaryClient, subscription: Subscription) -> None:
    tell(world, 2)
    delivered(world)
    with organization_context(world.acme):
        path = Sending.objects.order_by("id")[0].get_absolute_url()
    alice.post(f"{path}replay/")
    with organization_context(world.acme):
        assert Sending.objects.filter(state="waiting").count() == 1


def test_deleting_takes_the_log_along(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    tell(world)
    alice.post(f"{subscription.get_absolute_url()}delete/")
    with organization_context(world.acme):
        assert not Subscription.objects.exists()
        assert not Sending.objects.exists()
    assert Entry.objects.filter(code="notices.deleted").count() == 1


def queries_of(client: CanaryClient, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_the_list_takes_as_many_queries_for_one_as_for_many(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    tell(world, 2)
    queries_of(alice, LIST)
    few = queries_of(alice, LIST)
    with organization_context(world.acme):
        for number in range(15):
            subscribed(world.acme, world.people.alice, f"{URL}/{number}")
    tell(world, 2)
    assert queries_of(alice, LIST) == few


def test_messages_take_as_many_queries_for_two_as_for_many(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    tell(world, 2)
    queries_of(alice, subscription.get_absolute_url())
    few = queries_of(alice, subscription.get_absolute_url())
    tell(world, 45)
    assert queries_of(alice, subscription.get_absolute_url()) == few


def test_the_next_page_of_messages_is_there(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    tell(world, 60)
    page = alice.get(subscription.get_absolute_url()).content.decode()
    assert "50 of 60 messages" in page
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older is not None
    assert "10 of 60 messages" in alice.get(older[1].replace("&amp;", "&")).content.decode()


def test_secrets_are_encrypted_again_with_a_new_key() -> None:
    labels = {column.label for column in columns()}
    assert "notices.subscription.secret_encrypted" in labels
    assert "notices.subscription.previous_secret_encrypted" in labels


def test_there_is_a_bound_to_how_many(
    world: World, alice: CanaryClient, subscription: Subscription
) -> None:
    with organization_context(world.acme):
        for number in range(19):
            subscribed(world.acme, world.people.alice, f"{URL}/{number}")
    page = alice.post(f"{LIST}new/", GIVEN | {"url": f"{URL}/more"}).content.decode()
    assert "There are 20 already" in page
