""" "Something changed" and "this is over" for open screens: tiny messages by Valkey pub/sub.

Sent after the commit, from a thread of its own, collected for a moment; `live` coalesces what all
processes say to four times a second. Nothing at the end of a burst is lost: what cannot be sent is
tried again, and a socket asks `notifications.memory` what it missed.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future
from contextlib import suppress
from threading import Lock, Thread
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

from accounts.revocation import Revocation
from notifications import memory

logger = logging.getLogger(__name__)

BATCH_SECONDS = 0.05
RETRY_SECONDS = 1.0
MOST_RETRIES = 30
# Whoever ends a session waits for it so long: a command could be over before it was said.
REVOCATION_SECONDS = 1.0


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
        self._failures: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def changed(self, organization_id: UUID, topics: Iterable[str]) -> None:
        key = str(organization_id)
        with self._lock:
            loop = self._loop or self._start()
            is_scheduled = key in self._pending
            self._pending.setdefault(key, set()).update(topics)
        if not is_scheduled:
            loop.call_soon_threadsafe(self._schedule, key)

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> Future[None]:
        with self._lock:
            loop = self._loop or self._start()
        return asyncio.run_coroutine_threadsafe(work(), loop)

    @property
    def is_started(self) -> bool:
        return self._loop is not None

    @property
    def is_idle(self) -> bool:
        return not self._pending and not self._tasks

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        Thread(target=loop.run_forever, name="live-signals", daemon=True).start()
        self._loop = loop
        return loop

    def _schedule(self, key: str) -> None:
        wait = self._last_sent.get(key, 0.0) + BATCH_SECONDS - time.monotonic()
        asyncio.get_running_loop().call_later(max(wait, 0), self._send_soon, key)

    def _send_soon(self, key: str) -> None:
        task = asyncio.get_running_loop().create_task(self._send(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, key: str) -> None:
        with self._lock:
            topics = self._pending.pop(key, set())
        self._last_sent[key] = time.monotonic()
        try:
            await memory.note_change(key)
            await _to_group(key, {"type": "changed", "topics": sorted(topics)})
            del self._failures[key]
        except Exception:  # noqa: BLE001 - the cache is away, in whatever way it is
            self._try_again(key, topics)

    def _try_again(self, key: str, topics: set[str]) -> None:
        logger.warning("a live signal was not sent, the cache is away")
        self._failures[key] += 1
        if self._failures[key] > MOST_RETRIES:
            del self._failures[key]  # pages look by themselves meanwhile
            return
        with self._lock:
            is_scheduled = key in self._pending
            self._pending.setdefault(key, set()).update(topics)
        if not is_scheduled:
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._send_soon, key)


async def _to_group(organization_id: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(group_name(organization_id), message)


async def _revoke(revocation: Revocation) -> None:
    """Remembered first: a socket that opens between the two finds it, and those that are open
    hear it."""
    await memory.note_revocation(revocation)
    message = {
        "type": "revoked",
        "sessions": [str(pk) for pk in revocation.session_ids],
        "users": [str(pk) for pk in revocation.user_ids],
        "everybody": revocation.everybody,
    }
    await _to_group(str(revocation.organization_id), message)


_publisher = _Publisher()


def changed(organization_id: UUID, *topics: str) -> None:
    """Tell the organization's open screens that these topics ("calls") changed. Never raises."""
    try:
        _publisher.changed(organization_id, topics)
    except RuntimeError:  # no thread could be started
        logger.warning("a live signal was not sent, there is no thread for it")


def revoke(revocation: Revocation) -> None:
    """Close the sockets it is about, now. Never raises: with the cache away they end when their
    tickets do, which nobody renews."""
    try:
        _publisher.run(lambda: _revoke(revocation)).result(REVOCATION_SECONDS)
    except Exception:  # noqa: BLE001 - no thread, or the cache is away in whatever way it is
        logger.warning("a revocation was not sent, the cache is away")


async def _hang_up() -> None:
    await memory.close()
    layer = get_channel_layer()
    if layer is not None:
        await layer.flush()


@atexit.register
def _say_the_rest() -> None:
    """A command ends sooner than what it said has left."""
    if not _publisher.is_started:
        return
    deadline = time.monotonic() + REVOCATION_SECONDS
    while not _publisher.is_idle and time.monotonic() < deadline:
        time.sleep(0.01)
    with suppress(Exception):
        _publisher.run(_hang_up).result(REVOCATION_SECONDS)
