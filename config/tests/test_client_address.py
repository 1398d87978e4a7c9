"""Whose address a request has: what clients write into headers never chooses it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.test import RequestFactory, override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from config.addresses import client_address, comes_from_proxy
from config.environment import trusted_proxies
from config.networks import TrustedProxies, parse_network
from testing.fixtures import CanaryClient, World

PROXY = "10.0.0.1"
PROXIES = TrustedProxies(
    tuple(parse_network(text) for text in ("10.0.0.0/24", "192.0.2.9", "2001:db8:a::/48"))
)


@pytest.fixture(autouse=True)
def _proxies() -> Iterator[None]:
    with override_settings(TRUSTED_PROXIES=PROXIES):
        yield


def request_from(peer: str, forwarded: str | None = None) -> HttpRequest:
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return RequestFactory().get("/", REMOTE_ADDR=peer, **headers)  # type: ignore[arg-type]


def address(peer: str, forwarded: str | None = None) -> str:
    return client_address(request_from(peer, forwarded))


# --- Without a proxy -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:DB8::0:7", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_a_strangers_header_is_not_read(peer: str, expected: str) -> None:
    assert address(peer) == address(peer, "198.51.100.1") == expected


# --- Behind proxies ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:DB8::0:7", "2001:db8::7"),
        # The client wrote the left one itself.
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7, 10.0.0.2, 192.0.2.9", "203.0.113.7"),
        ("198.51.100.1,203.0.113.7,::ffff:10.0.0.2,2001:db8:a::1", "203.0.113.7"),
        # Its own claim to be one of the proxies does not help, either.
        ("198.51.100.1, 10.0.0.2, 203.0.113.7", "203.0.113.7"),
        # Some proxies write ports.
        ("203.0.113.7:51234", "203.0.113.7"),
        ("[2001:db8::7]:51234", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
    ],
)
def test_the_nearest_hop_that_is_no_proxy_of_ours_is_the_client(
    forwarded: str, expected: str
) -> None:
    assert address(PROXY, forwarded) == expected


@pytest.mark.parametrize("peer", ["10.0.0.255", "::ffff:10.0.0.1", "192.0.2.9", "2001:db8:a:1::1"])
def test_a_proxy_is_known_by_address_and_by_network(peer: str) -> None:
    assert address(peer, "203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize("peer", ["10.0.1.1", "192.0.2.8", "2001:db8:b::1", "::ffff:10.0.1.1"])
def test_a_neighbour_of_a_proxy_is_a_stranger(peer: str) -> None:
    assert address(peer, "203.0.113.7") == address(peer)


@pytest.mark.parametrize(
    "hop",
    [
        *("", " ", ",", "unknown", "_hidden", "localhost", "203.0.113.7/32", "203.0.113.7 x"),
        *("fe80::1%eth0", "fe80::1%<script>", "203.0.113.256", "0203.0.113.7", "3405803783"),
        *("203.0.113.7:", "203.0.113.7:x", "2001:db8::7]:1", "[203.0.113.7", "\x00", "۱.۲.۳.۴"),
        "1" * 100_000,
    ],
)
def test_what_is_no_address_ends_the_reading(hop: str) -> None:
    assert address(PROXY, f"198.51.100.1, {hop}") == PROXY
    assert address(PROXY, f"198.51.100.1, {hop}, 203.0.113.7") == "203.0.113.7"


def test_no_header_means_the_proxy_itself() -> None:
    assert address(PROXY) == PROXY


def test_among_proxies_the_nearest_hop_counts() -> None:
    """A machine inside of a trusted network must not become another one of it."""
    assert address(PROXY, "10.0.0.99, 10.0.0.50") == "10.0.0.50"


def test_a_huge_header_is_not_read_to_its_end() -> None:
    assert address(PROXY, "198.51.100.1" + ", 10.0.0.2" * 100_000) == "10.0.0.2"


# --- Unix sockets --------------------------------------------------------------------------------


def test_a_unix_sockets_peer_is_believed_only_if_it_is_said_so() -> None:
    assert address("", "203.0.113.7") == ""
    with override_settings(TRUSTED_PROXIES=TrustedProxies(unix_socket=True)):
        assert address("", "198.51.100.1, 203.0.113.7") == "203.0.113.7"
        assert address("", "unknown") == ""
        assert address("nonsense", "203.0.113.7") == ""


# --- Any header ----------------------------------------------------------------------------------

trusted = st.sampled_from(["10.0.0.2", "::ffff:10.0.0.3", "192.0.2.9", "2001:db8:a::5"])
addresses = st.ip_addresses().map(str)
junk = st.text(max_size=80) | st.sampled_from(["unknown", "", "fe80::1%eth0", "1.2.3.4:5:6"])
headers = st.lists(trusted | addresses | junk, max_size=30).map(",".join)


def is_stranger(text: str) -> bool:
    found = ip_address(text)
    return (getattr(found, "ipv4_mapped", None) or found) not in PROXIES


@settings(deadline=None)
@given(forged=headers, client=addresses.filter(is_stranger), chain=st.lists(trusted, max_size=5))
def test_nothing_left_of_the_client_changes_its_address(
    forged: str, client: str, chain: list[str]
) -> None:
    answer = address(PROXY, ",".join([forged, client, *chain]))
    found = ip_address(client)
    assert answer == str(getattr(found, "ipv4_mapped", None) or found)


@settings(deadline=None)
@given(peer=trusted | addresses | junk, forwarded=headers | st.text())
def test_any_header_has_one_plain_address_or_none(peer: str, forwarded: str) -> None:
    answer = address(peer, forwarded)
    assert answer == "" or answer == str(ip_address(answer))
    assert "%" not in answer
    assert not answer.startswith("::ffff:")


# --- The setting ---------------------------------------------------------------------------------


def read(monkeypatch: pytest.MonkeyPatch, text: str) -> TrustedProxies:
    monkeypatch.setenv("TRUSTED_PROXIES", text)
    return trusted_proxies("TRUSTED_PROXIES")


def test_proxies_are_addresses_networks_and_unix(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, " 10.0.0.1, ::ffff:10.1.0.0/112,2001:db8::/32 , unix ,")
    assert [str(network) for network in found.networks] == [
        "10.0.0.1/32",
        "10.1.0.0/16",
        "2001:db8::/32",
    ]
    assert found.unix_socket


@pytest.mark.parametrize("text", ["", " ", ","])
def test_no_proxies_are_nobody(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    assert not read(monkeypatch, text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("proxy.example.com", "“proxy.example.com” is neither an address nor a network"),
        ("10.0.0.1;10.0.0.2", "is neither an address nor a network"),
        ("10.0.0.0/33", "is neither an address nor a network"),
        ("10.0.0.1:443", "is neither an address nor a network"),
        ("fe80::1%eth0", "is neither an address nor a network"),
        ("*", "is neither an address nor a network"),
        ("10.0.0.7/24", "Write 10.0.0.0/24 for the whole network, or 10.0.0.7 for that"),
        ("0.0.0.0/0", "trusts every address"),
        ("::/0", "trusts every address"),
        ("::ffff:0:0/96", "trusts every address"),
    ],
)
def test_nonsense_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, text: str, sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^TRUSTED_PROXIES .*{sentence}"):
        read(monkeypatch, text)


# --- The request id ------------------------------------------------------------------------------


@pytest.mark.parametrize(("peer", "kept"), [(PROXY, True), ("203.0.113.7", False)])
def test_a_request_id_is_taken_from_a_proxy_only(world: World, peer: str, kept: bool) -> None:
    client = CanaryClient("localhost", REMOTE_ADDR=peer)
    response = client.get("/sign-in/", headers={"X-Request-ID": "given-by-the-proxy"})
    assert (response.headers["X-Request-ID"] == "given-by-the-proxy") is kept
    assert comes_from_proxy(response.wsgi_request) is kept
