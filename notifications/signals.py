""" "Something changed" for open screens: tiny messages by Valkey pub/sub, coalesced.

Sent after the commit, from a thread of its own: at once, then at most four times a second for each
organization. Losing one loses nothing; pages fall back to polling.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from threading import Lock, Thread
from uuid import UUID

from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

MIN_INTERVAL_SECONDS = 0.25


def group_name(organization_id: UUID | str) -> str:
    """The group of one organization's sockets; only the server ever adds a socket to it."""
    return f"organization-{organization_id}"


class _Publisher:
    """Collects changes of all threads of this process and sends them from one event loop."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: dict[str, set[str]] = {}
        self._last_sent: dict[str, float] = {}

    def changed(self, organization_id: UUID, topics: Iterable[str]) -> None:
        key = str(organization_id)
        with self._lock:
            loop = self._loop or self._start()
            pending = self._pending.get(key)
            if pending is not None:
                pending.update(topics)
                return
            self._pending[key] = set(topics)
        loop.call_soon_threadsafe(self._schedule, key)

    def _start(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, name="live-signals", daemon=True).start()
        return self._loop

    def _schedule(self, key: str) -> None:
        wait = self._last_sent.get(key, 0.0) + MIN_INTERVAL_SECONDS - time.monotonic()
        asyncio.get_running_loop().call_later(max(wait, 0), self._send_soon, key)

    def _send_soon(self, key: str) -> None:
        task = asyncio.get_running_loop().create_task(self._send(key))
        task.add_done_callback(_log_failure)

    async def _send(self, key: str) -> None:
        with self._lock:
            topics = self._pending.pop(key, set())
            self._last_sent[key] = time.monotonic()
        layer = get_channel_layer()
        if layer is not None:
            message = {"type": "changed", "topics": sorted(topics)}
            await layer.group_send(group_name(key), message)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.warning("a live signal was not sent, the cache is away")


_publisher = _Publisher()


def changed(organization_id: UUID, *topics: str) -> None:
    """Tell the organization's open screens that these topics ("calls") changed. Never raises."""
    try:
        _publisher.changed(organization_id, topics)
    except RuntimeError:  # no thread could be started
        logger.warning("a live signal was not sent, there is no thread for it")
