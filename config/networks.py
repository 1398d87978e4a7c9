"""Reads internet addresses and networks from text that may be anything.

IPv4 written as IPv6 (`::ffff:203.0.113.7`), as a socket for both reports it, is IPv4 here: it would
otherwise match none of the networks that people write down.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MAX_LENGTH = 64
_MAPPED_BITS = 96


def parse_address(text: str) -> Address | None:
    """The address, or None for whatever is not exactly one: a zone may hold any text, so it is
    refused, too."""
    if len(text) > _MAX_LENGTH or "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def parse_network(text: str) -> Network:
    """An address or a network in CIDR notation. Raises ValueError with a sentence for people."""
    text = text.strip()
    try:
        # A zone is refused as in `parse_address`; an empty text is no network.
        plain = "" if len(text) > _MAX_LENGTH or "%" in text else text
        network, address = ip_network(plain, strict=False), ip_interface(plain).ip
    except ValueError:
        raise ValueError(
            f"“{text[:_MAX_LENGTH]}” is neither an address nor a network, such as 203.0.113.7,"
            " 203.0.113.0/24 or 2001:db8::/32."
        ) from None
    if address != network.network_address:
        raise ValueError(
            f"“{text}” is one address inside of {network}. Write {network} for the whole network,"
            f" or {address} for that address alone."
        )
    return _unmapped(network)


def _unmapped(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        start = network.network_address.ipv4_mapped
        if start is not None:
            return IPv4Network((start, network.prefixlen - _MAPPED_BITS))
    return network


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Whose word on the client's address counts; `unix_socket`: that of a unix socket's peer."""

    networks: tuple[Network, ...] = ()
    unix_socket: bool = False

    def __bool__(self) -> bool:
        return bool(self.networks) or self.unix_socket

    def __contains__(self, address: Address) -> bool:
        return any(address in network for network in self.networks)
