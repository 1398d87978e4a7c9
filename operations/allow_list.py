"""Which networks reach the operator host: the one place that reads and writes the list.

Without entries everyone reaches it. A process reads the list at most every `CACHE_SECONDS`, so a
change holds everywhere within that time. When it cannot be read nobody is let in: the database's
error becomes a 503, which costs nothing, because nobody can be signed in without the database.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from audit.actions import changes_between, record
from audit.circumstances import current
from audit.vocabulary import Action, Kind
from config.networks import Network, parse_address, parse_network
from operations.models import AllowedNetwork
from tenants.scope import platform

logger = logging.getLogger(__name__)

CACHE_SECONDS = 2.0

ALLOWED = Action(
    "operations.network_allowed", "allowed {object} on the operator pages", Kind.CREATE
)
CHANGED = Action("operations.network_changed", "changed the allowed network {object}")
REMOVED = Action(
    "operations.network_removed", "took {object} off the list of allowed networks", Kind.DELETE
)


class AllowListError(Exception):
    """The list stays as it is; the message is a sentence for people."""


class WouldShutOut(AllowListError):
    """Whoever asked for it could not have taken it back."""


@dataclass(frozen=True, slots=True)
class AllowList:
    """The list as it was read. A row that is no network lets nobody in, and still counts as one:
    a list must not open because it was damaged."""

    size: int
    networks: tuple[Network, ...]

    def allows(self, address: str) -> bool:
        if not self.size:
            return True
        found = parse_address(address)
        return found is not None and any(found in network for network in self.networks)


def _list_of(cidrs: Iterable[str]) -> AllowList:
    texts, networks = list(cidrs), []
    for text in texts:
        try:
            networks.append(parse_network(text))
        except ValueError:
            logger.error("a row of the operator host's allow-list is no network")  # noqa: TRY400
    return AllowList(len(texts), tuple(networks))


# --- Reading -------------------------------------------------------------------------------------


class _Cache:
    """Per process. Two threads that read at once do the same work twice, and no harm."""

    def __init__(self) -> None:
        self._read: tuple[float, AllowList] | None = None

    def get(self) -> AllowList:
        now, known = time.monotonic(), self._read
        if known is not None and now < known[0] + CACHE_SECONDS:
            return known[1]
        with platform():
            fresh = _list_of(AllowedNetwork.objects.values_list("cidr", flat=True))
        self._read = (now, fresh)
        return fresh

    def clear(self) -> None:
        self._read = None


cache = _Cache()


def is_allowed(address: str) -> bool:
    """Whether this address reaches the operator host; at most `CACHE_SECONDS` old."""
    return cache.get().allows(address)


# --- Writing -------------------------------------------------------------------------------------


@contextmanager
def _alone() -> Iterator[None]:
    """Nobody else changes the list meanwhile: two changes, each harmless, could shut someone out
    together."""
    with platform(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE operations_allowednetwork IN SHARE ROW EXCLUSIVE MODE")
        yield


def check_staying(address: str | None, *, without: int | None = None, adding: str = "") -> None:
    """Raise `WouldShutOut` if `address` were refused without one row and with another network.

    None is the command's: whoever may run it on the server has the way back in.
    """
    if address is None:
        return
    with _alone():
        rows = AllowedNetwork.objects.values_list("pk", "cidr")
        kept = [cidr for key, cidr in rows if key != without]
    after = _list_of([*kept, adding] if adding else kept)
    if not after.allows(address):
        raise WouldShutOut(
            f"Nothing was changed: your own address, {address or 'which is not known'}, would no"
            " longer reach these pages. Allow a network that it belongs to first."
        )


def save(network: AllowedNetwork, *, staying: str | None) -> None:
    """Store a new or changed entry. `staying` is the address that must still be let in."""
    with _alone():
        old = AllowedNetwork.objects.filter(pk=network.pk).first()
        _normalise(network)
        check_staying(staying, without=network.pk, adding=network.cidr)
        if old is None:
            network.created_by = current().actor.label
            network.save(force_insert=True)
            record(ALLOWED, network, details={"note": network.note})
        elif changes := changes_between(old, network, ("cidr", "note")):
            network.save(update_fields=("cidr", "note"))
            record(CHANGED, network, changes=changes)


def _normalise(network: AllowedNetwork) -> None:
    try:
        network.cidr = str(parse_network(network.cidr))
        network.full_clean()
    except ValidationError as error:
        raise AllowListError(" ".join(error.messages)) from error
    except ValueError as error:
        raise AllowListError(str(error)) from error


def remove(network: AllowedNetwork, *, staying: str | None) -> None:
    with _alone():
        check_staying(staying, without=network.pk)
        record(REMOVED, network)
        network.delete()


def clear() -> int:
    """Take every entry off, so that everyone reaches the operator host; how many there were."""
    with _alone():
        networks = list(AllowedNetwork.objects.all())
        for network in networks:
            remove(network, staying=None)
    return len(networks)
