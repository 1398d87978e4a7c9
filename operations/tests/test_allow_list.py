"""Who reaches the operator host: by the list, at the door, before anything else is looked at."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext, override_settings

from audit.models import Entry
from config.networks import TrustedProxies, parse_network
from operations import allow_list
from operations.models import AllowedNetwork
from tenants.scope import platform
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.retell import body_of, post

OFFICE, OUTSIDE = "203.0.113.7", "198.51.100.1"
ADMIN = "/admin/operations/allowednetwork/"


def allow(*cidrs: str) -> None:
    """Rows as the actions write them, read at the next request."""
    with platform():
        AllowedNetwork.objects.bulk_create(AllowedNetwork(cidr=cidr) for cidr in cidrs)
    allow_list.cache.clear()


def listed() -> list[str]:
    with platform():
        return list(AllowedNetwork.objects.values_list("cidr", flat=True))


def status(address: str, path: str = "/sign-in/", host: str = "localhost", **extra: Any) -> int:
    response = CanaryClient(host).get(path, REMOTE_ADDR=address, **extra)
    return int(response.status_code)


# --- At the door ---------------------------------------------------------------------------------


def test_without_a_list_every_address_reaches_the_operator_host(world: World) -> None:
    assert {status(address) for address in (OFFICE, OUTSIDE, "2001:db8::1", "")} == {200}


@pytest.mark.parametrize(
    ("cidr", "address", "expected"),
    [
        ("203.0.113.0/24", OFFICE, 200),
        ("203.0.113.0/24", "::ffff:203.0.113.7", 200),
        ("203.0.113.0/24", OUTSIDE, 403),
        ("203.0.113.0/24", "::ffff:198.51.100.1", 403),
        ("203.0.113.0/24", "2001:db8::1", 403),
        ("203.0.113.0/24", "", 403),
        ("0.0.0.0/0", "", 403),
        ("0.0.0.0/0", "2001:db8::1", 403),
        ("2001:db8::/32", "2001:db8:0:1::1", 200),
        ("2001:db8::/32", "2001:db9::1", 403),
        ("::/0", "::ffff:203.0.113.7", 403),
    ],
)
def test_with_a_list_only_its_networks_do(
    world: World, cidr: str, address: str, expected: int
) -> None:
    allow(cidr)
    assert status(address) == expected


PATHS = ["/", "/sign-in/", "/admin/", "/admin/login/", "/no-such-page/", "/static/no-such-file.css"]


@pytest.mark.parametrize("path", [*PATHS, "/webhooks/", "/healthy/", "/organizations/new/"])
def test_every_path_of_the_operator_host_is_refused(world: World, path: str) -> None:
    allow("203.0.113.0/24")
    for host in ("localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:8000", "localhost."):
        assert status(OUTSIDE, path, host) == 403


def test_a_post_is_refused_before_its_token_is_asked_for(world: World) -> None:
    allow("203.0.113.0/24")
    client = CanaryClient("localhost", enforce_csrf_checks=True)
    assert b"Not from this network" in client.post("/sign-in/", REMOTE_ADDR=OUTSIDE).content


def test_webhooks_health_and_static_files_are_open_to_all(world: World) -> None:
    allow("203.0.113.0/24")
    style = CanaryClient("localhost").head("/static/app.css", REMOTE_ADDR=OUTSIDE)
    assert style.status_code == 200  # the refusal itself needs it
    assert status(OUTSIDE, "/health") == 200
    assert post(world, body_of(call_id="call_1"), host="localhost").status_code == 204


def test_organizations_hosts_are_open_to_all(world: World) -> None:
    allow("203.0.113.0/24")
    assert status(OUTSIDE, host="acme.localhost") == 200
    assert status(OUTSIDE, host="nobody.localhost") == 404


def test_a_forged_header_does_not_open_the_door(world: World) -> None:
    allow("203.0.113.0/24")
    assert status(OUTSIDE, HTTP_X_FORWARDED_FOR=OFFICE) == 403
    with override_settings(TRUSTED_PROXIES=TrustedProxies((parse_network("10.0.0.1"),))):
        assert status("10.0.0.1", HTTP_X_FORWARDED_FOR=f"{OFFICE}, {OUTSIDE}") == 403
        assert status("10.0.0.1", HTTP_X_FORWARDED_FOR=f"{OUTSIDE}, {OFFICE}") == 200


def test_the_refusal_says_whose_address_and_what_to_do(world: World) -> None:
    allow("203.0.113.0/24")
    response = CanaryClient("localhost").get("/", REMOTE_ADDR="::ffff:198.51.100.1")
    page = response.content.decode()
    assert f'your address is <span class="mono">{OUTSIDE}</span>' in page
    assert f"<code>manage.py ip_allowlist add {OUTSIDE}</code>" in page
    assert response.headers["Cache-Control"] == "no-store"
    assert "203.0.113.0" not in page


def test_the_refusal_of_an_unknown_address_says_so(world: World) -> None:
    allow("203.0.113.0/24")
    page = CanaryClient("localhost").get("/", REMOTE_ADDR="").content.decode()
    assert "could not be found out" in page


def test_the_list_is_asked_as_soon_as_the_host_is_known() -> None:
    found = settings.MIDDLEWARE.index("tenants.middleware.HostMiddleware")
    assert settings.MIDDLEWARE[found + 1] == "operations.middleware.AllowListMiddleware"


def test_a_refusal_looks_at_no_session(world: World, browser_of: ClientFactory) -> None:
    """Not even an operator's: the list is read, and nothing else."""
    allow("203.0.113.0/24")
    sam = browser_of(world.people.sam)
    with CaptureQueriesContext(connection) as queries:
        assert sam.get("/", REMOTE_ADDR=OUTSIDE).status_code == 403
    read = [query["sql"] for query in queries if "SELECT" in query["sql"]]
    assert len(read) == 1
    assert "operations_allowednetwork" in read[0]


def test_a_damaged_row_opens_nothing(world: World) -> None:
    allow("everyone")
    assert status(OFFICE) == 403


# --- The few seconds that a process may remember -------------------------------------------------


def test_the_list_is_read_once_in_a_while(world: World) -> None:
    status(OFFICE)
    with CaptureQueriesContext(connection) as queries:
        assert {status(OFFICE), status(OUTSIDE)} == {200}
    assert not [query for query in queries if "allowednetwork" in query["sql"]]


def test_a_change_holds_within_seconds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert allow_list.CACHE_SECONDS <= 5
    monkeypatch.setattr(allow_list, "CACHE_SECONDS", 0.2)
    assert status(OUTSIDE) == 200
    with platform():
        AllowedNetwork.objects.create(cidr="203.0.113.0/24")
    assert status(OUTSIDE) == 200
    time.sleep(0.25)
    assert status(OUTSIDE) == 403


@pytest.fixture
def database_away(committed: World, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing answers at the database's port until the patch is undone."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    return monkeypatch


def test_without_the_database_nobody_gets_in(database_away: pytest.MonkeyPatch) -> None:
    client = CanaryClient("localhost", raise_request_exception=False)
    response = client.get("/no-such-page/", REMOTE_ADDR=OUTSIDE)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    database_away.undo()
    assert client.get("/no-such-page/", REMOTE_ADDR=OUTSIDE).status_code == 404


# --- In the admin --------------------------------------------------------------------------------


@pytest.fixture
def sam(world: World, browser_of: ClientFactory) -> CanaryClient:
    """The operator, in the office."""
    client = browser_of(world.people.sam)
    client.defaults["REMOTE_ADDR"] = OFFICE
    return client


def send(client: CanaryClient, path: str, **fields: str) -> str:
    """The page after a form was sent."""
    allow_list.cache.clear()
    response = client.post(f"{ADMIN}{path}", fields, follow=True)
    assert response.status_code == 200
    page: str = response.content.decode()
    return page


def pk(cidr: str) -> int:
    with platform():
        return AllowedNetwork.objects.get(cidr=cidr).pk


def test_an_operator_allows_their_own_network(world: World, sam: CanaryClient) -> None:
    send(sam, "add/", cidr="::ffff:203.0.113.0/120", note="Office")
    with platform():
        entry = AllowedNetwork.objects.get()
        audited = Entry.objects.get(code="operations.network_allowed")
    assert (entry.cidr, entry.note) == ("203.0.113.0/24", "Office")
    assert entry.created_by == audited.actor_label == world.people.sam.audit_label
    assert (audited.actor_id, audited.remote_addr) == (world.people.sam.pk, OFFICE)


def test_the_form_says_where_one_is(sam: CanaryClient) -> None:
    page = sam.get(f"{ADMIN}add/").content.decode()
    assert f"You are at {OFFICE}." in page
    assert "Created" not in page  # nothing was, yet


@pytest.mark.parametrize("address", [OFFICE, "::ffff:203.0.113.7", "2001:db8::7", ""])
def test_nobody_starts_a_list_without_themselves(sam: CanaryClient, address: str) -> None:
    sam.defaults["REMOTE_ADDR"] = address
    page = send(sam, "add/", cidr="198.51.100.0/24")
    assert "Nothing was changed: your own address" in page
    assert listed() == []


def test_with_oneself_on_the_list_others_may_follow(sam: CanaryClient) -> None:
    allow("203.0.113.0/24")
    send(sam, "add/", cidr="198.51.100.0/24")
    assert listed() == ["198.51.100.0/24", "203.0.113.0/24"]


def test_nobody_changes_their_own_network_away(sam: CanaryClient) -> None:
    allow("203.0.113.0/24", "198.51.100.0/24")
    page = send(sam, f"{pk('203.0.113.0/24')}/change/", cidr="203.0.113.128/25")
    assert f"your own address, {OFFICE}, would no longer reach these pages" in page
    assert listed() == ["198.51.100.0/24", "203.0.113.0/24"]


def test_a_change_that_keeps_oneself_is_saved(sam: CanaryClient) -> None:
    allow("203.0.113.0/24")
    send(sam, f"{pk('203.0.113.0/24')}/change/", cidr="203.0.113.0/25", note="Smaller")
    assert listed() == ["203.0.113.0/25"]


def test_nobody_deletes_their_own_network_while_others_are_listed(sam: CanaryClient) -> None:
    allow("203.0.113.0/24", "198.51.100.0/24")
    page = send(sam, f"{pk('203.0.113.0/24')}/delete/", post="yes")
    assert f"your own address, {OFFICE}, would no longer reach these pages" in page
    assert listed() == ["198.51.100.0/24", "203.0.113.0/24"]


def test_anothers_network_and_the_last_one_are_deleted(sam: CanaryClient) -> None:
    allow("203.0.113.0/24", "198.51.100.0/24")
    for cidr in ("198.51.100.0/24", "203.0.113.0/24"):
        send(sam, f"{pk(cidr)}/delete/", post="yes")
    assert listed() == []


def test_many_at_once_cannot_be_deleted(sam: CanaryClient) -> None:
    allow("203.0.113.0/24", "198.51.100.0/24")
    chosen = str(pk("198.51.100.0/24"))
    send(sam, "", action="delete_selected", _selected_action=chosen, post="yes")
    assert len(listed()) == 2


@pytest.mark.parametrize(
    ("cidr", "sentence"),
    [
        ("office", "“office” is neither an address nor a network"),
        ("203.0.113.7/24", "Write 203.0.113.0/24 for the whole network"),
        ("fe80::1%eth0", "is neither an address nor a network"),
        ("::ffff:203.0.113.0/120", "This network is on the list already."),
    ],
)
def test_what_cannot_be_allowed_is_said(sam: CanaryClient, cidr: str, sentence: str) -> None:
    allow("203.0.113.0/24")
    assert sentence in send(sam, "add/", cidr=cidr)
    assert listed() == ["203.0.113.0/24"]


@pytest.fixture
def kept_empty(committed: World) -> Iterator[World]:
    yield committed
    with platform():
        AllowedNetwork.objects.all().delete()


def test_two_changes_at_once_do_not_shut_out_together(kept_empty: World) -> None:
    """Each alone leaves the address in, by the network that the other one takes off."""
    allow("203.0.113.0/24", "203.0.113.7/32", "198.51.100.0/24")
    refused: list[str] = []

    def remove(cidr: str) -> None:
        with platform():
            try:
                allow_list.remove(AllowedNetwork.objects.get(cidr=cidr), staying=OFFICE)
            except allow_list.WouldShutOut as error:
                refused.append(str(error))
        connections.close_all()

    other = threading.Thread(target=remove, args=("203.0.113.7/32",))
    with platform(), transaction.atomic():
        allow_list.remove(AllowedNetwork.objects.get(cidr="203.0.113.0/24"), staying=OFFICE)
        other.start()
        other.join(0.5)  # long enough to decide by what it sees now, if it did not wait
    other.join()
    assert len(refused) == 1
    assert listed() == ["198.51.100.0/24", "203.0.113.7/32"]


def test_the_action_itself_shuts_nobody_out(world: World) -> None:
    """Whatever page asks for it."""
    with pytest.raises(allow_list.WouldShutOut, match=f"your own address, {OFFICE}"):
        allow_list.save(AllowedNetwork(cidr="198.51.100.0/24"), staying=OFFICE)
    assert listed() == []


# --- By command ----------------------------------------------------------------------------------


def run(*arguments: str, **options: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("ip_allowlist", *arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_the_command_allows_shows_and_takes_away(world: World) -> None:
    assert "every address reaches" in run("list")[0]
    run("add", "203.0.113.7", "--note", "Office")
    run("add", "2001:DB8::/32")
    assert run("list")[0].splitlines() == ["2001:db8::/32", "203.0.113.7/32  Office"]
    run("remove", "::ffff:203.0.113.7")
    assert listed() == ["2001:db8::/32"]


def test_the_command_warns_and_does_it(world: World) -> None:
    assert "nobody else than 203.0.113.0/24 reaches" in run("add", "203.0.113.0/24")[1]
    assert "every address reaches the operator host now" in run("remove", "203.0.113.0/24")[1]


def test_clearing_is_the_way_back_in(world: World) -> None:
    allow("203.0.113.0/24", "198.51.100.0/24", "everyone")
    assert run("clear")[0].startswith("3 taken off the list.")
    allow_list.cache.clear()
    assert status("192.0.2.1") == 200


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "office"), "neither an address nor a network"),
        (("add", "203.0.113.0/24"), "on the list already. Nothing was changed"),
        (("add", "192.0.2.1", "--note", "x" * 201), "at most 200 characters"),
        (("remove", "192.0.2.1"), "is not on the list. Nothing was changed"),
        (("remove", "office"), "neither an address nor a network"),
    ],
)
def test_the_command_refuses_in_one_sentence(
    world: World, arguments: tuple[str, ...], sentence: str
) -> None:
    allow("203.0.113.0/24")
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)
    assert listed() == ["203.0.113.0/24"]


# --- What is kept of it --------------------------------------------------------------------------


def test_every_change_leaves_an_entry_in_the_audit_log(world: World) -> None:
    run("add", "203.0.113.0/24", "--note", "Office")
    with platform():
        entry = AllowedNetwork.objects.get()
        entry.note = "Old office"
        allow_list.save(entry, staying=None)
    run("clear")
    with platform():
        entries = list(Entry.objects.filter(code__startswith="operations.network_"))
    found = [(entry.code.rpartition("_")[2], entry.object_repr) for entry in reversed(entries)]
    assert found == [
        ("allowed", "203.0.113.0/24"),
        ("changed", "203.0.113.0/24"),
        ("removed", "203.0.113.0/24"),
    ]
    assert entries[-1].actor_label.startswith("manage.py ip_allowlist (")
