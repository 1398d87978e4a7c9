"""Says at once that somebody's session, role or visit is over, to what stays open meanwhile.

The sockets of open pages belong to `notifications`, a layer above, which registers its listener
here when Django starts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction


@dataclass(frozen=True, slots=True)
class Revocation:
    """What counts no more on one organization's host: sessions, all that these people have open,
    or everybody. Who still may be here comes back with a new ticket."""

    organization_id: UUID
    session_ids: frozenset[UUID] = frozenset()
    user_ids: frozenset[UUID] = frozenset()
    everybody: bool = False


Listener = Callable[[Revocation], None]


def _nobody(revocation: Revocation) -> None:
    """Until somebody registers."""


_listener: Listener = _nobody


def register(listener: Listener) -> None:
    global _listener  # noqa: PLW0603 - set once, when Django starts
    _listener = listener


def announce(revocation: Revocation) -> None:
    """Told when the change is committed; never if it is not."""
    transaction.on_commit(lambda: _listener(revocation), robust=True)


def announce_people(organization_id: UUID, user_ids: Iterable[UUID]) -> None:
    announce(Revocation(organization_id, user_ids=frozenset(user_ids)))


def announce_sessions(ended: Iterable[tuple[UUID, UUID | None]]) -> None:
    """`ended`: sessions with the organization each was for. Those of the operator host, and those
    of nobody, have nothing open."""
    by_organization: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for session_id, organization_id in ended:
        if organization_id is not None:
            by_organization[organization_id].add(session_id)
    for organization_id, session_ids in by_organization.items():
        announce(Revocation(organization_id, session_ids=frozenset(session_ids)))
