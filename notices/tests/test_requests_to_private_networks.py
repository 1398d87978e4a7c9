"""Addresses that a subscription must not reach, however they are written: no connection is made."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from config import outgoing
from notices.forms import SubscriptionForm
from notices.sending import post
from notices.tests.helpers import ALL_TOPICS
from testing.receivers import receiver_host

_connections: list[Any] = []


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        _connections.append(arguments[1])


sys.addaudithook(_listen)


@pytest.fixture
def connections() -> Iterator[list[Any]]:
    """Where this process connects to, by IP."""
    _connections.clear()
    yield _connections
    _connections.clear()


FORBIDDEN = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://localhost/",
    "https://localhost./",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://192.0.2.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fc00::1]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:22/",
    "https://example.com:8443/",
    "https://127.0.0.1:443/",
    "http://example.com/",
    "http://127.0.0.1/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "https:///path",
    "https://[::1",
    "//example.com/",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_a_forbidden_url_is_never_connected_to(url: str, connections: list[Any]) -> None:
    answer = post(url, "{}", {})
    assert answer.status is None
    assert answer.problem
    assert connections == []


def test_the_check_hears_a_connection(connections: list[Any], settings: Any) -> None:
    settings.OUTGOING_INSECURE = True
    with receiver_host() as receiver:
        assert post(receiver.url, "{}", {}).status == 204
    assert len(connections) == 1


def test_a_name_with_one_private_address_is_refused(
    connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = [(2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    assert "not public" in post("https://example.com/", "{}", {}).problem
    assert connections == []


def test_a_name_is_looked_up_once_and_that_address_is_asked(
    connections: list[Any], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Whoever answers differently the second time is not asked a second time."""
    settings.OUTGOING_INSECURE = True
    answers = ["127.0.0.1", "10.0.0.1", "169.254.169.254"]
    resolve = socket.getaddrinfo

    def rebinding(host: str, *rest: Any, **options: Any) -> list[Any]:
        return resolve(answers.pop(0) if "rebinds" in host else host, *rest, **options)

    with receiver_host() as receiver:
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        port = receiver.url.split(":")[2]
        assert post(f"http://rebinds.example.com:{port}", "{}", {}).status == 204
    assert len(answers) == 2
    assert [address for address, _ in connections] == ["127.0.0.1"]


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert outgoing.is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://user:password@example.com/",
        "https://example.com:8443/",
        "http://example.com/",
        "https://exa mple.com/",
        "https://",
    ],
)
def test_what_is_certainly_refused_is_not_even_stored(url: str) -> None:
    form = SubscriptionForm({"url": url, "topics": ALL_TOPICS})
    assert not form.is_valid()
    assert "url" in form.errors
