"""Requests to addresses that somebody else chose: recordings, notices, checks of domains.

Only https, only hosts that the caller allows, no redirects. A name is resolved once and the
connection goes to that very address, which must be a public one: a name that answers differently
the second time leads nowhere else.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
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
# Networks that carry an IPv4 address to where it belongs.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


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
        if found in _NAT64:
            inner = ipaddress.IPv4Address(found.packed[-4:])
        if inner is not None:
            return is_public(str(inner))
        if found.is_site_local:
            return False
    if settings.OUTGOING_INSECURE and found.is_loopback:
        return True
    return found.is_global and not found.is_multicast and not found.is_reserved


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


class _Limited(httpcore.NetworkStream):
    """A connection that ends at a moment of `time.monotonic`, however slowly bytes trickle in."""

    def __init__(self, stream: httpcore.NetworkStream, ends: float) -> None:
        self._stream, self._ends = stream, ends

    def _left(self, timeout: float | None) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("The time for this request is over.")
        return left if timeout is None else min(left, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._left(timeout))
        return _Limited(stream, self._ends)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class PublicOnly(httpcore.NetworkBackend):
    """Resolves once, checks every address, and connects to the one it checked. TLS still asks for
    the certificate of the name. `own_machine`: only this machine's own addresses instead.

    `total_seconds`: when the connection ends in any case, counted from connecting.
    """

    def __init__(self, *, own_machine: bool = False, total_seconds: float | None = None) -> None:
        self._own_machine = own_machine
        self._total_seconds = total_seconds
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
        ends = time.monotonic() + (self._total_seconds or 0)
        stream = self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
        return _Limited(stream, ends) if self._total_seconds else stream

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("Sockets of this machine are not for outgoing requests.")

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


def client(*, own_machine: bool = False, total_seconds: float | None = None) -> httpx.Client:
    """For one request or a few; close it. Knows no proxies, cookies or redirects.

    `own_machine`: for an address of the settings that is this machine's. `total_seconds`: for all
    of one request, which then need not answer within a few seconds.
    """
    transport = httpx.HTTPTransport(trust_env=False, retries=0)
    transport._pool = httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context(),
        max_connections=1,
        network_backend=PublicOnly(own_machine=own_machine, total_seconds=total_seconds),
    )
    return httpx.Client(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(total_seconds or READ_SECONDS, connect=CONNECT_SECONDS),
    )
