"""Which processes run: each says so in Redis, every few seconds, from a thread of its own.

Only for showing who is there, and for `live`, which has no database. That the worker lives is read
from PostgreSQL; with Redis away, nobody is known to be there, and nothing else is wrong.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from django.conf import settings

BEAT_SECONDS = 10
# A process that was killed is gone from the list after so long.
KEPT_SECONDS = 35
TIMEOUT_SECONDS = 1
_PREFIX = "switchboard:process:"


@dataclass(frozen=True, slots=True)
class Process:
    """`kind` is its name in the Procfile; times are seconds since 1970."""

    kind: str
    host: str
    pid: int
    started_at: float
    beaten_at: float
    release: str

    @property
    def started(self) -> datetime:
        return datetime.fromtimestamp(self.started_at, UTC)

    @property
    def beaten(self) -> datetime:
        return datetime.fromtimestamp(self.beaten_at, UTC)


def _client() -> Any:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
    )


_kind = "command"


def kind() -> str:
    """What this process is: its name in the Procfile, or a command of `manage.py`."""
    return _kind


def announce(kind: str) -> None:
    """Say from now on, until this process ends, that it is there."""
    global _kind  # noqa: PLW0603 - a process is of one kind from its start to its end
    _kind = kind
    threading.Thread(
        target=_beat_forever, args=(kind, time.time()), name="presence", daemon=True
    ).start()


def _beat_forever(kind: str, started_at: float) -> None:
    client = _client()
    while True:
        beat(kind, started_at, client)
        time.sleep(BEAT_SECONDS)


def beat(kind: str, started_at: float, client: Any = None) -> None:
    """Say it once. An absent Redis is nothing to report each ten seconds."""
    one = Process(
        kind, socket.gethostname(), os.getpid(), started_at, time.time(), settings.RELEASE
    )
    try:
        (client or _client()).set(
            f"{_PREFIX}{kind}:{one.host}:{one.pid}", json.dumps(asdict(one)), ex=KEPT_SECONDS
        )
    except (redis.RedisError, OSError):
        return


def everyone() -> list[Process]:
    """All processes that gave a sign lately, by kind and age; raises `redis.RedisError`."""
    client = _client()
    keys = list(client.scan_iter(f"{_PREFIX}*", count=1000))
    values = client.mget(keys) if keys else []
    found = [Process(**json.loads(value)) for value in values if value]
    return sorted(found, key=lambda one: (one.kind, one.started_at, one.pid))
