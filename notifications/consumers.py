"""The live socket: relays "something changed" to one organization's pages. No database."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings

from config.headers import security_headers
from notifications import tickets
from notifications.signals import group_name

CLOSE_REFUSED = 4401


def origin_is_ours(origin: str) -> bool:
    """The page's host must be the operator's, or below it; customers' own domains by setting."""
    host = urlsplit(origin).hostname or ""
    return (
        host in settings.OPERATOR_HOSTS
        or host.endswith(f".{settings.BASE_DOMAIN}")
        or host in settings.LIVE_EXTRA_ORIGINS
    )


class LiveConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # comes without types
    """`/live/?ticket=…`. Sends `{"topics": ["calls"]}`; takes nothing."""

    group: str | None = None

    async def connect(self) -> None:
        query = parse_qs(self.scope["query_string"].decode(errors="replace"))
        headers = dict(self.scope["headers"])
        origin = headers.get(b"origin", b"").decode(errors="replace")
        ticket = tickets.read(query.get("ticket", [""])[0])
        if ticket is None or not origin_is_ours(origin):
            await self.close(CLOSE_REFUSED)
            return
        self.group = group_name(ticket.organization)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        if self.group is not None:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, *args: Any, **kwargs: Any) -> None:
        """Pages have nothing to say here."""

    async def changed(self, event: dict[str, Any]) -> None:
        await self.send_json({"topics": event["topics"]})


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
