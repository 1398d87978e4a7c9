"""Requests to addresses that somebody else chose: recordings, notices, checks of domains.

Only https, only hosts that the caller allows, no redirects. A name is resolved once and the
connection goes to that very address, which must be a public one: a name that answers differently
the second time leads nowhere else.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
from django.conf import settings

CONNECT_SECONDS = 5.0
READ_SECONDS = 5.0
URL_MAX_LENGTH = 4096


class NotAllowed(Exception):
    """The address may not be asked; nothing was sent."""


def check_url(url: str, *, hosts: Sequence[str]) -> None:
    """Raises `NotAllowed` unless it is a plain https URL of a host that fits one of `hosts`
    (`*.example.com` fits names below it)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotAllowed("The link cannot be read.") from error
    insecure = settings.OUTGOING_INSECURE and parts.scheme == "http"
    if len(url) > URL_MAX_LENGTH or not (parts.scheme == "https" or insecure):
        raise NotAllowed("The link is not https.")
    if parts.username or parts.password or (port not in (None, 443) and not insecure):
        raise NotAllowed("The link holds a password or a port.")
    host = (parts.hostname or "").rstrip(".")
    if not any(fnmatch(host, pattern) for pattern in hosts):
        raise NotAllowed("The link leads to a host that is not allowed.")


def is_public(address: str) -> bool:
    """Whether this is an address of the open internet; in development this machine's, too."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is not None:
            return is_public(str(inner))
    if settings.OUTGOING_INSECURE and found.is_loopback:
        return True
    return found.is_global and not found.is_multicast


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _addresses(host: str, port: int, *, own_machine: bool = False) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(f"{host} has no address.") from error
    addresses = [str(entry[4][0]) for entry in found]
    fits, wanted = (_is_loopback, "this machine's") if own_machine else (is_public, "public")
    if not addresses or not all(map(fits, addresses)):
        raise httpcore.ConnectError(f"The host has an address that is not {wanted}.")
    return addresses


class PublicOnly(httpcore.NetworkBackend):
    """Resolves once, checks every address, and connects to the one it checked. TLS still asks for
    the certificate of the name. `own_machine`: only this machine's own addresses instead."""

    def __init__(self, *, own_machine: bool = False) -> None:
        self._own_machine = own_machine
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = _addresses(host, port, own_machine=self._own_machine)[0]
        return self._backend.connect_tcp(address, port, timeout, local_address, socket_options)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("Sockets of this machine are not for outgoing requests.")

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


def client(*, own_machine: bool = False) -> httpx.Client:
    """For one request or a few; close it. Knows no proxies, cookies or redirects.

    `own_machine`: for an address of the settings that is this machine's.
    """
    transport = httpx.HTTPTransport(trust_env=False, retries=0)
    transport._pool = httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context(),
        max_connections=1,
        network_backend=PublicOnly(own_machine=own_machine),
    )
    return httpx.Client(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
    )
