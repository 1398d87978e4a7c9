"""The live socket: relays "something changed" to one organization's pages. No database.

It stays open as long as its page renews its ticket, and closes at once when what the ticket stands
for is over: a session, a role, a visit, an organization.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qs, urlsplit

from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from redis.exceptions import RedisError

from config.headers import security_headers
from config.metrics import SOCKETS
from notifications import memory, tickets
from notifications.signals import group_name
from notifications.tickets import Ticket

CLOSE_AWAY = 1013
CLOSE_REFUSED = 4401
CLOSE_REVOKED = 4403
CLOSE_EXPIRED = 4408
# To one page, however many processes say something.
MIN_INTERVAL_SECONDS = 0.25
RENEW_SECONDS = 20
SETTLE_SECONDS = 1
EVERYTHING = "*"


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


class LiveConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # comes without types
    """`/live/?ticket=…`. Says `{"topics": ["calls"]}`, with `*` for everything, and
    `{"renew": true}` when it wants a new ticket, which it takes as `{"ticket": …}`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ticket: Ticket | None = None
        self.heard_at = 0.0
        self.topics: set[str] = set()
        self.said_at = 0.0
        self.saying: asyncio.Task[None] | None = None
        self.renewed = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        query = parse_qs(self.scope["query_string"].decode(errors="replace"))
        origin = dict(self.scope["headers"]).get(b"origin", b"").decode(errors="replace")
        ticket = tickets.read(query.get("ticket", [""])[0])
        if ticket is None or _host(origin) != ticket.holder.host:
            await self.close(CLOSE_REFUSED)
            return
        self.ticket = ticket
        # What its page was read from may be as old as that.
        self.heard_at = ticket.issued_at - memory.RENDERING_SECONDS
        try:
            await self.channel_layer.group_add(
                group_name(ticket.holder.organization), self.channel_name
            )
            missed = await memory.missed_by(ticket)
        except (RedisError, OSError):
            await self.close(CLOSE_AWAY)
            return
        if missed.is_revoked:
            await self.close(CLOSE_REVOKED)
            return
        await self.accept()
        SOCKETS.labels("opened").inc()
        await self._catch_up(missed)
        self._start(self._keep(ticket))

    async def disconnect(self, code: int) -> None:
        for task in self.tasks:
            task.cancel()
        if self.ticket is not None:
            group = group_name(self.ticket.holder.organization)
            await self.channel_layer.group_discard(group, self.channel_name)
            SOCKETS.labels("closed").inc()

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
    ) -> None:
        """Pages have nothing to say here but a new ticket."""
        try:
            said = json.loads(text_data or "")
            text = str(said["ticket"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        renewed = tickets.read(text)
        if renewed is None or self.ticket is None or renewed.holder != self.ticket.holder:
            await self.close(CLOSE_REFUSED)
            return
        self.ticket = renewed
        self.renewed.set()

    async def changed(self, event: dict[str, Any]) -> None:
        self.heard_at = time.time()
        self._say(event["topics"])

    async def revoked(self, event: dict[str, Any]) -> None:
        if self.ticket is None:
            return
        holder = self.ticket.holder
        is_meant = holder.session in event["sessions"] or holder.user in event["users"]
        if is_meant or event["everybody"]:
            await self.close(CLOSE_REVOKED)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def _say(self, topics: list[str]) -> None:
        """At once, or with what else comes until the interval is over."""
        self.topics.update(topics)
        if self.saying is None:
            wait = self.said_at + MIN_INTERVAL_SECONDS - time.monotonic()
            self.saying = self._start(self._say_soon(wait))

    async def _say_soon(self, wait: float) -> None:
        if wait > 0:
            await asyncio.sleep(wait)
        topics, self.topics, self.saying = sorted(self.topics), set(), None
        self.said_at = time.monotonic()
        await self.send_json({"topics": topics})

    async def _catch_up(self, missed: memory.Missed) -> None:
        if missed.changed_at > self.heard_at:
            self.heard_at = missed.changed_at
            self._say([EVERYTHING])

    async def _keep(self, ticket: Ticket) -> None:
        """Ask for a new ticket in time, until none comes."""
        await asyncio.sleep(SETTLE_SECONDS)
        while await self._still_stands(ticket):
            renewed = await self._renewed_in_time(ticket)
            if renewed is None:
                await self.close(CLOSE_EXPIRED)
                return
            ticket = renewed

    async def _renewed_in_time(self, ticket: Ticket) -> Ticket | None:
        """A ticket that lasts longer than this one, if it comes before this one is over."""
        await asyncio.sleep(ticket.expires_at - RENEW_SECONDS - time.time())
        self.renewed.clear()
        await self.send_json({"renew": True})
        try:
            async with asyncio.timeout(ticket.expires_at - time.time()):
                while self.ticket is None or self.ticket.expires_at <= ticket.expires_at:
                    await self.renewed.wait()
                    self.renewed.clear()
        except TimeoutError:
            return None
        return self.ticket

    async def _still_stands(self, ticket: Ticket) -> bool:
        """Look after what was not heard: the cache may have been away, and a signal may have been
        sent while the socket was opening."""
        try:
            missed = await memory.missed_by(ticket)
        except (RedisError, OSError):
            await self.close(CLOSE_AWAY)
            return False
        if missed.is_revoked:
            await self.close(CLOSE_REVOKED)
            return False
        await self._catch_up(missed)
        return True


class PageConsumer(AsyncHttpConsumer):  # type: ignore[misc]  # comes without types
    """Answers whoever opens the address of the socket as a page."""

    async def handle(self, body: bytes) -> None:
        headers = {"Content-Type": "text/plain; charset=utf-8", "Upgrade": "websocket"}
        headers |= security_headers()
        await self.send_response(
            426,
            b"Live updates are sent over WebSockets only. Nothing was changed.",
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
        )
