"""Recordings pass through us: fresh links, allowed hosts, public addresses; each is noted."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import httpcore
import pytest

from audit.models import Entry
from calls import recordings
from calls.models import Call
from config import outgoing
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.recordings import recordings_host

SOUND = bytes(range(256)) * 40


@pytest.fixture
def cdn(settings: Any) -> Iterator[Any]:
    settings.RECORDING_HOSTS = ["127.0.0.1"]
    settings.OUTGOING_INSECURE = True
    with recordings_host(SOUND) as server:
        yield server


def call_with(organization: Organization, link: str | None) -> Call:
    details = {"recording_url": link} if link else {}
    with organization_context(organization):
        return Call.objects.create(
            retell_call_id="call_1", status="ended", duration_ms=60_000, details=details
        )


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


def path(call: Call) -> str:
    return f"/calls/{call.pk}/recording/"


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def newest_entry(organization: Organization) -> str:
    with organization_context(organization):
        return str(Entry.objects.latest("sequence"))


def entries(organization: Organization) -> int:
    with organization_context(organization):
        return Entry.objects.count()


def test_a_recording_is_played_through_us(world: World, alice: CanaryClient, cdn: Any) -> None:
    response = alice.get(path(call_with(world.acme, f"{cdn.url}/recording.wav")))
    assert body_of(response) == SOUND
    assert response["Content-Type"] == "audio/wav"
    assert response["Cache-Control"] == "no-store"
    assert newest_entry(world.acme) == "Alice listened to the recording of the call call_1"


def test_a_player_seeks(world: World, alice: CanaryClient, cdn: Any) -> None:
    call = call_with(world.acme, f"{cdn.url}/recording.wav")
    response = alice.get(path(call), headers={"Range": "bytes=100-199"})
    assert response.status_code == 206
    assert body_of(response) == SOUND[100:200]
    assert response["Content-Range"] == f"bytes 100-199/{len(SOUND)}"


def test_seeking_is_the_same_listening(world: World, alice: CanaryClient, cdn: Any) -> None:
    call = call_with(world.acme, f"{cdn.url}/recording.wav")
    body_of(alice.get(path(call), headers={"Range": "bytes=0-"}))
    before = entries(world.acme)
    body_of(alice.get(path(call), headers={"Range": "bytes=100-199"}))
    assert entries(world.acme) == before


def test_leaving_out_the_first_byte_keeps_nobody_out_of_the_log(
    world: World, alice: CanaryClient, cdn: Any
) -> None:
    call = call_with(world.acme, f"{cdn.url}/recording.wav")
    body_of(alice.get(path(call), headers={"Range": "bytes=1-"}))
    assert newest_entry(world.acme) == "Alice listened to the recording of the call call_1"


@pytest.mark.parametrize("sent", ["bytes=0-1,5-9", "lines=1-2", "bytes=-", "x" * 5000])
def test_odd_ranges_ask_for_everything(
    world: World, alice: CanaryClient, cdn: Any, sent: str
) -> None:
    call = call_with(world.acme, f"{cdn.url}/recording.wav")
    body_of(alice.get(path(call), headers={"Range": sent}))
    assert cdn.asked == [None]


def test_a_download_is_an_export(
    world: World, alice: CanaryClient, cdn: Any, browser_of: ClientFactory
) -> None:
    call = call_with(world.acme, f"{cdn.url}/recording.wav")
    response = alice.get(f"{path(call)}?download=1")
    assert response["Content-Disposition"] == 'attachment; filename="call_1.wav"'
    assert body_of(response) == SOUND
    assert newest_entry(world.acme).startswith("Alice downloaded")
    bob = browser_of(world.people.bob, world.acme)
    assert bob.get(f"{path(call)}?download=1").status_code == 403
    assert body_of(bob.get(path(call))) == SOUND


def test_what_retell_deleted_is_said(world: World, alice: CanaryClient, cdn: Any) -> None:
    response = alice.get(path(call_with(world.acme, f"{cdn.url}/gone.wav")))
    assert response.status_code == 404
    assert "deleted it" in response.content.decode()


def test_a_call_without_recording_says_so(world: World, alice: CanaryClient) -> None:
    assert alice.get(path(call_with(world.acme, None))).status_code == 404


def test_no_redirect_is_followed(world: World, alice: CanaryClient, cdn: Any) -> None:
    assert alice.get(path(call_with(world.acme, f"{cdn.url}/redirect"))).status_code == 502


def test_what_is_no_sound_is_shown_by_no_browser(
    world: World, alice: CanaryClient, cdn: Any
) -> None:
    response = alice.get(path(call_with(world.acme, f"{cdn.url}/page")))
    body_of(response)
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_larger_file_than_allowed_is_not_passed(
    world: World, alice: CanaryClient, cdn: Any, settings: Any
) -> None:
    settings.RECORDING_MAX_BYTES = 100
    assert alice.get(path(call_with(world.acme, f"{cdn.url}/recording.wav"))).status_code == 502


def test_another_organizations_recording_looks_like_none(
    world: World, browser_of: ClientFactory, cdn: Any
) -> None:
    call = call_with(world.acme, f"{cdn.url}/recording.wav")
    charlie = browser_of(world.people.charlie, world.globex)
    assert charlie.get(path(call)).status_code == 404
    assert cdn.asked == []


@pytest.mark.parametrize(
    "link",
    [
        "http://d1.cloudfront.net/x.wav",
        "https://evil.example/x.wav",
        "https://cloudfront.net.evil.example/x.wav",
        "https://user:pass@d1.cloudfront.net/x.wav",
        "https://d1.cloudfront.net:8443/x.wav",
        "https://127.0.0.1/x.wav",
        "file:///etc/passwd",
        "https://[::1",
        "javascript:alert(1)",
        "https://d1.cloudfront.net/" + "x" * 5000,
    ],
)
def test_links_to_other_hosts_are_not_followed(
    world: World, alice: CanaryClient, link: str
) -> None:
    response = alice.get(path(call_with(world.acme, link)))
    assert response.status_code == 502
    assert "not followed" in response.content.decode()


# --- Outgoing requests ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.1", "224.0.0.1", "::1", "fc00::1", "fe80::1", "::ffff:127.0.0.1",
        "2002:7f00:0001::", "::ffff:169.254.169.254",
    ],
)  # fmt: skip
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not outgoing.is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_addresses_outside_are_public(address: str) -> None:
    assert outgoing.is_public(address)


def test_a_name_that_leads_inside_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of its addresses is enough to refuse all of them."""
    answers = [(2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(httpcore.ConnectError, match="not public"):
        outgoing.PublicOnly().connect_tcp("rebound.example", 443)


def test_a_name_is_resolved_once(monkeypatch: pytest.MonkeyPatch, cdn: Any) -> None:
    """The second answer of a name that changes its mind is never asked for."""
    asked: list[str] = []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> Any:
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with outgoing.client() as client:
        url = cdn.url.replace("127.0.0.1", "sound.example")
        assert client.get(f"{url}/recording.wav").content == SOUND
    assert asked.count("sound.example") == 1


def test_a_link_is_kept_for_a_minute_at_most(acme: Organization, cdn: Any) -> None:
    call = call_with(acme, f"{cdn.url}/recording.wav")
    with organization_context(acme):
        recordings.open_recording(acme, call).chunks.close()  # type: ignore[attr-defined]
    assert recordings.LINK_SECONDS <= 60
