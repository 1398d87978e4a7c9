"""The API of the running product: many requests at once, and a client made from its document."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from accounts.models import ApiKey, Invitation
from calls.tests.records import make_calls
from config.api import document
from exports.models import Export
from exports.running import run
from jobs.actions import Progress
from jobs.models import Job
from operations.tests.test_worker import QUEUES, running_worker, signs, until
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import door, platform
from testing.api import key_of
from testing.fixtures import World
from testing.organizations import drop_organization
from testing.retell import body_of, receive
from testing.servers import Servers
from webhooks.models import Delivery

AT_ONCE = 50


@pytest.fixture
def key(committed: World) -> Iterator[str]:
    made = key_of(committed.acme)
    yield made.text
    with door():
        ApiKey.objects.filter(pk=made.row.pk).delete()


def _invite(servers: Servers, key: str, answers: list[tuple[int, str]]) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{servers.web_port}/api/v1/invitations",
        data=json.dumps({"email": "dora@example.com", "role": "org_viewer"}).encode(),
        headers={
            "Host": f"acme.localhost:{servers.web_port}",
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Idempotency-Key": "one-of-fifty",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own address
        answers.append((answer.status, json.load(answer)["id"]))


def test_fifty_at_once_with_one_idempotency_key_have_one_effect(
    committed: World, servers: Servers, key: str
) -> None:
    answers: list[tuple[int, str]] = []
    threads = [
        threading.Thread(target=_invite, args=(servers, key, answers)) for _ in range(AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == AT_ONCE
    assert len(set(answers)) == 1
    with door():
        made = Invitation.objects.filter(email="dora@example.com")
        assert [(201, str(row.pk)) for row in made] == [answers[0]]
        made.delete()


@pytest.fixture
def operator_key(committed: World) -> Iterator[str]:
    made = key_of(None)
    yield made.text
    with platform():
        ApiKey.objects.filter(pk=made.row.pk).delete()


@pytest.fixture
def maple() -> Iterator[str]:
    """The name of an organization that is not there yet, and is dropped afterwards."""
    yield "maple-by-api"
    with platform():
        made = Organization.objects.filter(slug="maple-by-api").values_list(
            "schema_name", flat=True
        )
        schemas = list(made)
    for schema in schemas:
        drop_organization(schema)


def test_an_organization_is_made_and_answers(
    servers: Servers, operator_key: str, maple: str
) -> None:
    """By the worker, as the owner. Asked twice, because the first answer may have been lost."""
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{servers.web_port}/api/v1",
        headers={
            "Host": f"localhost:{servers.web_port}", "Authorization": f"Bearer {operator_key}",
            "Idempotency-Key": "maple",
        },
        timeout=120,
    )  # fmt: skip
    wish = {"name": "Maple Dental", "slug": maple, "admin_email": "office@maple.example"}
    with client, running_worker():
        until(lambda: signs() == QUEUES)
        first, again = (client.post("/organizations", json=wish) for _ in range(2))
        assert first.status_code == 201, first.text
        assert again.json() == first.json()
        assert (first.json()["status"], first.json()["slug"]) == ("active", maple)
        made = client.get(
            f"/organizations/{first.json()['id']}", params={"include": "webhook_urls"}
        ).json()
        other = client.post("/organizations", json=wish, headers={"Idempotency-Key": "other"})
    assert other.status_code == 409
    path = made["webhook_urls"][0].partition("/webhooks/")[2]
    refused = httpx.post(
        f"http://127.0.0.1:{servers.web_port}/webhooks/{path}", content=b"{}", timeout=60
    )
    assert refused.status_code == 401  # it is known; the body is not signed
    with door():
        assert Invitation.objects.filter(email="office@maple.example").exists()


# --- A client that a generator makes of the document ---------------------------------------------


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a package that `openapi-python-client` wrote."""
    folder = tmp_path_factory.mktemp("client")
    program = Path(sys.executable).parent / "openapi-python-client"
    subprocess.run(
        [
            program, "generate", "--path", document.FOLDER / "openapi.json", "--meta", "none",
            "--output-path", folder / "generated_client",
        ],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    sys.path.insert(0, str(folder))
    yield "generated_client"
    sys.path.remove(str(folder))


class Generated:
    """A signed-in client of one organization, and its operations by name."""

    def __init__(self, package: str, servers: Servers, key: str) -> None:
        self.package = package
        client = importlib.import_module(f"{package}.client")
        self.client = client.AuthenticatedClient(
            base_url=f"http://127.0.0.1:{servers.web_port}",
            token=key,
            headers={"Host": f"acme.localhost:{servers.web_port}"},
        )

    def close(self) -> None:
        self.client.get_httpx_client().close()

    def do(self, tag: str, name: str, *args: Any, **options: Any) -> Any:
        operation = importlib.import_module(f"{self.package}.api.{tag}.{name}")
        return operation.sync_detailed(*args, client=self.client, **options)

    def model(self, name: str) -> Any:
        return getattr(importlib.import_module(f"{self.package}.models"), name)


def _finish_exports(world: World) -> None:
    """As the worker would."""
    with organization_context(world.acme):
        for export in Export.objects.filter(finished_at=None):
            job = Job.objects.get(pk=export.job_id)
            run(Progress(job, world.acme))


def test_a_generated_client_reads_exports_and_replays(
    committed: World, servers: Servers, key: str, generated: str
) -> None:
    with organization_context(committed.acme):
        make_calls(3)
    receive(committed, body_of("call_ended", "call_new"))
    client = Generated(generated, servers, key)

    page = client.do("calls", "list_calls", limit=2).parsed
    assert len(page.data) == 2
    assert client.do("calls", "get_call", page.data[0].id).parsed.id == page.data[0].id

    wish = client.model("WishRequest").from_dict({"format": "csv"})
    asked = client.do("exports", "ask_for_export", body=wish, idempotency_key=str(uuid4())).parsed
    _finish_exports(committed)
    assert client.do("exports", "get_export", asked.id).parsed.state == "ready"
    file = client.do("exports", "download_export", asked.id)
    assert (file.status_code, file.content.count(b"call_")) == (200, 4)

    with organization_context(committed.acme):
        delivery = Delivery.objects.get()
    replayed = client.do("deliveries", "replay_delivery", delivery.pk).parsed
    assert (replayed.id, replayed.state) == (delivery.pk, "applied")
    client.close()
