"""Manners of the whole API."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.http import HttpResponse
from django.urls import get_resolver
from django.utils import timezone
from django_redis import get_redis_connection

from accounts.models import AccessPolicy, IdempotentAnswer, Invitation
from accounts.scopes import TABLE, Scope
from accounts.tasks import clear_expired_sessions
from agents.models import Agent
from audit.actions import record
from calls.actions.classifying import CLASSIFIED
from calls.tests.records import NOON, make_calls
from config.api import docs, document, recent
from config.api.deprecation import Deprecation
from config.api.views import ApiView
from exports.models import Export
from exports.tests import helpers as exports
from notices.models import Subscription
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import door, platform
from testing.api import ProgramFactory
from testing.fixtures import CanaryClient, World

V1 = "/api/v1"
INVITE = {"email": "dora@example.com", "role": "org_viewer"}


def post(client: CanaryClient, url: str, body: Any, **headers: str) -> Any:
    return client.post(url, json.dumps(body), content_type="application/json", headers=headers)


def views(urlconf: str) -> list[type[ApiView]]:
    found: list[type[ApiView]] = []

    def walk(patterns: Any) -> None:
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns)
            elif isinstance(cls := getattr(pattern.callback, "cls", None), type):
                found.extend([cls] if issubclass(cls, ApiView) else [])

    walk(get_resolver(urlconf).url_patterns)
    return found


ALL = [view for urlconf in document.FILES for view in views(urlconf)]


# --- Problems ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "slug"),
    [
        ("get", "/nothing", None, 404, "not-found"),
        ("delete", "/calls", None, 405, "method-not-allowed"),
        ("post", "/invitations", "{", 400, "parse-error"),
        ("post", "/invitations", "[" * 100_000, 400, "parse-error"),
        ("post", "/invitations", '{"email": NaN}', 400, "parse-error"),
        ("post", "/invitations", '{"email": "a\\u0000@b.c", "role": 1}', 400, "invalid-body"),
        ("post", "/invitations", "[]", 400, "invalid-body"),
        ("get", "/calls?q=%00", None, 400, "bad-request"),
        ("get", "/calls/0193f000-0000-7000-8000-000000000001", None, 404, "not-found"),
    ],
)
def test_every_error_is_a_problem_document(
    acme: Organization, program: ProgramFactory, method: str, path: str, body: Any, status: int,
    slug: str,
) -> None:  # fmt: skip
    options = {"data": body, "content_type": "application/json"} if body else {}
    answer = getattr(program(acme), method)(V1 + path, **options)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    said = answer.json()
    assert said["type"] == f"urn:switchboard:problem:{slug}"
    assert said["status"] == status
    assert said["request_id"] == answer.headers["X-Request-ID"]


def test_another_format_than_json_is_not_read(acme: Organization, program: ProgramFactory) -> None:
    answer = program(acme).post(f"{V1}/invitations", {"email": "x"})
    assert (answer.status_code, answer.json()["status"]) == (415, 415)


def test_another_format_than_json_is_not_given(acme: Organization, program: ProgramFactory) -> None:
    answer = program(acme).get(f"{V1}/calls", headers={"accept": "text/html"})
    assert (answer.status_code, answer.json()["status"]) == (406, 406)


def test_a_wrong_field_is_named(acme: Organization, program: ProgramFactory) -> None:
    answer = post(program(acme), f"{V1}/invitations", {"email": "x", "role": "king", "y": 1})
    assert [one["field"] for one in answer.json()["errors"]] == ["y"]
    answer = post(program(acme), f"{V1}/invitations", {"email": "x", "role": "king"})
    assert {one["field"] for one in answer.json()["errors"]} == {"email", "role"}


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.__name__)
def test_every_method_that_is_answered_has_an_operation(view: type[ApiView]) -> None:
    """Without one it would take no scope."""
    methods = ("get", "post", "put", "patch", "delete")
    answered = {name.upper() for name in methods if hasattr(view, name)}
    assert answered == set(view.operations) or view is docs.Document


def test_asking_for_headers_takes_the_scope_too(
    acme: Organization, program: ProgramFactory
) -> None:
    client = program(acme, Scope.AGENTS_READ)
    assert client.head(f"{V1}/agents").status_code == 200
    assert client.head(f"{V1}/audit").status_code == 403


@pytest.mark.parametrize("body", [{"is_billable": "no"}, {"tags": [1]}, {"tags": "a"}, {"note": 0}])
def test_a_field_of_another_type_is_not_guessed_at(
    acme: Organization, program: ProgramFactory, body: dict[str, Any]
) -> None:
    url = f"{V1}/calls/0193f000-0000-7000-8000-000000000001"
    answer = program(acme).patch(url, json.dumps(body), content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] in body


# --- Limits --------------------------------------------------------------------------------------


def test_limits_are_told_and_kept(
    acme: Organization, program: ProgramFactory, settings: Any
) -> None:
    settings.API_READ_LIMIT = "2/h"
    client = program(acme)
    answers = [client.get(f"{V1}/agents") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"api-reads";q=2;w=3600'
    assert answers[0].headers["RateLimit"].startswith('"api-reads";r=1;t=')
    assert int(answers[2].headers["Retry-After"]) > 0
    assert program(acme).get(f"{V1}/agents").status_code == 200  # another key has its own


def test_who_is_refused_is_counted_by_address(acme: Organization, settings: Any) -> None:
    settings.API_READ_LIMIT = "2/h"
    client = CanaryClient(acme.host, HTTP_AUTHORIZATION="Bearer swb_wrong")
    statuses = [client.get(f"{V1}/agents").status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


# --- Idempotency ---------------------------------------------------------------------------------


def _invitations(acme: Organization) -> list[Any]:
    with door():
        return list(Invitation.objects.filter(organization=acme).values_list("pk", flat=True))


def test_the_same_key_has_one_effect_and_the_same_answer(
    acme: Organization, program: ProgramFactory
) -> None:
    client = program(acme)
    first, second = (
        post(client, f"{V1}/invitations", INVITE, idempotency_key="one") for _ in range(2)
    )
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert [str(pk) for pk in _invitations(acme)] == [first.json()["id"]]


def test_the_same_key_with_another_body_is_a_conflict(
    acme: Organization, program: ProgramFactory
) -> None:
    client = program(acme)
    post(client, f"{V1}/invitations", INVITE, idempotency_key="one")
    other = post(client, f"{V1}/invitations", INVITE | {"role": "org_admin"}, idempotency_key="one")
    assert other.status_code == 409
    assert other.json()["type"].endswith(":idempotency-key-used")


def test_keys_of_two_callers_are_two(acme: Organization, program: ProgramFactory) -> None:
    for _ in range(2):
        answer = post(program(acme), f"{V1}/invitations", INVITE, idempotency_key="one")
        assert "Idempotency-Replayed" not in answer.headers


def test_what_was_refused_may_be_corrected_under_the_same_key(
    acme: Organization, program: ProgramFactory
) -> None:
    client = program(acme)
    wrong = post(client, f"{V1}/invitations", INVITE | {"role": "king"}, idempotency_key="one")
    right = post(client, f"{V1}/invitations", INVITE, idempotency_key="one")
    assert (wrong.status_code, right.status_code) == (400, 201)


def test_a_key_counts_for_a_day(acme: Organization, program: ProgramFactory) -> None:
    client = program(acme)
    first = post(client, f"{V1}/invitations", INVITE, idempotency_key="one").json()
    with platform():
        IdempotentAnswer.objects.update(asked_at=timezone.now() - timedelta(hours=25))
    again = post(client, f"{V1}/invitations", INVITE, idempotency_key="one").json()
    assert again["id"] != first["id"]


def test_old_answers_are_forgotten(acme: Organization, program: ProgramFactory) -> None:
    client = program(acme)
    for key in ("old", "new"):
        post(client, f"{V1}/invitations", INVITE, idempotency_key=key)
    with platform():
        old = IdempotentAnswer.objects.filter(key="old")
        old.update(asked_at=timezone.now() - timedelta(hours=25))
    clear_expired_sessions(0)
    with platform():
        assert [row.key for row in IdempotentAnswer.objects.all()] == ["new"]


@pytest.mark.parametrize("key", ["", " ", "ä", "x" * 256])
def test_a_key_of_other_characters_is_refused(
    acme: Organization, program: ProgramFactory, key: str
) -> None:
    answer = post(program(acme), f"{V1}/invitations", INVITE, idempotency_key=key)
    assert answer.status_code == 400


def test_every_post_can_be_repeated_but_those_of_tokens() -> None:
    missing = {
        view.__name__
        for view in ALL
        if "POST" in view.operations and not getattr(view.post, "is_idempotent", False)  # type: ignore[attr-defined]
    }
    assert missing == {"GiveTokens", "RefreshTokens", "RevokeTokens"}


# --- Other origins -------------------------------------------------------------------------------


@pytest.fixture
def allowed(acme: Organization) -> str:
    origin = "https://crm.example.com"
    with door():
        AccessPolicy.objects.update_or_create(organization=acme, defaults={"api_origins": [origin]})
    return origin


def test_a_page_on_the_list_may_read(
    acme: Organization, program: ProgramFactory, allowed: str
) -> None:
    answer = program(acme).get(f"{V1}/calls", headers={"origin": allowed})
    assert answer.headers["Access-Control-Allow-Origin"] == allowed
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "null", "https://crm.example.com.evil.test"]
)
def test_a_page_of_elsewhere_may_not(
    acme: Organization, program: ProgramFactory, allowed: str, origin: str
) -> None:
    answer = program(acme).get(f"{V1}/calls", headers={"origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_list_of_one_organization_is_not_anothers(
    globex: Organization, program: ProgramFactory, allowed: str
) -> None:
    answer = program(globex).get(f"{V1}/calls", headers={"origin": allowed})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_browsers_ask_first_without_a_key(acme: Organization, allowed: str) -> None:
    headers = {"origin": allowed, "access-control-request-method": "PATCH"}
    answer = CanaryClient(acme.host).options(f"{V1}/calls", headers=headers)
    assert answer.status_code == 204
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


# --- Recent requests -----------------------------------------------------------------------------


def test_recent_requests_are_kept_without_their_parameters(
    acme: Organization, program: ProgramFactory
) -> None:
    program(acme).get(f"{V1}/calls?q=2125550142")
    (found,) = recent.latest(acme) or []
    assert (found.method, found.path, found.status) == ("GET", f"{V1}/calls", 200)
    assert found.caller == "API key Warehouse"


def test_a_request_without_a_valid_key_is_among_the_recent_ones(
    acme: Organization, program: ProgramFactory
) -> None:
    known = program(acme)
    known.get(f"{V1}/agents")
    for _ in range(recent.KEPT_STRANGERS + 5):
        CanaryClient(acme.host).get(f"{V1}/calls?q=5550142")
    found = recent.latest(acme) or []
    assert len(found) == recent.KEPT_STRANGERS + 1
    assert {(one.caller, one.path, one.status) for one in found} == {
        ("API key Warehouse", f"{V1}/agents", 200), ("", f"{V1}/calls", 401),
    }  # fmt: skip


def test_recent_requests_are_few(
    acme: Organization, program: ProgramFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "KEPT", 3)
    client = program(acme)
    for _ in range(5):
        client.get(f"{V1}/agents")
    assert len(recent.latest(acme) or []) == 3
    assert get_redis_connection().llen(f"api-recent:{acme.pk}") == 3


# --- Deprecation ---------------------------------------------------------------------------------


def test_what_will_go_is_told_early() -> None:
    told = Deprecation(
        datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), "/docs/v2"
    )
    response = HttpResponse()
    told.announce(response)
    assert response.headers["Deprecation"] == "@1767225600"
    assert response.headers["Sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"
    assert response.headers["Link"] == '</docs/v2>; rel="deprecation"'


# --- The document --------------------------------------------------------------------------------


@pytest.mark.parametrize("urlconf", document.FILES)
def test_the_kept_document_is_what_the_views_say(urlconf: str) -> None:
    """Write it anew with `make openapi`."""
    assert document.kept(urlconf).decode() == document.as_text(document.generated(urlconf))


def operations(urlconf: str) -> list[tuple[str, dict[str, Any]]]:
    paths = json.loads(document.kept(urlconf))["paths"]
    return [(f"{m} {path}", one) for path, item in paths.items() for m, one in item.items()]


@pytest.mark.parametrize("urlconf", document.FILES)
def test_every_operation_has_an_example_and_words(urlconf: str) -> None:
    for name, operation in operations(urlconf):
        answers = [a for s, a in operation["responses"].items() if s.startswith("2")]
        contents = [c for a in answers for c in a.get("content", {}).values()]
        is_file = any(c.get("schema", {}).get("format") == "binary" for c in contents)
        assert operation["summary"], name
        assert is_file or not contents or all("examples" in c for c in contents), name


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.__name__)
def test_examples_have_the_fields_that_are_answered(view: type[ApiView]) -> None:
    for operation in view.operations.values():
        if operation.gives is not None and hasattr(operation.gives, "names"):
            assert set(operation.example) == set(operation.gives.names())


TAKING = [
    (view, method)
    for view in ALL
    for method, operation in view.operations.items()
    if operation.takes is not None
]


@pytest.mark.parametrize(("view", "method"), TAKING, ids=lambda one: getattr(one, "__name__", one))
def test_what_the_documentation_shows_as_a_body_is_taken(view: type[ApiView], method: str) -> None:
    operation = view.operations[method]
    assert operation.takes is not None
    taken = operation.takes(data=operation.takes_example)
    assert taken.is_valid(), taken.errors


COLUMNS = {
    name
    for model in apps.get_models()
    for field in model._meta.concrete_fields
    for name in (field.name, field.attname)
}


@pytest.mark.parametrize(("view", "method"), TAKING, ids=lambda one: getattr(one, "__name__", one))
def test_no_column_that_a_body_does_not_name_is_taken(view: type[ApiView], method: str) -> None:
    """Mass assignment: each column of each table, in each body."""
    operation = view.operations[method]
    assert operation.takes is not None
    others = COLUMNS - set(operation.takes().fields)
    assert len(others) > 200
    for name in sorted(others):
        taken = operation.takes(data={**operation.takes_example, name: "1"})
        assert not taken.is_valid()
        assert [error.code for error in taken.errors[name]] == ["unknown"]


def test_every_scope_opens_something() -> None:
    used = {operation.scope for view in ALL for operation in view.operations.values()}
    assert set(TABLE) - used == {Scope.PERSONAL_READ}


# --- Resources -----------------------------------------------------------------------------------


@pytest.mark.parametrize("view", [v for v in ALL if v.is_list and "GET" in v.operations])
def test_every_list_answers(world: World, program: ProgramFactory, view: type[ApiView]) -> None:
    is_operator = view.__module__.startswith("operations.")
    urlconf = "config.urls_api_operator" if is_operator else "config.urls_api"
    path = next(
        str(pattern.pattern)
        for included in get_resolver(urlconf).url_patterns
        for pattern in getattr(included, "url_patterns", [])
        if getattr(pattern.callback, "cls", None) is view
    )
    with organization_context(world.acme):  # for the list that is of one of them
        owner = Subscription.objects.create(
            url="https://x.example/", topics=[], secret_encrypted=b""
        )
    path = path.replace("<uuid:subscription_id>", str(owner.pk))
    answer = program(None if is_operator else world.acme).get(f"{V1}/{path}")
    assert answer.status_code == 200
    assert answer.json().keys() == {"data", "next", "previous"}


def test_an_agent_is_renamed(acme: Organization, program: ProgramFactory) -> None:
    with organization_context(acme):
        agent = Agent.objects.create(retell_agent_id="agent_1")
    answer = program(acme).patch(
        f"{V1}/agents/{agent.pk}", '{"name": "Desk"}', content_type="application/json"
    )
    assert answer.json()["name"] == "Desk"


def test_the_last_admin_stays(world: World, program: ProgramFactory) -> None:
    answer = program(world.acme).delete(f"{V1}/users/{world.people.alice.pk}")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "last-admin")


def test_a_member_of_another_organization_is_not_there(
    world: World, program: ProgramFactory
) -> None:
    client = program(world.acme)
    assert client.get(f"{V1}/users/{world.people.charlie.pk}").status_code == 404
    assert client.delete(f"{V1}/users/{world.people.charlie.pk}").status_code == 404


def test_an_organization_is_suspended_and_resumed(world: World, program: ProgramFactory) -> None:
    client = program(None)
    url = f"{V1}/organizations/{world.globex.pk}"
    assert post(client, f"{url}/suspend", {"reason": "Late"}).json()["status"] == "suspended"
    assert post(client, f"{url}/suspend", {}).status_code == 409
    assert post(client, f"{url}/resume", {}).json()["status"] == "active"


def test_an_export_is_asked_for_with_the_filters_of_the_list(
    acme: Organization, program: ProgramFactory
) -> None:
    answer = post(program(acme), f"{V1}/exports?direction=inbound", {"format": "csv"})
    assert answer.status_code == 202
    assert answer.json()["filters"] == ["Direction is Inbound"]
    assert re.search(r"/api/v1/exports/[0-9a-f-]{36}$", answer.headers["Location"])


def test_an_export_of_chats_takes_their_filters_and_columns(
    acme: Organization, program: ProgramFactory
) -> None:
    client = program(acme)
    answer = post(client, f"{V1}/exports/chats?status=ended", {"format": "csv"})
    assert (answer.status_code, answer.json()["subject"]) == (202, "chats")
    assert "chat_id" in answer.json()["columns"]
    assert (
        post(client, f"{V1}/exports/chats?direction=inbound", {"format": "csv"}).status_code == 400
    )
    wish = {"format": "csv", "columns": ["from_number"]}
    assert post(client, f"{V1}/exports/chats", wish).status_code == 400


def test_an_export_of_another_key_is_not_there(acme: Organization, program: ProgramFactory) -> None:
    made = post(program(acme, Scope.EXPORTS), f"{V1}/exports", {"format": "csv"}).json()
    answer = program(acme, Scope.EXPORTS).get(f"{V1}/exports/{made['id']}")
    assert answer.status_code == 404


def test_whole_numbers_take_the_scope(acme: Organization, program: ProgramFactory) -> None:
    wish = {"format": "csv", "numbers": "whole"}
    with_it = program(acme, Scope.EXPORTS, Scope.PERSONAL_READ)
    without = program(acme, Scope.EXPORTS)
    assert post(with_it, f"{V1}/exports", wish).json()["numbers"] == "whole"
    refused = post(without, f"{V1}/exports", wish)
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["field"] == "numbers"


def test_an_export_that_is_only_answered_again_is_not_counted(
    acme: Organization, program: ProgramFactory, settings: Any
) -> None:
    settings.EXPORT_LIMIT = "2/h"
    client = program(acme)
    for _ in range(4):
        answer = post(client, f"{V1}/exports", {"format": "csv"}, idempotency_key="one")
        assert answer.status_code == 202
    assert post(client, f"{V1}/exports", {"format": "doc"}).status_code == 400
    assert post(client, f"{V1}/exports", {"format": "csv"}).status_code == 202
    refused = post(client, f"{V1}/exports", {"format": "csv"})
    assert refused.status_code == 429
    assert '"api-writes"' in refused.headers["RateLimit"]
    assert '"exports";r=0' in refused.headers["RateLimit"]


def test_what_would_narrow_a_replay_and_does_not_is_refused(
    acme: Organization, program: ProgramFactory
) -> None:
    client = program(acme)
    replay = f"{V1}/deliveries/replay?verdict=quarantined"
    assert post(client, f"{replay}&limit=5", {}).status_code == 400
    assert post(client, replay, {"verdict": "failed"}).status_code == 400
    assert post(client, f"{V1}/exports?limit=5", {"format": "csv"}).status_code == 400


def test_numbers_in_reasons_are_masked_in_the_audit_log(
    acme: Organization, program: ProgramFactory
) -> None:
    with organization_context(acme):
        record(CLASSIFIED, "call_1", reason="it is +12125550111")
        record(CLASSIFIED, "of (212) 555-0111", changes={"note": ["", "212-555-0111"]})
    for scopes, is_whole in (((), True), ((Scope.AUDIT_READ,), False)):
        text = program(acme, *scopes).get(f"{V1}/audit?limit=5").content.decode()
        assert ("+12125550111" in text, "(212) 555-0111" in text) == (is_whole, is_whole)
        assert "0111" in text


def test_half_a_character_is_refused_in_every_body(
    acme: Organization, program: ProgramFactory
) -> None:
    """Nothing could send it back, and answers to bad input tell what was bad."""
    bodies = [r'{"\ud800": 1}', r'{"format": "\ud800"}', r'{"email": "\ud800"}']
    for url in ("exports", "invitations", "token", "subscriptions"):
        for body in bodies:
            client = program(acme)
            answer = client.post(f"{V1}/{url}", body, content_type="application/json")
            assert (answer.status_code, answer.json()["status"]) == (400, 400)


def test_a_body_that_is_too_large_is_a_problem_document(
    acme: Organization, program: ProgramFactory, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = post(program(acme), f"{V1}/invitations", {"email": "a" * 200})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:switchboard:problem:too-large")


def test_errors_outside_of_views_are_readable_to_pages_that_may_ask(
    acme: Organization, program: ProgramFactory
) -> None:
    allowed = "https://crm.example.com"
    with door():
        AccessPolicy.objects.update_or_create(
            organization=acme, defaults={"api_origins": [allowed]}
        )
    for path in ("/nothing", "/calls/x", "/calls?limit=0"):
        answer = program(acme).get(V1 + path, headers={"origin": allowed})
        assert answer.headers["Access-Control-Allow-Origin"] == allowed, path
        foreign = program(acme).get(V1 + path, headers={"origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in foreign.headers


def test_a_change_is_answered_with_the_version_that_it_made(
    acme: Organization, program: ProgramFactory
) -> None:
    with organization_context(acme):
        agent = Agent.objects.create(
            retell_agent_id="agent_1", name="Desk", synced_at=timezone.now()
        )
    client, url = program(acme), f"{V1}/agents/{agent.pk}"
    tag = ""
    for name in ("One", "Two"):
        body = json.dumps({"name": name})
        headers = {"if-match": tag} if tag else {}
        changed = client.patch(url, body, content_type="application/json", headers=headers)
        assert changed.status_code == 200
        tag = changed.headers["ETag"]
        with organization_context(acme):
            Agent.objects.update(synced_at=timezone.now())  # no change


def test_usage_takes_days_or_a_period_and_agents_by_either_id(
    acme: Organization, program: ProgramFactory
) -> None:
    with organization_context(acme):
        agent = Agent.objects.create(retell_agent_id="agent_1")
    client = program(acme)
    days = "first=2026-11-01&last=2026-11-02"
    assert client.get(f"{V1}/usage?period=7d&{days}").status_code == 400
    assert client.get(f"{V1}/usage?period=custom&{days}").status_code == 200
    for name in (agent.pk, "agent_1"):
        assert client.get(f"{V1}/usage?agent={name}").status_code == 200
    assert client.get(f"{V1}/usage?agent=agent_2").status_code == 400


def test_a_cursor_of_usage_counts_with_its_days_only(program: ProgramFactory, world: World) -> None:
    client = program(None)
    page = client.get(f"{V1}/usage?limit=1&first=2026-11-01").json()
    other = page["next"].replace("first=2026-11-01", "first=2026-10-01")
    assert client.get(page["next"]).status_code == 200
    assert client.get(other).json()["type"] == "urn:switchboard:problem:invalid-cursor"
    assert client.get(f"{V1}/usage?first=2026-11-07&last=2026-11-01").status_code == 400
    assert client.get(f"{V1}/usage?first=20261101").status_code == 400


def test_webhook_urls_take_more_than_reading(program: ProgramFactory, world: World) -> None:
    reading = program(None, Scope.ORGANIZATIONS_READ)
    both = program(None, Scope.ORGANIZATIONS_READ, Scope.ORGANIZATIONS_WRITE)
    for path in ("/organizations", f"/organizations/{world.acme.pk}"):
        assert reading.get(f"{V1}{path}?include=webhook_urls").status_code == 403
        assert both.get(f"{V1}{path}?include=webhook_urls").status_code == 200


def test_a_file_is_given_to_whatever_accepts_its_kind_and_once(
    acme: Organization, program: ProgramFactory
) -> None:
    client = program(acme)
    with organization_context(acme):
        exports.make_calls(2)
    url = f"{V1}/exports/{post(client, f'{V1}/exports', {'format': 'csv'}).json()['id']}"
    assert client.get(f"{url}/download").status_code == 409
    with organization_context(acme):
        exports.run(acme, Export.objects.get())
    whole = client.get(f"{url}/download", headers={"accept": "text/csv"})
    assert (whole.status_code, whole.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    size = int(whole.headers["Content-Length"])
    known = client.get(f"{url}/download", headers={"if-none-match": whole.headers["ETag"]})
    assert known.status_code == 304
    refused = client.get(f"{url}/download", headers={"range": f"bytes={size}-"})
    assert refused.json()["type"] == "urn:switchboard:problem:range-not-satisfiable"
    assert refused.headers["Content-Range"] == f"bytes */{size}"


def test_all_that_match_are_applied_again_as_a_job(
    acme: Organization, program: ProgramFactory
) -> None:
    client = program(acme)
    answer = post(client, f"{V1}/deliveries/replay?verdict=quarantined", {})
    assert (answer.status_code, answer.json()["kind"]) == (202, "replay")
    assert client.get(answer.headers["Location"]).json()["state"] == "queued"


def test_usage_is_that_of_the_overview(acme: Organization, program: ProgramFactory) -> None:
    with organization_context(acme):
        make_calls(3)
    day = f"{NOON:%Y-%m-%d}"
    client = program(acme, Scope.USAGE_READ)
    for by, rows in (("day", 1), ("hour", 24), ("agent", 1)):
        found = client.get(f"{V1}/usage?first={day}&last={day}&by={by}").json()
        assert found["total"]["calls"] == 3
        assert found["total"]["cost"] == {"amount": "3", "currency": "USD"}
        assert len(found["data"]) == rows
        assert sum(row["calls"] for row in found["data"]) == 3


@pytest.mark.parametrize(
    "query",
    ["first=x&last=y", "period=century", "by=week", "agent=x", "first=2026-01-02&last=2026-01-01"],
)
def test_usage_of_what_is_not_understood_is_refused(
    acme: Organization, program: ProgramFactory, query: str
) -> None:
    assert program(acme).get(f"{V1}/usage?{query}").status_code == 400


def test_usage_over_a_year_is_by_day(acme: Organization, program: ProgramFactory) -> None:
    found = program(acme).get(f"{V1}/usage?first=2025-01-01&last=2025-12-31").json()
    assert len(found["data"]) == 365
    assert found["data"][0]["start"] == "2025-01-01T00:00:00-05:00"
