"""Talking to Retell: what is read, what goes wrong, how long it waits, what it never says."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest

from agents.retell import Kind, RetellApi, RetellApiError
from agents.retell.errors import SENTENCES
from calls.reader import read_call
from config.json_reader import MAX_DEPTH
from operations.demo.retell_api import events_of, make_calls
from testing import retell_api as faults
from testing.retell import sample
from testing.retell_api import API_KEYS, FaultyRetell, Waits
from testing.servers import free_port
from webhooks import retell as webhooks_retell

KEY = API_KEYS["acme"]
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def api(retell_api: FaultyRetell, waits: Waits) -> Iterator[RetellApi]:
    with RetellApi(KEY, workspace_id=retell_api.acme.org_id, sleep=waits) as opened:
        yield opened


def add_calls(server: FaultyRetell, count: int, **how: Any) -> list[dict[str, Any]]:
    calls = make_calls(server.acme.agents["agent_acme"], count, first=START, **how)
    server.acme.add_calls(*calls)
    return calls


def listed(api: RetellApi, **how: Any) -> list[str]:
    pages = api.calls(START, START + DAY, **how)
    return [call["call_id"] for page in pages for call in page.items]


def failure(request: Callable[[], Any]) -> RetellApiError:
    with pytest.raises(RetellApiError) as caught:
        request()
    return caught.value


# --- Reading -------------------------------------------------------------------------------------


def test_a_key_says_whose_it_is(api: RetellApi, retell_api: FaultyRetell) -> None:
    workspace = api.workspace()
    assert workspace.org_id == retell_api.acme.org_id
    assert (workspace.name, workspace.key_name) == ("Acme Agency", "admin app")


def test_the_key_of_another_workspace_says_so(retell_api: FaultyRetell) -> None:
    with RetellApi(API_KEYS["globex"]) as other:
        assert other.workspace().org_id == retell_api.globex.org_id


def test_agents_of_all_pages_are_listed(api: RetellApi, retell_api: FaultyRetell) -> None:
    for number in range(1100):
        retell_api.acme.add_agent(f"agent_{number}", channel="chat" if number % 2 else "voice")
    agents = list(api.agents())
    assert len({agent.agent_id for agent in agents}) == 1101
    assert {agent.channel for agent in agents} == {"voice", "chat"}


def test_a_listed_agent_has_its_tags_and_state(api: RetellApi, retell_api: FaultyRetell) -> None:
    agent = retell_api.acme.agents["agent_acme"]
    agent.tags, agent.is_suspended = {"prod": 0}, True
    (found,) = api.agents()
    assert (found.name, found.tags, found.is_suspended) == (
        "Acme Agency Front Desk", {"prod": 0}, True,
    )  # fmt: skip
    assert found.modified_at == datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)


def test_an_agent_is_read_with_its_settings(api: RetellApi, retell_api: FaultyRetell) -> None:
    retell_api.acme.add_agent(
        "agent_x",
        webhook_url="https://example.com/hook",
        webhook_events=["call_ended", "of_tomorrow"],
        data_storage_setting="basic_attributes_only",
        data_storage_retention_days=30,
    )
    agent = api.agent("agent_x")
    assert (agent.webhook_url, agent.retention_days) == ("https://example.com/hook", 30)
    assert agent.webhook_events == ("call_ended", "of_tomorrow")
    assert agent.storage_setting == "basic_attributes_only"


def test_an_agent_without_a_url_uses_the_accounts(api: RetellApi) -> None:
    agent = api.agent("agent_acme")
    assert (agent.webhook_url, agent.webhook_events) == ("", None)


def test_a_version_is_read_by_number_or_tag(api: RetellApi, retell_api: FaultyRetell) -> None:
    agent = retell_api.acme.agents["agent_acme"]
    agent.branch(0, now_ms=1)
    agent.tags["prod"] = 0
    assert api.agent("agent_acme").version == 1
    assert api.agent("agent_acme", 0).is_published
    assert api.agent("agent_acme", "prod").assigned_tags == ("prod",)


def test_a_chat_agent_is_read_by_its_own_endpoint(api: RetellApi, retell_api: FaultyRetell) -> None:
    retell_api.acme.add_agent("agent_chat", channel="chat")
    assert api.agent("agent_chat", channel="chat").agent_id == "agent_chat"
    assert retell_api.asked()[-1].path == "/get-chat-agent/agent_chat"


def test_versions_say_which_is_published(api: RetellApi, retell_api: FaultyRetell) -> None:
    retell_api.acme.agents["agent_acme"].branch(0, now_ms=1_795_000_000_000)
    found = [(line.version, line.base_version, line.is_published) for line in api.agent_versions("agent_acme")]  # fmt: skip  # noqa: E501
    assert found == [(0, None, True), (1, 0, False)]


def test_phone_numbers_say_which_agents_they_lead_to(
    api: RetellApi, retell_api: FaultyRetell
) -> None:
    line = {"agent_id": "agent_acme", "agent_version": "prod", "weight": 0.5}
    retell_api.acme.phone_numbers.append(
        {"phone_number": "+12065550190", "phone_number_type": "custom", "inbound_agents": [line]}
    )
    (number,) = api.phone_numbers()
    assert (number.number, number.inbound_agent_ids) == ("+12065550190", ("agent_acme",))
    assert number.outbound_agent_ids == ()


def test_concurrency_is_read(api: RetellApi) -> None:
    assert (api.concurrency().current, api.concurrency().limit) == (3, 20)


# --- Calls ---------------------------------------------------------------------------------------


def test_ten_thousand_calls_come_page_by_page_oldest_first(
    api: RetellApi, retell_api: FaultyRetell
) -> None:
    made = add_calls(retell_api, 10_000, apart=timedelta(seconds=2))
    assert listed(api) == [call["call_id"] for call in made]
    assert len(retell_api.asked("/v3/list-calls")) == 10


def test_the_first_page_says_how_many_there_are_when_asked(
    api: RetellApi, retell_api: FaultyRetell
) -> None:
    add_calls(retell_api, 2500)
    pages = list(api.calls(START, START + DAY, counted=True))
    assert [page.total for page in pages] == [2500, None, None]


def test_calls_of_both_ends_of_the_range_are_included(
    api: RetellApi, retell_api: FaultyRetell
) -> None:
    made = add_calls(retell_api, 5, apart=timedelta(minutes=1))
    pages = api.calls(START + timedelta(minutes=1), START + timedelta(minutes=3))
    assert [call["call_id"] for page in pages for call in page.items] == [
        call["call_id"] for call in made[1:4]
    ]


def test_a_range_within_a_millisecond_is_widened(api: RetellApi, retell_api: FaultyRetell) -> None:
    list(api.calls(START + timedelta(microseconds=700), START + timedelta(microseconds=1200)))
    (request,) = retell_api.asked("/v3/list-calls")
    start_ms = int(START.timestamp() * 1000)
    assert request.body["filter_criteria"]["start_timestamp"]["value"] == [start_ms, start_ms + 2]


def test_a_time_without_a_zone_is_refused(api: RetellApi) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        api.calls(datetime(2026, 11, 20), START)  # noqa: DTZ001 - on purpose


def test_a_list_is_resumed_behind_a_page(api: RetellApi, retell_api: FaultyRetell) -> None:
    made = add_calls(retell_api, 2500)
    first = next(api.calls(START, START + DAY))
    assert listed(api, after_key=first.next_key) == [call["call_id"] for call in made[1000:]]


def test_calls_deleted_between_two_pages_hide_no_others(
    api: RetellApi, retell_api: FaultyRetell
) -> None:
    made = add_calls(retell_api, 1500)
    first = next(api.calls(START, START + DAY))
    for call in made[:1000]:
        retell_api.acme.delete_call(call["call_id"])
    assert len(listed(api, after_key=first.next_key)) == 500


def test_the_last_page_has_no_next_key(api: RetellApi, retell_api: FaultyRetell) -> None:
    add_calls(retell_api, 3)
    (page,) = api.calls(START, START + DAY)
    assert (len(page.items), page.next_key, page.skipped) == (3, "", 0)


def test_transcripts_are_not_in_lists_but_in_calls(
    api: RetellApi, retell_api: FaultyRetell
) -> None:
    (made,) = add_calls(retell_api, 1)
    (page,) = api.calls(START, START + DAY)
    assert not [name for name in page.items[0] if "transcript" in name]
    assert api.call(made["call_id"])["transcript"].startswith("Agent: ")


def test_a_call_deleted_at_retell_is_not_found(api: RetellApi, retell_api: FaultyRetell) -> None:
    retell_api.acme.agents["agent_acme"].latest["data_storage_retention_days"] = 30
    (made,) = add_calls(retell_api, 1)
    assert retell_api.acme.apply_retention(START + 31 * DAY) == [made["call_id"]]
    assert failure(lambda: api.call(made["call_id"])).kind == Kind.NOT_FOUND
    assert listed(api) == []


def test_costs_are_exact(api: RetellApi, retell_api: FaultyRetell) -> None:
    (made,) = add_calls(retell_api, 1)
    retell_api.fail(faults.answer(b'{"call_id": "x", "call_cost": {"combined_cost": 41.54166660}}'))
    assert api.call("x")["call_cost"]["combined_cost"] == Decimal("41.54166660")
    cost = api.call(made["call_id"])["call_cost"]
    assert sum(line["cost"] for line in cost["product_costs"]) == cost["combined_cost"]


def test_unknown_fields_and_values_are_kept(api: RetellApi, retell_api: FaultyRetell) -> None:
    (made,) = add_calls(retell_api, 1)
    made |= {"of_tomorrow": {"a": [1]}, "disconnection_reason": "new_reason", "call_status": "odd"}
    (page,) = api.calls(START, START + DAY)
    for call in (page.items[0], api.call(made["call_id"])):
        assert (call["of_tomorrow"], call["disconnection_reason"]) == ({"a": [1]}, "new_reason")
    retell_api.acme.agents["agent_acme"].latest["of_tomorrow"] = True
    assert api.agent("agent_acme").raw["of_tomorrow"] is True


def test_a_token_for_a_calls_room_is_taken_out(api: RetellApi, retell_api: FaultyRetell) -> None:
    (made,) = add_calls(retell_api, 1)
    made["access_token"] = "eyJ.room"
    (page,) = api.calls(START, START + DAY)
    assert "access_token" not in page.items[0]
    assert "access_token" not in api.call(made["call_id"])


def test_what_is_read_can_be_merged_like_an_event(api: RetellApi, retell_api: FaultyRetell) -> None:
    (made,) = add_calls(retell_api, 1)
    reading = read_call(api.call(made["call_id"]), event="api_read", body_sha256=b"x" * 32)
    assert reading.values["cost_cents"] == Decimal(str(made["call_cost"]["combined_cost"]))
    assert reading.values["duration_ms"] == made["duration_ms"]


def test_an_id_cannot_lead_to_another_endpoint(api: RetellApi, retell_api: FaultyRetell) -> None:
    failure(lambda: api.call("../../get-concurrency"))
    assert retell_api.asked()[-1].path == "/v2/get-call/../../get-concurrency"


# --- Changes -------------------------------------------------------------------------------------


def test_a_webhook_is_set_on_a_draft_and_published(
    api: RetellApi, retell_api: FaultyRetell
) -> None:
    draft = api.create_agent_draft("agent_acme", base_version=0)
    events = ["call_started", "call_ended", "call_analyzed"]
    url = "https://switchboard.example.com/webhooks/retell/t"
    api.set_agent_webhook("agent_acme", version=draft.version, url=url, events=events)
    api.publish_agent("agent_acme", version=draft.version)
    live = retell_api.acme.agents["agent_acme"].latest
    assert (live["version"], live["is_published"]) == (1, True)
    assert (live["webhook_url"], live["webhook_events"]) == (url, events)


def test_a_webhook_is_removed_with_null(api: RetellApi, retell_api: FaultyRetell) -> None:
    retell_api.acme.add_agent("agent_x", published=False, webhook_url="https://example.com")
    agent = api.set_agent_webhook("agent_x", version=0, url=None, events=None)
    request = retell_api.asked("/update-agent")[0]
    assert request.body == {"webhook_url": None, "webhook_events": None}
    assert agent.webhook_url == ""


def test_a_chat_agents_webhook_is_set_by_its_own_endpoint(
    api: RetellApi, retell_api: FaultyRetell
) -> None:
    retell_api.acme.add_agent("agent_chat", channel="chat", published=False)
    api.set_agent_webhook("agent_chat", version=0, url=None, events=["chat_ended"], channel="chat")
    assert retell_api.asked()[-1].path == "/update-chat-agent/agent_chat"


def test_a_published_version_cannot_be_changed(api: RetellApi) -> None:
    error = failure(lambda: api.set_agent_webhook("agent_acme", version=0, url=None, events=None))
    assert (error.kind, error.status) == (Kind.INVALID, 400)
    assert error.detail == "Published agent version cannot be updated."


@pytest.mark.parametrize("fault", [faults.status(502), faults.lose_answer, faults.cut])
def test_a_change_whose_answer_is_lost_is_not_made_twice(
    api: RetellApi, retell_api: FaultyRetell, fault: faults.Fault
) -> None:
    retell_api.fail(fault)
    error = failure(lambda: api.create_agent_draft("agent_acme", base_version=0))
    assert error.outcome_unknown
    assert "whether it made the change is not known" in str(error)
    assert len(retell_api.asked("/create-agent-version")) == 1


def test_a_change_refused_for_its_rate_is_tried_again(
    api: RetellApi, retell_api: FaultyRetell
) -> None:
    retell_api.fail(faults.status(429, Retry_After="1"))
    assert api.create_agent_draft("agent_acme", base_version=0).version == 1


def test_a_change_that_was_never_sent_is_tried_again(settings: Any, waits: Waits) -> None:
    settings.RETELL_BASE_URL = f"http://127.0.0.1:{free_port()}"
    with RetellApi(KEY, sleep=waits) as api:
        error = failure(lambda: api.publish_agent("agent_acme", version=0))
    assert (error.kind, error.outcome_unknown) == (Kind.UNAVAILABLE, False)
    assert len(waits.seconds) == settings.RETELL_TRIES - 1


# --- Errors --------------------------------------------------------------------------------------

FAULTS: dict[str, tuple[faults.Fault, Kind]] = {
    "unauthorized": (faults.status(401), Kind.KEY_REFUSED),
    "forbidden": (faults.status(403), Kind.KEY_REFUSED),
    "payment": (faults.status(402), Kind.PAYMENT),
    "bad request": (faults.status(400), Kind.INVALID),
    "conflict": (faults.status(409), Kind.INVALID),
    "unprocessable": (faults.status(422), Kind.INVALID),
    "not found": (faults.status(404), Kind.NOT_FOUND),
    "limited": (faults.status(429), Kind.RATE_LIMITED),
    "failing": (faults.status(500), Kind.UNAVAILABLE),
    "away": (faults.answer(b"<html>Bad gateway</html>", status=503), Kind.UNAVAILABLE),
    "hanging": (faults.hang, Kind.UNAVAILABLE),
    "dripping": (faults.drip, Kind.UNAVAILABLE),
    "cut": (faults.cut, Kind.UNAVAILABLE),
    "no answer": (faults.lose_answer, Kind.UNAVAILABLE),
    "not JSON": (faults.answer(b'{"org_id": '), Kind.UNREADABLE),
    "a page": (faults.answer(b"<html></html>"), Kind.UNREADABLE),
    "nothing": (faults.answer(b""), Kind.UNREADABLE),
    "a list": (faults.answer(b"[]"), Kind.UNREADABLE),
    "no id": (faults.answer(b'{"org_name": "Acme"}'), Kind.UNREADABLE),
    "not a number": (faults.answer(b'{"org_id": "x", "a": NaN}'), Kind.UNREADABLE),
    "too many digits": (faults.answer(b'{"org_id": "x", "a": ' + b"9" * 5000 + b"}"), Kind.UNREADABLE),  # noqa: E501
    "deep": (faults.answer(b'{"org_id": "x", "a": ' + b"[" * 200 + b"]" * 200 + b"}"), Kind.UNREADABLE),  # noqa: E501
    "packed": (faults.gzipped(b'{"org_id": "x"}'), Kind.UNREADABLE),
    "huge": (faults.answer(b" " * 200_000), Kind.TOO_LARGE),
    "elsewhere": (faults.redirect("https://example.com/"), Kind.UNREADABLE),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_becomes_one_kind_of_error(
    settings: Any, retell_api: FaultyRetell, waits: Waits, caplog: Any, name: str
) -> None:
    settings.RETELL_TIMEOUT_SECONDS = 0.2
    settings.RETELL_MAX_BODY_BYTES = 100_000
    settings.RETELL_TRIES = 2
    fault, kind = FAULTS[name]
    retell_api.fail(fault, times=2)
    with caplog.at_level(logging.DEBUG), RetellApi(KEY, sleep=waits) as api:
        error = failure(api.workspace)
    assert error.kind == kind
    # What Retell really says, it says again.
    once = error.permanent or name in ("nothing", "a list", "no id")
    assert len(retell_api.requests) == (1 if once else 2)
    assert says_what_to_do(error)
    assert KEY not in f"{error} {error!r} {error.detail} {caplog.text} {api!r}"
    # The SDK's errors hold the request, with the key in its headers.
    assert (error.__cause__, error.__context__) == (None, None)


def says_what_to_do(error: RetellApiError) -> bool:
    """What happened, what was kept, what to do next."""
    return str(error).count(". ") >= 2 and str(error).endswith(".") and "{" not in str(error)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_sentence(kind: Kind) -> None:
    assert says_what_to_do(RetellApiError(kind, retry_after_seconds=7))
    assert kind in SENTENCES


def test_a_key_that_may_not_read_is_told_from_a_wrong_one(
    api: RetellApi, retell_api: FaultyRetell
) -> None:
    retell_api.acme.keys[KEY].may_read = False
    forbidden = failure(lambda: list(api.agents()))
    del retell_api.acme.keys[KEY]
    unknown = failure(lambda: list(api.agents()))
    assert (forbidden.status, unknown.status) == (403, 401)
    assert "give it Read" in str(forbidden)
    assert "does not accept this API key" in str(unknown)


def test_a_key_that_retell_quotes_is_not_repeated(api: RetellApi, retell_api: FaultyRetell) -> None:
    retell_api.fail(faults.status(401, f"Key {KEY} is unknown."))
    assert failure(api.workspace).detail == "Key … is unknown."


@pytest.mark.parametrize("key", ["", " ", "key\n", "schlüssel", "two words", "\ud800"])
def test_what_cannot_be_a_key_is_never_sent(retell_api: FaultyRetell, key: str) -> None:
    with RetellApi(key) as api:
        error = failure(api.workspace)
    assert error.kind == Kind.KEY_REFUSED
    assert not retell_api.requests
    assert key.strip() == "" or key not in str(error)


def test_a_webhook_url_is_not_in_the_repr(api: RetellApi, retell_api: FaultyRetell) -> None:
    retell_api.acme.add_agent("agent_x", webhook_url="https://example.com/secret-token")
    assert "secret-token" not in repr(api.agent("agent_x"))


def test_a_redirect_is_not_followed(api: RetellApi, retell_api: FaultyRetell) -> None:
    retell_api.fail(faults.redirect(f"{retell_api.url}/get-concurrency"), times=9)
    failure(api.workspace)
    assert not retell_api.asked("/get-concurrency")


def test_a_burst_of_errors_is_waited_out(
    api: RetellApi, retell_api: FaultyRetell, waits: Waits
) -> None:
    add_calls(retell_api, 2500)
    retell_api.fail(faults.status(503), times=2)
    retell_api.fail(faults.cut, times=2)
    assert len(listed(api)) == 2500
    assert len(waits.seconds) == 4
    assert all(later > earlier for earlier, later in pairwise(waits.seconds))


def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones(
    settings: Any, api: RetellApi, retell_api: FaultyRetell
) -> None:
    add_calls(retell_api, 300)
    settings.RETELL_MAX_BODY_BYTES = 200_000
    with RetellApi(KEY) as small:
        assert len(set(listed(small))) == 300
    sizes = [request.body["limit"] for request in retell_api.asked("/v3/list-calls")]
    assert sizes == [1000, 100, 100, 100]


@pytest.mark.parametrize(
    "body",
    [
        b'{"items": [], "has_more": true}',
        b'{"items": []}',
        b'{"items": null, "has_more": false}',
        b'{"items": [], "has_more": true, "pagination_key": 5}',
        b'{"has_more": false}',
    ],
)
def test_a_list_that_may_go_on_is_not_taken_for_complete(
    api: RetellApi, retell_api: FaultyRetell, body: bytes
) -> None:
    retell_api.fail(faults.answer(body))
    assert failure(lambda: listed(api)).kind == Kind.UNREADABLE


def test_a_list_that_turns_in_circles_is_left(api: RetellApi, retell_api: FaultyRetell) -> None:
    body = b'{"items": [], "has_more": true, "pagination_key": "again"}'
    retell_api.fail(faults.answer(body), times=99)
    assert failure(lambda: listed(api)).kind == Kind.UNREADABLE
    assert len(retell_api.requests) == 2


def test_items_that_are_no_calls_are_counted(api: RetellApi, retell_api: FaultyRetell) -> None:
    retell_api.fail(faults.answer(b'{"items": [null, {"call_id": "a"}, 5], "has_more": false}'))
    (page,) = api.calls(START, START + DAY)
    assert (page.items, page.skipped) == ([{"call_id": "a"}], 2)


def test_an_agent_with_nonsense_in_it_is_read_as_far_as_it_goes(
    api: RetellApi, retell_api: FaultyRetell
) -> None:
    odd = {
        "agent_id": "a",
        "version": 3.0,
        "webhook_url": 5,
        "webhook_events": "all",
        "is_published": "yes",
        "last_modification_timestamp": -1,
    }
    retell_api.fail(faults.answer(json.dumps(odd).encode()))
    agent = api.agent("a")
    assert (agent.version, agent.webhook_url, agent.webhook_events) == (3, "", None)
    assert (agent.is_published, agent.modified_at) == (False, None)


def test_nesting_up_to_the_limit_is_read(api: RetellApi, retell_api: FaultyRetell) -> None:
    depth = MAX_DEPTH - 1
    retell_api.fail(faults.answer(b'{"org_id": "x", "a": ' + b"[" * depth + b"]" * depth + b"}"))
    assert api.workspace().org_id == "x"


# --- Rate limits ---------------------------------------------------------------------------------


def http_date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3),
        ({"RateLimit-Reset": "7"}, 7),
        ({"X-RateLimit-Limiter": "list", "X-RateLimit-Reset": "4"}, 4),
        ({"X-RateLimit-Reset": str(int(time.time()) + 86_400 * 365)}, 0.5),
        ({"Retry-After": "2", "RateLimit-Reset": "9"}, 9),
        ({"Retry-After": "2", "RateLimit-Reset": "999999"}, 2),
        ({"Retry-After": "soon"}, 0.5),
        ({"Retry-After": "-5"}, 0.5),
        ({"Retry-After": "nan"}, 0.5),
        ({"Retry-After": "1e400"}, 0.5),
        ({"Retry-After": "600"}, 60),
        ({}, 0.5),
    ],
)
def test_a_429_is_waited_out_as_long_as_it_asks(
    api: RetellApi,
    retell_api: FaultyRetell,
    waits: Waits,
    headers: dict[str, str],
    seconds: float,
) -> None:
    retell_api.fail(faults.answer(b"{}", status=429, headers=headers))
    api.workspace()
    (waited,) = waits.seconds
    # Only added to, unless nothing was asked for.
    assert (seconds if seconds > 0.5 else 0.37) <= waited <= seconds + 0.3


@pytest.mark.parametrize("style", [http_date, lambda s: str(int(time.time() + s)),
                                   lambda s: str(int((time.time() + s) * 1000))])  # fmt: skip
def test_a_wait_may_be_given_as_a_time(
    api: RetellApi, retell_api: FaultyRetell, waits: Waits, style: Callable[[float], str]
) -> None:
    name = "Retry-After" if style is http_date else "X-RateLimit-Reset"
    retell_api.fail(faults.answer(b"{}", status=429, headers={name: style(20)}))
    api.workspace()
    assert 18 <= waits.seconds[0] <= 21.5


def test_tries_are_bounded_and_the_error_says_how_long(
    settings: Any, api: RetellApi, retell_api: FaultyRetell
) -> None:
    retell_api.fail(faults.status(429, Retry_After="12"), times=99)
    error = failure(api.workspace)
    assert error.retry_after_seconds == 12
    assert "Try again in 12 seconds" in str(error)
    assert len(retell_api.requests) == settings.RETELL_TRIES


def test_who_has_no_patience_is_told_at_once(retell_api: FaultyRetell, waits: Waits) -> None:
    retell_api.fail(faults.status(429, Retry_After="12"), times=99)
    with RetellApi(KEY, patience_seconds=0, sleep=waits) as api:
        assert failure(api.workspace).kind == Kind.RATE_LIMITED
        assert failure(api.workspace).retry_after_seconds == pytest.approx(12, abs=0.5)
    # The second was not even sent: the first one's 429 holds for the whole workspace.
    assert (len(retell_api.requests), waits.seconds) == (1, [])


def test_a_429_makes_other_jobs_of_the_workspace_wait(retell_api: FaultyRetell) -> None:
    retell_api.fail(faults.status(429, Retry_After="12"))
    with (
        RetellApi(KEY, workspace_id="w", patience_seconds=0) as one,
        RetellApi("key_other_of_the_same", workspace_id="w", patience_seconds=0) as other,
        RetellApi(API_KEYS["globex"], workspace_id="another", patience_seconds=0) as foreign,
    ):
        failure(one.workspace)
        assert failure(other.workspace).kind == Kind.RATE_LIMITED
        assert foreign.workspace().name == "Globex Voice"


# --- The budget ----------------------------------------------------------------------------------


def in_parallel(count: int, work: Callable[[], object]) -> None:
    problems: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - reported below
            problems.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def most_within(moments: list[float], seconds: float) -> int:
    return max(sum(start <= at < start + seconds for at in moments) for start in moments)


def ask_in_parallel(server: FaultyRetell) -> list[float]:
    """When 24 lists were asked for by 4 jobs, each with a connection of its own."""

    def job() -> None:
        with RetellApi(KEY, workspace_id=server.acme.org_id) as api:
            for _ in range(6):
                listed(api)

    in_parallel(4, job)
    return [request.at for request in server.asked("/v3/list-calls")]


def test_parallel_jobs_share_the_workspaces_budget(settings: Any, retell_api: FaultyRetell) -> None:
    settings.RETELL_LIST_BUDGET, settings.RETELL_BUDGET_SECONDS = 8, 1.0
    moments = ask_in_parallel(retell_api)
    assert len(moments) == 24
    # Arrivals jitter a little against the moments in which they were allowed.
    assert most_within(moments, 0.9) <= 8
    assert max(moments) - min(moments) >= 1.9


def test_without_redis_a_process_keeps_to_the_budget_itself(
    settings: Any, retell_api: FaultyRetell, caplog: Any
) -> None:
    settings.RETELL_LIST_BUDGET, settings.RETELL_BUDGET_SECONDS = 8, 1.0
    settings.CACHES = {
        name: {**config, "LOCATION": "redis://127.0.0.1:1/0"}
        for name, config in settings.CACHES.items()
    }
    moments = ask_in_parallel(retell_api)
    assert most_within(moments, 0.9) <= 8
    assert "counted by this process alone" in caplog.text


def test_lists_and_single_reads_have_budgets_of_their_own(
    settings: Any, retell_api: FaultyRetell
) -> None:
    settings.RETELL_LIST_BUDGET = settings.RETELL_GENERAL_BUDGET = 1
    with RetellApi(KEY, patience_seconds=0) as api:
        listed(api)
        api.workspace()
        assert failure(lambda: listed(api)).kind == Kind.RATE_LIMITED
        assert failure(api.workspace).kind == Kind.RATE_LIMITED


def test_a_long_job_leaves_its_share_to_others(settings: Any, retell_api: FaultyRetell) -> None:
    settings.RETELL_LIST_BUDGET = 4
    with (
        RetellApi(KEY, workspace_id="w", share=0.5, patience_seconds=0) as backfill,
        RetellApi(KEY, workspace_id="w", patience_seconds=0) as sync,
    ):
        assert [listed(backfill), listed(backfill)] == [[], []]
        assert failure(lambda: listed(backfill)).kind == Kind.RATE_LIMITED
        assert [listed(sync), listed(sync)] == [[], []]
        assert failure(lambda: listed(sync)).kind == Kind.RATE_LIMITED


def test_the_budget_of_one_workspace_is_not_anothers(
    settings: Any, retell_api: FaultyRetell
) -> None:
    settings.RETELL_LIST_BUDGET = 1
    for key in API_KEYS.values():
        with RetellApi(key, patience_seconds=0) as api:
            listed(api)
    assert len(retell_api.requests) == 2


def test_within_the_budget_retell_never_refuses(
    settings: Any, retell_api: FaultyRetell, waits: Waits
) -> None:
    """Retell's own limits, as its server here enforces them."""
    settings.RETELL_LIST_BUDGET = 15
    retell_api.enforces_limits = True
    with RetellApi(KEY, patience_seconds=0) as api:
        for _ in range(15):
            listed(api)
        assert failure(lambda: listed(api)).status is None
        settings.RETELL_LIST_BUDGET = 16
    with RetellApi(KEY, patience_seconds=0) as greedy:
        assert failure(lambda: listed(greedy)).status == 429


# --- The fake ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 1001},
        {"limit": 0},
        {"sort_order": "up"},
        {"skip": 1, "pagination_key": "x"},
        {"pagination_key": "nonsense"},
        {"of_tomorrow": 1},
        {"filter_criteria": {"start_timestamp": 5}},
        {"filter_criteria": {"start_timestamp": {"type": "range", "op": "in", "value": [1, 2]}}},
        {"filter_criteria": {"of_tomorrow": {"type": "string", "op": "eq", "value": "x"}}},
    ],
)
def test_the_fake_refuses_what_retell_would(
    api: RetellApi, retell_api: FaultyRetell, body: dict[str, Any]
) -> None:
    add_calls(retell_api, 1)
    request = api._sdk.call.with_raw_response.list
    error = failure(lambda: api._send(request, extra_body=body))
    assert (error.kind, error.status) == (Kind.INVALID, 400)


def test_a_call_that_never_started_passes_no_filter_on_its_start(
    api: RetellApi, retell_api: FaultyRetell
) -> None:
    (made,) = add_calls(retell_api, 1)
    del made["start_timestamp"], made["end_timestamp"]
    assert listed(api) == []
    assert api.call(made["call_id"])["call_id"] == made["call_id"]


def test_made_calls_have_the_shape_of_real_ones(retell_api: FaultyRetell) -> None:
    (made,) = add_calls(retell_api, 1)
    real = json.loads(sample("phone_inbound.call_analyzed.json").body)["call"]
    assert set(made) <= set(real) | {"recording_url", "public_log_url"}
    for name in set(made) & set(real) - {"transcript"}:
        assert type(made[name]) is type(real[name]), name


def test_the_events_of_a_made_call_are_readable(retell_api: FaultyRetell) -> None:
    (made,) = add_calls(retell_api, 1)
    for event in events_of(made):
        document, _ = webhooks_retell.load(json.dumps(event).encode())
        assert webhooks_retell.parse(document, b"x" * 32).subject_id == made["call_id"]


def test_ten_thousand_calls_are_made_in_a_second(retell_api: FaultyRetell) -> None:
    began = time.process_time()
    add_calls(retell_api, 10_000)
    assert time.process_time() - began < 1
