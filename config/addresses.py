"""The address a request comes from: what limits count, what the allow-list and the audit ask."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest

from config.networks import Address, TrustedProxies, parse_address

# What is left of so many proxies stays in one piece, which is no address.
_MAX_HOPS = 20
# Some proxies write the port as well: 203.0.113.7:51234, [2001:db8::7]:51234.
_WITH_PORT = re.compile(r"([0-9.]{7,15}):[0-9]{1,5}|\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?")


def client_address(request: HttpRequest) -> str:
    """The socket's peer, or what our own proxies say of it; empty when nobody knows.

    `X-Forwarded-For` is read from the right, past our own proxies only: everything further left
    was written by the client and may be a lie. Always a plain address: no port, no zone, and IPv4
    never written as IPv6.
    """
    told = _nearest_stranger(request) if comes_from_proxy(request) else None
    return str(told or parse_address(_peer(request)) or "")


def comes_from_proxy(request: HttpRequest) -> bool:
    """Whether the socket's peer is a proxy of ours, whose headers may be believed."""
    peer, proxies = _peer(request), _proxies()
    if not peer:
        return proxies.unix_socket
    address = parse_address(peer)
    return address is not None and address in proxies


def _proxies() -> TrustedProxies:
    return settings.TRUSTED_PROXIES


def _peer(request: HttpRequest) -> str:
    """Empty for a unix socket. A link-local peer's zone is only the name of our own interface."""
    peer: str = request.META.get("REMOTE_ADDR") or ""
    return peer.partition("%")[0]


def _nearest_stranger(request: HttpRequest) -> Address | None:
    """The first hop from the right that is no proxy of ours.

    Without one, the rightmost hop: our own proxy wrote that, and the client what is left of it.
    """
    rightmost = None
    for address in _hops(request.headers.get("X-Forwarded-For", "")):
        if address not in _proxies():
            return address
        rightmost = rightmost or address
    return rightmost


def _hops(header: str) -> Iterator[Address]:
    """From the right, up to the first one that is not an address."""
    for hop in reversed(header.rsplit(",", _MAX_HOPS)):
        text = hop.strip()
        if found := _WITH_PORT.fullmatch(text):
            text = found[1] or found[2]
        address = parse_address(text)
        if address is None:
            return
        yield address
