"""What the door answers, and that nothing refused leaves a trace."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest
from django.conf import settings

from agents.models import Agent
from calls.models import Call
from tenants.pin import organization_context
from testing.fixtures import KEYS, CanaryClient, World
from testing.retell import body_of, only_delivery, post, sample, sign
from webhooks.models import Delivery

BODY = body_of("call_started")
LIMIT = settings.WEBHOOK_MAX_BODY_BYTES


def answer(response: Any) -> tuple[Any, ...]:
    """Everything of an answer but the request's id."""
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    return response.status_code, response.content, headers


def refused(world: World) -> dict[str, Any]:
    return {
        "wrong key": post(world, BODY, header=sign(BODY, "another key")),
        "the key of the other organization": post(world, BODY, header=sign(BODY, KEYS["globex"])),
        "no header": post(world, BODY, header=None),
        "malformed header": post(world, BODY, header="t=1,v1=2"),
        "stale": post(world, BODY, header=sign(BODY, timestamp_ms=1_700_000_000_000)),
        "another body": post(world, BODY + b" ", header=sign(BODY)),
        "unknown URL": post(world, BODY, token="x" * 32),
        "URL of the other organization": post(world, BODY, token=world.webhook_tokens["globex"]),
        "URL that is too long": post(world, BODY, token="x" * 500),
        "URL outside of ASCII": post(world, BODY, token="%C3%A9%00%FF"),
    }


def test_everything_refused_gets_the_same_401(world: World) -> None:
    answers = {name: answer(response) for name, response in refused(world).items()}
    assert {found[0] for found in answers.values()} == {401}
    assert {repr(found) for found in answers.values()} == {repr(answers["wrong key"])}


def test_nothing_refused_is_stored(world: World) -> None:
    refused(world)
    for organization in (world.acme, world.globex):
        with organization_context(organization):
            assert not Delivery.objects.exists()
            assert not Call.objects.exists()
            assert not Agent.objects.exists()


def test_the_401_says_nothing_about_the_cause(world: World) -> None:
    content = post(world, BODY, header=None).content
    assert json.loads(content) == {
        "detail": "The delivery was refused. Check the webhook URL and its key."
    }


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options", "head", "trace"])
def test_another_method_is_told_to_post(world: World, method: str) -> None:
    url = f"/webhooks/retell/{world.webhook_tokens['acme']}/"
    response = getattr(CanaryClient("localhost:8000"), method)(url)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["", "a/b/", "/"])
def test_another_path_below_the_door_is_not_found(world: World, path: str) -> None:
    assert CanaryClient("localhost:8000").post(f"/webhooks/retell/{path}").status_code == 404


@pytest.mark.parametrize("host", ["localhost:8000", "acme.localhost:8000", "a-tunnel.example.com"])
def test_the_door_opens_on_any_host(world: World, host: str) -> None:
    assert post(world, BODY, client=CanaryClient(host)).status_code == 204


def test_the_door_opens_without_the_slash_at_the_end(world: World) -> None:
    client = CanaryClient("localhost:8000")
    response = client.post(
        f"/webhooks/retell/{world.webhook_tokens['acme']}",
        BODY,
        content_type="application/json",
        headers={"X-Retell-Signature": sign(BODY)},
    )
    assert response.status_code == 204


# --- Size ----------------------------------------------------------------------------------------


def test_a_length_above_20_mb_is_too_large_before_it_is_read(world: World) -> None:
    response = post(world, BODY, CONTENT_LENGTH=str(LIMIT + 1))
    assert response.status_code == 413
    assert "20 MB" in response.json()["detail"]


def test_a_body_above_20_mb_is_too_large_though_it_is_signed(world: World) -> None:
    assert post(world, b" " * (LIMIT + 1)).status_code == 413
    with organization_context(world.acme):
        assert not Delivery.objects.exists()


def test_a_body_of_20_mb_is_taken(world: World) -> None:
    body = BODY + b" " * (LIMIT - len(BODY))
    assert post(world, body).status_code == 204
    assert only_delivery(world).size_bytes == LIMIT


def chunked(body: bytes) -> dict[str, Any]:
    """As a server hands over `Transfer-Encoding: chunked`: no length, and an end."""
    return {"CONTENT_LENGTH": "", "wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}


def test_a_body_that_comes_in_chunks_is_taken(world: World) -> None:
    assert post(world, BODY, **chunked(BODY)).status_code == 204
    assert only_delivery(world).state == "applied"


def test_a_body_above_20_mb_in_chunks_is_too_large(world: World) -> None:
    assert post(world, BODY, **chunked(b" " * (LIMIT + 1))).status_code == 413


@pytest.mark.parametrize("length", ["²", "-1", "nonsense", "9" * 5000])
def test_an_odd_length_is_no_server_error(world: World, length: str) -> None:
    assert post(world, BODY, CONTENT_LENGTH=length).status_code in (401, 413)


# --- Headers that must not matter ----------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "", "nonsense", "multipart/form-data", "application/x-www-form-urlencoded",
     "application/json; charset=latin-1"],
)  # fmt: skip
def test_any_content_type_is_taken_when_signed(world: World, content_type: str) -> None:
    assert post(world, BODY, content_type=content_type).status_code == 204
    assert bytes(only_delivery(world).body) == BODY


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense", ""])
def test_any_accept_header_is_taken_when_signed(world: World, accept: str) -> None:
    assert post(world, BODY, headers={"Accept": accept}).status_code == 204


def test_a_format_in_the_query_is_taken_when_signed(world: World) -> None:
    assert post(world, BODY, query="?format=xml&_method=GET").status_code == 204


def test_a_method_override_changes_nothing(world: World) -> None:
    headers = {"X-HTTP-Method-Override": "DELETE"}
    assert post(world, BODY, headers=headers).status_code == 204


def test_compressed_bytes_are_kept_as_they_came(world: World) -> None:
    body = gzip.compress(BODY)
    assert post(world, body, headers={"Content-Encoding": "gzip"}).status_code == 204
    assert only_delivery(world).reason == "not_utf8"


def test_a_credential_of_the_api_changes_nothing(world: World) -> None:
    headers = {"Authorization": "Bearer nonsense", "Cookie": "switchboard_session=nonsense"}
    assert post(world, BODY, headers=headers).status_code == 204


# --- Answers -------------------------------------------------------------------------------------


def test_an_accepted_event_is_answered_with_nothing(world: World) -> None:
    response = post(world, BODY)
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("who", ["no_agent", "with_agent"])
@pytest.mark.parametrize("event", ["call_inbound", "chat_inbound"])
def test_an_inbound_event_is_answered_with_retells_defaults(
    world: World, event: str, who: str
) -> None:
    response = post(world, sample(f"inbound.{event}.{who}.json").body)
    assert (response.status_code, response.json()) == (200, {event: {}})
    assert response.headers["Content-Type"] == "application/json"


def test_a_repeated_inbound_event_gets_the_same_answer(world: World) -> None:
    body = sample("inbound.call_inbound.with_agent.json").body
    assert post(world, body).content == post(world, body).content == b'{"call_inbound":{}}'
