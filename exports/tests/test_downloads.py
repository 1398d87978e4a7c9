"""Downloading: in one go or in parts, by whom, and how often it stands in the log."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.access import policy_of
from audit.models import Entry
from exports import downloads
from exports.models import Export
from exports.tests.helpers import content, made, make_calls
from tenants.pin import organization_context
from tenants.scope import door
from testing.fixtures import CanaryClient, ClientFactory, World


@pytest.fixture
def export(world: World, monkeypatch: pytest.MonkeyPatch) -> Export:
    """Of several parts."""
    monkeypatch.setattr("exports.batches.ROWS", 3)
    with organization_context(world.acme):
        make_calls(10)
        return made(world.acme, world.people.alice)


@pytest.fixture
def data(world: World, export: Export) -> bytes:
    with organization_context(world.acme):
        return content(export)


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


def get(client: CanaryClient, export: Export, **headers: str) -> Any:
    return client.get(export.get_download_url(), headers=headers)


def body(response: Any) -> bytes:
    data: bytes = response.getvalue()
    return data


def downloads_in_log(world: World) -> int:
    with organization_context(world.acme):
        return Entry.objects.filter(code="exports.downloaded").count()


def test_the_whole_file_comes_with_its_length_and_name(
    export: Export, data: bytes, alice: CanaryClient
) -> None:
    response = get(alice, export)
    assert (response.status_code, body(response)) == (200, data)
    assert response.headers["Content-Length"] == str(len(data))
    assert response.headers["Content-Disposition"] == f'attachment; filename="{export.name}"'
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Accept-Ranges"] == "bytes"


def test_its_tag_is_the_hash_of_what_comes(
    export: Export, data: bytes, alice: CanaryClient
) -> None:
    assert get(alice, export).headers["ETag"] == f'"{hashlib.sha256(data).hexdigest()}"'


def test_a_download_that_broke_off_goes_on(
    export: Export, data: bytes, alice: CanaryClient
) -> None:
    tag = get(alice, export).headers["ETag"]
    rest = get(alice, export, Range="bytes=700-", If_Range=tag)
    assert rest.status_code == 206
    assert rest.headers["Content-Range"] == f"bytes 700-{len(data) - 1}/{len(data)}"
    assert data[:700] + body(rest) == data


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("bytes=-20", -20, None),
        ("bytes=9-9999999", 9, None),
    ],
)
def test_a_part_is_just_that_part(
    export: Export, data: bytes, alice: CanaryClient, asked: str, first: int, end: int | None
) -> None:
    response = get(alice, export, Range=asked)
    assert (response.status_code, body(response)) == (206, data[first:end])


@pytest.mark.parametrize(
    "asked", ["bytes=", "bytes=-", "bytes=a-b", "bytes=9-5", "bytes=0-1,5-6", "lines=1-2"]
)
def test_what_is_no_single_range_gets_everything(
    export: Export, data: bytes, alice: CanaryClient, asked: str
) -> None:
    response = get(alice, export, Range=asked)
    assert (response.status_code, body(response)) == (200, data)


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_part_behind_the_end_is_refused(
    export: Export, data: bytes, alice: CanaryClient, asked: str
) -> None:
    response = get(alice, export, Range=asked)
    assert response.status_code == 416
    assert response.headers["Content-Range"] == f"bytes */{len(data)}"


def test_a_part_of_another_file_is_all_of_this_one(
    export: Export, data: bytes, alice: CanaryClient
) -> None:
    response = get(alice, export, Range="bytes=5-9", If_Range='"another"')
    assert (response.status_code, body(response)) == (200, data)


def test_head_says_the_same_and_sends_nothing(
    world: World, export: Export, data: bytes, alice: CanaryClient
) -> None:
    response = alice.head(export.get_download_url())
    assert response.headers["Content-Length"] == str(len(data))
    assert response.content == b""
    assert downloads_in_log(world) == 0


@given(first=st.integers(0, 5000), length=st.integers(1, 5000))
def test_ranges_are_never_longer_than_the_file(first: int, length: int) -> None:
    export = Export(size_bytes=1000, sha256="x")
    try:
        wanted = downloads.wanted_range(f"bytes={first}-{first + length - 1}", "", export)
    except downloads.NotSatisfiable:
        assert first >= 1000
    else:
        assert wanted == (first, min(first + length, 1000))


def test_a_download_is_logged_once_however_many_parts(
    world: World, export: Export, alice: CanaryClient
) -> None:
    body(get(alice, export, Range="bytes=0-99"))
    body(get(alice, export, Range="bytes=100-199"))
    body(get(alice, export, Range="bytes=200-"))
    assert downloads_in_log(world) == 1


def test_a_second_download_is_logged_again(
    world: World, export: Export, alice: CanaryClient
) -> None:
    get(alice, export)
    get(alice, export)
    assert downloads_in_log(world) == 2


def test_leaving_the_first_byte_out_keeps_nobody_out_of_the_log(
    world: World, export: Export, alice: CanaryClient
) -> None:
    get(alice, export, Range="bytes=1-")
    assert downloads_in_log(world) == 1


def test_who_lost_the_right_gets_the_file_no_more(world: World, browser_of: ClientFactory) -> None:
    with door():
        policy = policy_of(world.acme)
        policy.viewers_see_personal_data = policy.viewers_export_personal_data = True
        policy.save()
    with organization_context(world.acme):
        make_calls(1)
        export = made(world.acme, world.people.bob)
    bob = browser_of(world.people.bob, world.acme)
    assert get(bob, export).status_code == 200
    with door():
        policy.viewers_export_personal_data = False
        policy.save()
    assert get(bob, export).status_code == 403
    assert "may not download" in bob.get(export.get_absolute_url()).content.decode()


def test_whole_numbers_ask_who_it_is_first(
    world: World, export: Export, browser_of: ClientFactory
) -> None:
    client = browser_of(world.people.alice, world.acme, confirmed=False)
    response = get(client, export)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/confirm/")
    assert downloads_in_log(world) == 0


def test_masked_numbers_need_no_confirmation(world: World, browser_of: ClientFactory) -> None:
    with organization_context(world.acme):
        make_calls(1)
        export = made(world.acme, world.people.alice, whole_numbers=False)
    client = browser_of(world.people.alice, world.acme, confirmed=False)
    assert get(client, export).status_code == 200
