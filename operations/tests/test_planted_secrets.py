"""Thirty secrets go through every app, through success and failure: none of them comes out.

The other end is a Sentry on this machine, spoken to over HTTP by the real SDK; the log is written
as in production. What a mail or an audit entry is about may stand in it; nothing else may.
"""

from __future__ import annotations

import io
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import httpx
import pytest
import sentry_sdk
from django.conf import settings as django_settings
from django.core import mail
from django.http import HttpRequest, HttpResponse
from django.urls import path

from accounts.actions import invitations
from accounts.models import Role
from agents.models import API_KEY_FIELD, ApiKeyState, RetellConnection
from audit.models import Entry
from calls import sql as calls_sql
from completeness import tasks as completeness_tasks
from config import logs, scrubbing, sentry, urls_organization
from config.middleware import RequestIdFilter
from exports import running
from exports.tests import helpers as exports
from tenants import each, encryption
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import KEYS, PASSWORD, ClientFactory, World
from testing.retell import body_of, post, sign
from testing.retell_api import API_KEYS, FaultyRetell, status
from testing.sentry_sink import SentrySink, running_sentry
from testing.servers import free_port
from testing.smtp import running_mail_server

HOST = "acme.localhost:8000"
PERSONAL = {
    "number that called": "+16195550142",
    "number that was called": "+442079460958",
    "number as people write it": "(619) 555-0187",
    "name of the caller": "Marguerite Oystercatcher",
    "address of the caller": "marguerite.o@callers.example",
    "transcript": "my card ends in forty two eleven",
    "summary": "Caller disputes the invoice about the greenhouse",
    "custom attribute": "diagnosis-hypertension",
    "metadata": "crm-contact-88-kingfisher",
    "dynamic variable": "appointment with doctor Wren",
    "link to a recording": "https://dxc03.cloudfront.net/rec.wav?Signature=Zm9vYmFyYmF6cXV4",
    "access token of a web call": "eyJhbGciOiJIUzI1NiJ9.eyJ2aWRlbyI6eyJyb29tIn0.c2lnbmF0dXJl",
    "note": "wants a refund, was rude to Peregrine",
    "search": "Oystercatcher greenhouse",
    "invited person": "new.person@invited.example",
}
CREDENTIALS = {
    "signing key": KEYS["acme"],
    "API key": API_KEYS["acme"],
    "API key that is typed": "key_typed_0f9e8d7c6b5a43",
    "signature": sign(b"{}").partition("d=")[2],
    "password": PASSWORD,
    "wrong password": "a wrong horse battery staple",
    "code": "recovery-7h3k-9x2m",
    "bearer token": "swb_Zr8Lq1Vn5Xw2Tk7Yb4Mc9Pd3Gh6Js0FeAbCdEf",
    "link in a mail": "Qm9va2luZ0xpbmtUb2tlbg-1234567890",
    "cookie": "sessioncookie0123456789abcdefsecret",
    "CSRF token": "csrf0123456789abcdefABCDEFsecretXYZ",
    "ticket": "eyJvIjoib3JnIn0:1vAbCd:c2lnbmVkLXRpY2tldC1oZXJl",
    "key of the installation": "the-secret-key-of-this-installation-0001",
    "password of the database": "pg-password-of-the-runtime-login",
    "password of the mail server": "smtp-password-of-the-product",
}
SECRETS = PERSONAL | CREDENTIALS


class OfALibrary(ValueError):
    """As parsers raise: it quotes what it could not read."""


OfALibrary.__module__ = "some_library.parsing"


def fails(request: HttpRequest) -> HttpResponse:
    """Everything that was sent is in a variable, and in the error."""
    body, cookies, headers = request.body.decode(), request.COOKIES, dict(request.headers)
    try:
        raise OfALibrary(f"cannot read {body} of {cookies} with {headers}")
    except ValueError as error:
        raise RuntimeError(
            f"no call of {PERSONAL['number that called']} with {CREDENTIALS['bearer token']}, "
            f"postgresql://app:{CREDENTIALS['password of the database']}@db/x"
        ) from error


urlpatterns = [path("fails/", fails), *urls_organization.urlpatterns]
handler400, handler403 = urls_organization.handler400, urls_organization.handler403
handler404, handler500 = urls_organization.handler404, urls_organization.handler500


@dataclass
class Watch:
    """What left: to Sentry, into the log, and (asked for at the end) to the audit log and mails."""

    sink: SentrySink
    log: io.StringIO = field(default_factory=io.StringIO)

    def found(self) -> dict[str, list[str]]:
        """Secret → where it came out."""
        places = {
            "Sentry": self.sink.text,
            "log": self.log.getvalue(),
            "audit log": _audit_text(),
            "mails": "\n".join(str(one.message()) for one in mail.outbox),
        }
        # To whom a mail goes, and who was invited, is what it and its entry are about.
        about = {("mails", "invited person"), ("audit log", "invited person")}
        return {
            name: where
            for name, secret in SECRETS.items()
            if (
                where := [
                    place
                    for place, text in places.items()
                    if (place, name) not in about and _stands_in(secret, text)
                ]
            )
        }


def _stands_in(secret: str, text: str) -> bool:
    escaped = json.dumps(secret)[1:-1]
    return secret in text or escaped in text or json.dumps(escaped)[1:-1] in text


def _audit_text() -> str:
    with platform():
        return "\n".join(
            str({f.name: getattr(entry, f.attname) for f in Entry._meta.concrete_fields})
            for entry in Entry.objects.all()
        )


@pytest.fixture
def watch(settings: Any) -> Iterator[Watch]:
    with running_sentry() as sink:
        settings.SENTRY_DSN = sink.dsn
        settings.SECRET_KEY = CREDENTIALS["key of the installation"]
        settings.EMAIL_HOST_PASSWORD = CREDENTIALS["password of the mail server"]
        scrubbing._own_secrets.cache_clear()
        watched = Watch(sink)
        handler = logging.StreamHandler(watched.log)
        handler.setFormatter(logs.JsonFormatter())
        handler.addFilter(RequestIdFilter())
        logging.getLogger().addHandler(handler)
        sentry.start()
        yield watched
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)
        logging.getLogger().removeHandler(handler)
        scrubbing._own_secrets.cache_clear()


# --- What everybody does -------------------------------------------------------------------------


def call_with_everything(call_id: str) -> bytes:
    return body_of(
        "call_analyzed", call_id,
        agent_id="agent_1", from_number=PERSONAL["number that called"],
        to_number=PERSONAL["number that was called"], transcript=PERSONAL["transcript"],
        call_analysis={
            "call_summary": PERSONAL["summary"],
            "custom_analysis_data": {"finding": PERSONAL["custom attribute"]},
        },
        metadata={"crm": PERSONAL["metadata"], "mail": PERSONAL["address of the caller"]},
        retell_llm_dynamic_variables={
            "why": PERSONAL["dynamic variable"], "name": PERSONAL["name of the caller"],
            "other": PERSONAL["number as people write it"],
        },
        recording_url=PERSONAL["link to a recording"],
        access_token=PERSONAL["access token of a web call"],
    )  # fmt: skip


def deliver(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Applied, in quarantine, forged, and one that cannot be applied."""
    assert post(world, call_with_everything("call_901")).status_code == 204
    assert post(world, call_with_everything("call_901")[:-3]).status_code == 204
    forged = post(world, b"{}", header=f"v=1,d={CREDENTIALS['signature']}")
    assert forged.status_code == 401

    def broken(*_arguments: Any, **_more: Any) -> list[Any]:
        raise OfALibrary(f"{PERSONAL['transcript']} of {PERSONAL['number that called']}")

    with monkeypatch.context() as patched:
        patched.setattr(calls_sql, "parameters", broken)
        assert post(world, call_with_everything("call_902")).status_code == 204


def browse(world: World, browser_of: ClientFactory) -> None:
    alice = browser_of(world.people.alice, world.acme)
    alice.raise_request_exception = False
    alice.cookies["extra"] = CREDENTIALS["cookie"]
    headers = {"Authorization": f"Bearer {CREDENTIALS['bearer token']}"}
    query = {"q": PERSONAL["search"], "csrfmiddlewaretoken": CREDENTIALS["CSRF token"]}
    assert alice.get("/calls/", query, headers=headers).status_code == 200
    assert alice.get("/nothing/", query, headers=headers).status_code == 404
    assert alice.get(f"/invitations/{CREDENTIALS['link in a mail']}/").status_code in (200, 404)
    values = {"number": PERSONAL["number that called"], "note": PERSONAL["note"]} | query
    values |= {"ticket": CREDENTIALS["ticket"]}
    assert alice.post("/fails/", values, headers=headers).status_code == 500


def sign_in_badly(browser_of: ClientFactory, world: World) -> None:
    nobody = browser_of(None, world.acme)
    for secret in (CREDENTIALS["wrong password"], PASSWORD):
        nobody.post("/sign-in/", {"email": "alice@example.com", "password": secret})
    nobody.post("/sign-in/code/", {"code": CREDENTIALS["code"]})


def connect(world: World, browser_of: ClientFactory, retell_api: FaultyRetell) -> None:
    """Keys are typed and refused; then Retell fails, and quotes the key."""
    alice = browser_of(world.people.alice, world.acme)
    typed = CREDENTIALS["API key that is typed"]
    alice.post("/settings/retell/api-key/", {"api_key": typed, "retell_api_key": typed})
    retell_api.fail(status(401, f"bad key {API_KEYS['acme']}"), times=50)
    with organization_context(world.acme):
        sealed = encryption.encrypt(
            API_KEYS["acme"], organization_id=world.acme.pk, field=API_KEY_FIELD
        )
        RetellConnection.objects.filter(pk=1).update(
            api_key_encrypted=sealed, api_key_state=ApiKeyState.OK
        )
    each.for_each_organization(completeness_tasks.compare_one)


def export_and_fail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OfALibrary(f"{PERSONAL['name of the caller']}: {PERSONAL['note']}")

    with organization_context(world.acme):
        exports.make_calls(2, from_number=PERSONAL["number that called"])
        exports.made(world.acme, world.people.alice)
        with monkeypatch.context() as patched:
            patched.setattr(running, "_note_completeness", broken)
            exports.run(world.acme, exports.asked(world.acme, world.people.alice))


def fail_for_each(world: World) -> None:
    def broken(_organization: object) -> None:
        raise KeyError(PERSONAL["summary"])

    with suppress(RuntimeError):
        each.for_each_organization(broken)


@pytest.fixture
def everything_happened(
    world: World,
    browser_of: ClientFactory,
    retell_api: FaultyRetell,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    watch: Watch,
) -> Watch:
    settings.ROOT_URLCONF = __name__
    # A job begins with connections of its own; here everything is in one transaction.
    monkeypatch.setattr(each, "close_old_connections", lambda: None)
    deliver(world, monkeypatch)
    browse(world, browser_of)
    sign_in_badly(browser_of, world)
    connect(world, browser_of, retell_api)
    export_and_fail(world, monkeypatch)
    fail_for_each(world)
    sentry_sdk.flush(5)
    return watch


def test_thirty_secrets_are_planted() -> None:
    assert len(SECRETS) == len(set(SECRETS.values())) == 30


def test_none_of_them_comes_out(everything_happened: Watch) -> None:
    assert everything_happened.found() == {}


def test_sentry_is_told_what_happened_where(everything_happened: Watch, world: World) -> None:
    events = everything_happened.sink.events
    (failed,) = [one for one in events if one["logger"] == "django.request"]
    kinds = [one["type"] for one in failed["exception"]["values"]]
    assert kinds == ["OfALibrary", "RuntimeError"]
    frame = failed["exception"]["values"][0]["stacktrace"]["frames"][-1]
    assert (frame["function"], "vars" in frame) == ("fails", False)
    assert failed["release"] == django_settings.RELEASE
    assert failed["environment"] == "test"
    assert failed["tags"]["organization"] == world.acme.schema_name
    assert len(failed["tags"]["request_id"]) == 32
    assert not {"request", "user", "breadcrumbs", "modules", "extra"} & set(failed)
    (delivery,) = [one for one in events if one["logger"] == "webhooks.actions"]
    assert delivery["tags"]["delivery"]
    assert {"jobs.actions", "tenants.each"} <= {one["logger"] for one in events}


def test_the_log_carries_the_same_reference(everything_happened: Watch) -> None:
    lines = [json.loads(line) for line in everything_happened.log.getvalue().splitlines()]
    (failed,) = [line for line in lines if line["logger"] == "django.request"]
    (event,) = [e for e in everything_happened.sink.events if e["logger"] == "django.request"]
    assert failed["request"] == event["tags"]["request_id"]
    assert failed["organization"] == event["tags"]["organization"]
    assert "OfALibrary" in failed["exception"]


def _unscrubbed(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
    for module in modules:
        monkeypatch.setattr(module, "error_text", str)
    monkeypatch.setattr(logs, "clean", lambda text: text)


def test_without_scrubbing_this_test_would_fail(
    world: World,
    browser_of: ClientFactory,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    watch: Watch,
) -> None:
    settings.ROOT_URLCONF = __name__
    _unscrubbed(monkeypatch, logs, sentry)
    browse(world, browser_of)
    sentry_sdk.flush(5)
    found = watch.found()
    for name in (
        "number that called",
        "note",
        "cookie",
        "bearer token",
        "password of the database",
    ):
        assert found[name] == ["Sentry", "log"]


# --- The real processes --------------------------------------------------------------------------


def _environment(sink: SentrySink, **changed: str) -> dict[str, str]:
    return os.environ | {
        "SENTRY_DSN": sink.dsn, "LOG_FORMAT": "json", "RELEASE": "switchboard@test",
        **changed,
    }  # fmt: skip


def _until(sink: SentrySink, running: subprocess.Popen[bytes], **tags: str) -> dict[str, Any]:
    """The first event with these tags; the process is ended then."""
    deadline = time.monotonic() + 180
    try:
        while time.monotonic() < deadline:
            for event in list(sink.events):
                if tags.items() <= event["tags"].items():
                    return event
            time.sleep(0.1)
    finally:
        running.terminate()
        running.wait(timeout=20)
    raise AssertionError(f"Sentry was not told of {tags}")


def _records(log: str) -> list[dict[str, Any]]:
    """Every line is a record, whoever wrote it."""
    return [json.loads(line) for line in log.splitlines()]


def test_a_mail_that_the_worker_cannot_send(committed: World, tmp_path: Any) -> None:
    """The server quotes the mail in its refusal; Sentry and the log hear what failed."""
    log = tmp_path / "log"
    person = PERSONAL["invited person"]
    with running_sentry() as sink, running_mail_server() as server, log.open("wb") as output:
        server.refusals += [f"550 5.7.1 {person} {PERSONAL['name of the caller']}"] * 20
        invitations.invite(
            committed.acme, email=person, role=Role.VIEWER, invited_by="alice@example.com",
            by_mail=True,
        )  # fmt: skip
        url = f"smtp://127.0.0.1:{server.port}"
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            env=_environment(sink, EMAIL_URL=url), cwd=django_settings.BASE_DIR,
            stdout=output, stderr=output,
        )  # fmt: skip
        event = _until(sink, worker, process="worker", task="accounts.send_invitation")
    assert event["release"] == "switchboard@test"
    assert len(event["tags"]["request_id"]) == 32
    text = sink.text + log.read_text()
    assert not [name for name, secret in PERSONAL.items() if _stands_in(secret, text)]
    assert any(record["logger"] == "operations.jobs" for record in _records(log.read_text()))


LIVE = """
import sys, uvicorn
async def application(scope, receive, send):
    heard = dict(scope["headers"])
    raise RuntimeError(f"cannot answer {heard}")
def loaded():
    import config.asgi
    return application
uvicorn.run(loaded, factory=True, port=int(sys.argv[1]), lifespan="off",
            log_config="config/server_logs.json", log_level="warning")
"""
WEB = """
import sys, config.wsgi
raise ValueError(sys.argv[1])
"""


def test_live_fails_as_quietly(tmp_path: Any) -> None:
    log, port = tmp_path / "log", free_port()
    with running_sentry() as sink, log.open("wb") as output:
        live = subprocess.Popen(
            [sys.executable, "-c", LIVE, str(port)],
            env=_environment(sink), cwd=django_settings.BASE_DIR, stdout=output, stderr=output,
        )  # fmt: skip
        _wait_for(port)
        cookie = f"switchboard_session={CREDENTIALS['cookie']}"
        answer = httpx.get(f"http://127.0.0.1:{port}/live/", headers={"Cookie": cookie})
        event = _until(sink, live, process="live")
    assert answer.status_code == 500
    assert event["exception"]["values"][-1]["type"] == "RuntimeError"
    assert CREDENTIALS["cookie"] not in sink.text + log.read_text()
    assert any(record["logger"] == "uvicorn.error" for record in _records(log.read_text()))


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError("nobody listens")


def test_an_error_that_ends_a_process_is_one_record() -> None:
    with running_sentry() as sink:
        ended = subprocess.run(
            [sys.executable, "-c", WEB, PERSONAL["transcript"]],
            env=_environment(sink), cwd=django_settings.BASE_DIR, capture_output=True, text=True,
            check=False, timeout=180,
        )  # fmt: skip
    (event,) = sink.events
    assert (event["tags"]["process"], event["level"]) == ("web", "fatal")
    (record,) = _records(ended.stderr)
    assert record["exception"].endswith("builtins.ValueError")
    assert PERSONAL["transcript"] not in sink.text + ended.stderr + ended.stdout


@pytest.mark.parametrize("dsn", ["nonsense", "https://sentry.example.com/1", "https://k@host/x"])
def test_a_dsn_that_cannot_work_is_refused_at_the_start(dsn: str) -> None:
    started = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env=os.environ | {"SENTRY_DSN": dsn}, cwd=django_settings.BASE_DIR, capture_output=True,
        text=True, check=False, timeout=180,
    )  # fmt: skip
    assert started.returncode != 0
    assert "SENTRY_DSN must look like" in started.stderr
    assert dsn not in started.stderr
