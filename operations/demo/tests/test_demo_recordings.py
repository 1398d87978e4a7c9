"""Recordings of the demo, over real HTTP: demo organizations hear them, others do not."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from agents.connection import keys
from agents.connection.actions import api_key
from calls import recordings
from calls.models import Call
from config import outgoing
from operations.demo.retell_api import Key, Shelf, ShelvedRetell, Workspace, make_calls
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import ClientFactory, World
from testing.retell_api import running

KEY = "key_demo_of_the_recordings"
CALL = "call_of_the_demo"
SECONDS = 42
TRANSCRIPT = [
    {"role": "agent", "words": [{"word": "Hello, how can I help?", "start": 1.0, "end": 3.0}]},
    {"role": "user", "words": [{"word": "A cleaning, please.", "start": 5.0, "end": 6.0}]},
]


@pytest.fixture
def retell(world: World, tmp_path: Path, settings: Any) -> Iterator[ShelvedRetell]:
    """The demo's Retell with one call; Acme is a demo organization."""
    settings.OUTGOING_INSECURE = False
    workspace = Workspace("org_demo", "Demo", {KEY: Key("demo key")})
    (call,) = make_calls(workspace.add_agent("agent_1"), 1, first=datetime(2026, 11, 2, tzinfo=UTC))
    told = {"call_id": CALL, "duration_ms": SECONDS * 1000, "transcript_object": TRANSCRIPT}
    with Shelf(tmp_path / "retell.sqlite3") as shelf, running(server := ShelvedRetell(shelf)):
        shelf.put(workspace)
        shelf.tell("org_demo", [call | told])
        settings.DEMO_RETELL_BASE_URL = server.url
        with platform():
            Organization.objects.filter(pk=world.acme.pk).update(is_demo=True)
        yield server


def make_call(organization: Organization, link: str = "https://media.example.com/1.wav") -> str:
    """The path of its recording."""
    with organization_context(organization):
        call = Call.objects.create(
            retell_call_id=CALL,
            status="ended",
            duration_ms=SECONDS * 1000,
            details={"recording_url": link},
        )
    return f"/calls/{call.pk}/recording/"


def link_of(retell: ShelvedRetell, path: str = f"recordings/{CALL}.wav") -> str:
    return f"{retell.url}/{path}"


def connect(organization: Organization) -> None:
    with organization_context(organization):
        api_key.connect(organization.pk, KEY, keys.check_key(KEY, organization.pk))


def frames_at(sound: bytes, second: float) -> bytes:
    with wave.open(io.BytesIO(sound)) as opened:
        opened.setpos(int(second * opened.getframerate()))
        frames: bytes = opened.readframes(400)
        return frames


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_a_demo_organization_hears_its_calls(
    world: World, browser_of: ClientFactory, retell: ShelvedRetell
) -> None:
    connect(world.acme)
    alice = browser_of(world.people.alice, world.acme)
    response = alice.get(make_call(world.acme))
    assert (response.status_code, response["Content-Type"]) == (200, "audio/wav")
    with wave.open(io.BytesIO(body_of(response))) as sound:
        assert (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (8_000, 1, 1)
        assert sound.getnframes() == SECONDS * 8_000


def test_a_player_seeks_in_it(
    world: World, browser_of: ClientFactory, retell: ShelvedRetell
) -> None:
    connect(world.acme)
    alice = browser_of(world.people.alice, world.acme)
    response = alice.get(make_call(world.acme), headers={"Range": "bytes=40-99"})
    assert (response.status_code, len(body_of(response))) == (206, 60)
    assert response["Content-Range"] == f"bytes 40-99/{44 + SECONDS * 8_000}"


def test_another_organizations_link_to_the_demo_is_refused(
    world: World, browser_of: ClientFactory, retell: ShelvedRetell
) -> None:
    charlie = browser_of(world.people.charlie, world.globex)
    response = charlie.get(make_call(world.globex, link_of(retell)))
    assert (response.status_code, response.content.decode()) == (502, recordings.NOT_ALLOWED)
    assert not retell.requests


@pytest.mark.parametrize(
    "path",
    [
        "v2/get-call/call_1",
        "recordings/../get-api-key-info",
        f"recordings/{CALL}.wav?x=1",
        f"x@evil.example/recordings/{CALL}.wav",
    ],
)
def test_a_demo_organization_is_led_to_recordings_only(
    world: World, browser_of: ClientFactory, retell: ShelvedRetell, path: str
) -> None:
    alice = browser_of(world.people.alice, world.acme)
    assert alice.get(make_call(world.acme, link_of(retell, path))).status_code == 502
    assert not retell.requests


def test_other_ports_of_this_machine_stay_closed_to_the_demo(
    world: World, browser_of: ClientFactory, retell: ShelvedRetell, settings: Any
) -> None:
    settings.DEMO_RETELL_BASE_URL = "http://127.0.0.1:1"
    alice = browser_of(world.people.alice, world.acme)
    assert alice.get(make_call(world.acme, link_of(retell))).status_code == 502
    assert not retell.requests


def test_the_demos_address_leads_nowhere_but_to_this_machine() -> None:
    with (
        outgoing.client(own_machine=True) as client,
        pytest.raises(httpx.ConnectError, match="not this machine's"),
    ):
        client.get("http://203.0.113.7/recordings/call_1.wav")


def test_two_voices_speak_when_the_transcript_says(retell: ShelvedRetell) -> None:
    sound = httpx.get(link_of(retell)).content
    agent, user, pause = (frames_at(sound, second) for second in (1.0, 5.0, 4.0))
    assert set(pause) == {128}
    assert agent != user
    assert max(agent) > 128 < max(user)


def test_what_no_recording_is_of_is_not_found(retell: ShelvedRetell) -> None:
    assert httpx.get(link_of(retell, "recordings/call_of_nobody.wav")).status_code == 404
