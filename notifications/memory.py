"""What the cache remembers as long as a ticket counts: who was shut out, what changed lately.

Signals reach the sockets that are open. One that opens a moment later with a ticket from before
finds here what it missed, and so does one whose process could not reach the cache for a while.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from redis import asyncio as redis

from accounts.revocation import Revocation
from notifications.tickets import VALID_SECONDS, Holder, Ticket

KEPT_SECONDS = 3 * VALID_SECONDS
TIMEOUT_SECONDS = 1
# A page may have been read a little before its ticket was issued.
RENDERING_SECONDS = 5

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Missed:
    is_revoked: bool
    changed_at: float


def _client() -> Any:
    """One a loop: connections belong to the loop they were opened in."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = redis.from_url(
            settings.REDIS_URL,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
        )
    return _clients[loop]


async def close() -> None:
    """Of the loop that runs."""
    if client := _clients.pop(asyncio.get_running_loop(), None):
        await client.aclose()


def _key(kind: str, *parts: str) -> str:
    return ":".join(("switchboard-live", kind, *parts))


def _revocation_keys(revocation: Revocation) -> list[str]:
    organization = str(revocation.organization_id)
    keys = [_key("session", str(pk)) for pk in revocation.session_ids]
    keys += [_key("person", organization, str(pk)) for pk in revocation.user_ids]
    return [*keys, _key("everybody", organization)] if revocation.everybody else keys


def _keys_of(holder: Holder) -> list[str]:
    return [
        _key("changed", holder.organization),
        _key("session", holder.session),
        _key("person", holder.organization, holder.user),
        _key("everybody", holder.organization),
    ]


async def note_change(organization: str) -> None:
    await _client().set(_key("changed", organization), time.time(), ex=KEPT_SECONDS)


async def note_revocation(revocation: Revocation) -> None:
    async with _client().pipeline(transaction=False) as pipeline:
        for key in _revocation_keys(revocation):
            pipeline.set(key, time.time(), ex=KEPT_SECONDS)
        await pipeline.execute()


async def missed_by(ticket: Ticket) -> Missed:
    """What was said since the ticket was issued; raises `redis.RedisError`."""
    values = await _client().mget(_keys_of(ticket.holder))
    changed_at, *revoked_at = (float(value) if value else 0.0 for value in values)
    # An ended session does not come back, whenever its ticket was issued.
    ended, *others = revoked_at
    return Missed(bool(ended) or max(others) >= ticket.issued_at, changed_at)
