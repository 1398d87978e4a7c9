"""Tickets by which a page opens its live socket, and keeps it: signed, a minute, no database."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.core import signing

SALT = "switchboard.live"
VALID_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose page it is. `session` names the session and does not give it away; `host` is the one
    whose pages may open the socket."""

    organization: str
    user: str
    session: str
    host: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """Times are seconds since 1970."""

    holder: Holder
    issued_at: float
    expires_at: float


def issue(holder: Holder, *, ends_at: float | None = None) -> str:
    """`ends_at`: when the holder may be here no longer, if that is known already."""
    now = time.time()
    expires_at = now + VALID_SECONDS
    if ends_at is not None:
        expires_at = min(expires_at, ends_at)
    value = {
        "o": holder.organization,
        "u": holder.user,
        "s": holder.session,
        "h": holder.host,
        "i": now,
        "x": expires_at,
    }
    return signing.dumps(value, salt=SALT, compress=False)


def read(text: str) -> Ticket | None:
    """The ticket, or None when it is forged, malformed or over."""
    try:
        value = signing.loads(text, salt=SALT, max_age=VALID_SECONDS)
        holder = Holder(value["o"], value["u"], value["s"], value["h"])
        ticket = Ticket(holder, float(value["i"]), float(value["x"]))
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return None
    return ticket if time.time() < ticket.expires_at else None
