"""Tickets by which a page opens its live socket: signed, sixty seconds, no database needed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.core import signing

SALT = "switchboard.live"
VALID_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Ticket:
    """Whose page it is. `session` is a hash, enough to close its sockets at sign-out."""

    organization: str
    user: str
    session: str


def session_hash(session_key: str) -> str:
    return hashlib.sha256(f"live:{session_key}".encode()).hexdigest()[:16]


def issue(ticket: Ticket) -> str:
    value = {"o": ticket.organization, "u": ticket.user, "s": ticket.session}
    return signing.dumps(value, salt=SALT, compress=False)


def read(text: str) -> Ticket | None:
    """The ticket, or None when it is forged, malformed or older than a minute."""
    try:
        value = signing.loads(text, salt=SALT, max_age=VALID_SECONDS)
        return Ticket(value["o"], value["u"], value["s"])
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return None
