"""Outgoing webhooks by the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import IdempotentAnswer
from accounts.scopes import Scope
from audit.models import Entry
from notices.models import Sending, Subscription
from notices.tests.helpers import make_due, turn
from notices.topics import Topic
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing.api import ProgramFactory
from testing.fixtures import CanaryClient
from testing.receivers import Receiver, receiver_host

URL = "/api/v1/subscriptions"
WISH = {"url": "https://crm.example.com/hooks", "topics": ["call.final"]}


@pytest.fixture
def client(acme: Organization, program: ProgramFactory) -> CanaryClient:
    return program(acme)


def send(client: CanaryClient, method: str, url: str, body: Any = None, **headers: str) -> Any:
    data = "" if body is None else json.dumps(body)
    kind = "application/json"
    return getattr(client, method)(url, data, content_type=kind, headers=headers)


def created(client: CanaryClient, **changed: Any) -> dict[str, Any]:
    answer = send(client, "post", URL, WISH | changed)
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_a_url_is_subscribed_and_its_secret_given_once(client: CanaryClient) -> None:
    answer = send(client, "post", URL, WISH)
    made = answer.json()
    assert made["secret"].startswith("whsec_")
    assert (made["state"], made["topics"]) == ("active", ["call.final"])
    again = client.get(answer.headers["Location"]).json()
    assert "secret" not in again
    assert again == {name: value for name, value in made.items() if name != "secret"}
    (row,) = client.get(URL).json()["data"]
    assert row == again


def test_sent_again_with_its_key_it_gives_the_secret_again_and_keeps_none(
    client: CanaryClient,
) -> None:
    answers = [send(client, "post", URL, WISH, idempotency_key="one") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert answers[0].json()["secret"].startswith("whsec_")
    with platform():
        assert "whsec_" not in str(IdempotentAnswer.objects.get(key="one").body)


def test_sent_again_after_an_exchange_it_gives_its_own_secret_or_none(client: CanaryClient) -> None:
    def ask(url: str, key: str, body: Any = None) -> Any:
        return send(client, "post", url, body, idempotency_key=key)

    made = ask(URL, "make", WISH).json()
    rotate = f"{URL}/{made['id']}/secret"
    first = ask(rotate, "first").json()
    assert ask(URL, "make", WISH).json()["secret"] == made["secret"]  # it still signs
    second = ask(rotate, "second").json()
    assert ask(URL, "make", WISH).status_code == 409
    assert ask(rotate, "first").json()["secret"] == first["secret"]
    assert ask(rotate, "second").json()["secret"] == second["secret"]


def test_a_deletion_of_an_old_version_is_refused(client: CanaryClient) -> None:
    url = f"{URL}/{created(client)['id']}"
    tag = client.get(url).headers["ETag"]
    send(client, "patch", url, {"description": "Ours"})
    assert client.delete(url, headers={"if-match": tag}).status_code == 412
    assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"url": "http://crm.example.com/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://user:secret@crm.example.com/"}, "url"),
        *(
            ({"url": f"https://{host}/"}, "url")
            for host in (
                "localhost",
                "127.1",
                "0x7f000001",
                "2130706433",
                "x..y",
                "crm.invalid",
                "①②⑦.0.0.1",
                f"{'x' * 64}.com",
            )
        ),
        ({"topics": []}, "topics"),
        ({"topics": ["call.nothing"]}, "topics.0"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    client: CanaryClient, acme: Organization, changed: dict[str, Any], field: str
) -> None:
    answer = send(client, "post", URL, WISH | changed)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    with organization_context(acme):
        assert not Subscription.objects.exists()


def test_a_second_one_of_a_url_is_a_conflict(client: CanaryClient) -> None:
    created(client)
    answer = send(client, "post", URL, WISH)
    assert (answer.status_code, answer.json()["type"]) == (
        409, "urn:switchboard:problem:subscription",
    )  # fmt: skip


def test_a_change_changes_what_it_names_only(client: CanaryClient, acme: Organization) -> None:
    made = created(client, description="CRM")
    answer = send(client, "patch", f"{URL}/{made['id']}", {"topics": list(Topic.values)})
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["description"], changed["url"]) == ("CRM", WISH["url"])
    assert changed["topics"] == Topic.values
    off = send(client, "patch", f"{URL}/{made['id']}", {"is_enabled": False}).json()
    assert (off["state"], off["disabled_reason"]) == ("off", "by_hand")
    assert send(client, "post", f"{URL}/{made['id']}/test").status_code == 409
    assert send(client, "patch", f"{URL}/{made['id']}", {"is_enabled": True}).json()["is_enabled"]
    with platform():
        codes = [one.code for one in Entry.objects.of_chain(acme.pk).in_order()][-3:]
    assert codes == ["notices.changed", "notices.disabled", "notices.enabled"]


def test_a_change_of_an_old_version_is_refused_whatever_was_sent_meanwhile(
    client: CanaryClient, acme: Organization
) -> None:
    url = f"{URL}/{created(client)['id']}"
    tag = client.get(url).headers["ETag"]
    with organization_context(acme):
        Subscription.objects.update(failures=3, failing_since=timezone.now())
    fits = send(client, "patch", url, {"description": "One"}, if_match=tag)
    assert fits.status_code == 200
    assert send(client, "patch", url, {"description": "Two"}, if_match=tag).status_code == 412


def test_one_that_is_deleted_is_gone(client: CanaryClient) -> None:
    url = f"{URL}/{created(client)['id']}"
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


def test_a_key_that_reads_changes_nothing(acme: Organization, program: ProgramFactory) -> None:
    made = created(program(acme))
    reader = program(acme, Scope.SUBSCRIPTIONS_READ)
    assert reader.get(f"{URL}/{made['id']}").status_code == 200
    for method, path in (
        ("post", ""), ("patch", f"/{made['id']}"), ("delete", f"/{made['id']}"),
        ("post", f"/{made['id']}/secret"), ("post", f"/{made['id']}/test"),
        ("post", f"/{made['id']}/replay"),
    ):  # fmt: skip
        assert send(reader, method, URL + path, {}).status_code == 403


def test_another_organization_has_none_of_it(
    acme: Organization, globex: Organization, program: ProgramFactory
) -> None:
    made = created(program(acme))
    other = program(globex)
    assert other.get(URL).json()["data"] == []
    for path in ("", "/messages"):
        assert other.get(f"{URL}/{made['id']}{path}").status_code == 404
    assert send(other, "post", f"{URL}/{made['id']}/secret").status_code == 404


# --- What is sent --------------------------------------------------------------------------------


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTGOING_INSECURE = True  # it is on this machine
    with receiver_host() as running:
        yield running


def test_a_test_arrives_is_logged_and_is_sent_again(
    client: CanaryClient, acme: Organization, receiver: Receiver
) -> None:
    made = created_for(client, acme, receiver)
    url = f"{URL}/{made['id']}"
    answer = send(client, "post", f"{url}/test")
    assert answer.status_code == 202
    assert answer.json()["state"] == "waiting"
    _work(acme)
    (came,) = receiver.received
    assert Webhook(made["secret"]).verify(came.body, came.headers)["type"] == "test"
    sent = client.get(f"{answer.headers['Location']}?include=attempts").json()
    assert (sent["state"], sent["webhook_id"]) == ("delivered", came.headers["webhook-id"])
    assert [attempt["status"] for attempt in sent["attempts"]] == [sent["last_status"]]
    assert send(client, "post", f"{url}/messages/{sent['id']}/replay").status_code == 202
    _work(acme)
    assert [one.headers["webhook-id"] for one in receiver.received] == [sent["webhook_id"]] * 2


def created_for(
    client: CanaryClient, organization: Organization, receiver: Receiver
) -> dict[str, Any]:
    """At an address of this machine, which nobody could ask for."""
    made = created(client)
    with organization_context(organization):
        Subscription.objects.update(url=receiver.url)
    return made


def _work(organization: Organization) -> None:
    with organization_context(organization):
        subscription = Subscription.objects.get()
        make_due(subscription)
        turn(organization, subscription)


def test_a_new_secret_signs_beside_the_old_one(
    client: CanaryClient, acme: Organization, receiver: Receiver
) -> None:
    made = created_for(client, acme, receiver)
    url = f"{URL}/{made['id']}"
    exchanged = send(client, "post", f"{url}/secret").json()
    assert exchanged["secret"] != made["secret"]
    assert exchanged["previous_secret_expires_at"]
    send(client, "post", f"{url}/test")
    _work(acme)
    (came,) = receiver.received
    for secret in (made["secret"], exchanged["secret"]):
        assert Webhook(secret).verify(came.body, came.headers)["type"] == "test"


def test_what_happened_since_a_time_is_sent_again(client: CanaryClient, acme: Organization) -> None:
    url = f"{URL}/{created(client)['id']}"
    for _ in range(3):
        send(client, "post", f"{url}/test")
    with organization_context(acme):
        newest = Sending.objects.order_by("-id")[0]
        Sending.objects.update(state="delivered")
        Sending.objects.filter(pk=newest.pk).update(state="failed")
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    asked = send(client, "post", f"{url}/replay", {"since": since})
    assert (asked.status_code, asked.json()) == (202, {"messages": 1})
    asked = send(client, "post", f"{url}/replay", {"since": since, "which": "all"})
    assert asked.json() == {"messages": 3}
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    assert send(client, "post", f"{url}/replay", {"since": tomorrow}).status_code == 400


def test_pages_of_messages_are_of_one_subscription(client: CanaryClient) -> None:
    first, second = (
        f"{URL}/{created(client, url=f'https://crm.example.com/{n}')['id']}" for n in (1, 2)
    )
    for _ in range(3):
        send(client, "post", f"{first}/test")
    page = client.get(f"{first}/messages?limit=2").json()
    assert len(page["data"]) == 2
    assert len(client.get(page["next"]).json()["data"]) == 1
    cursor = page["next"].partition("?")[2]
    assert client.get(f"{second}/messages?{cursor}").status_code == 400
