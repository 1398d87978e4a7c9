"""How much all processes together ask of somebody else: at most so many in any span of time.

Counted in Redis, exactly, by when each was taken; with Redis gone each process counts for itself,
which the log says. A budget that its owner says is used up is put on hold for everybody.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from django_redis import get_redis_connection
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# KEYS: those taken, the hold. ARGV: limit, span in milliseconds, a name for this one.
# Answers 0, or the milliseconds until it is worth asking again. Redis's clock is everybody's.
_TAKE = """
local held = redis.call('PTTL', KEYS[2])
if held > 0 then return held end
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local limit, span = tonumber(ARGV[1]), ARGV[2] * 1000
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - span)
local taken = redis.call('ZCARD', KEYS[1])
if taken < limit then
  redis.call('ZADD', KEYS[1], now, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 0
end
local next = redis.call('ZRANGE', KEYS[1], taken - limit, taken - limit, 'WITHSCORES')
return math.max(1, math.ceil((next[2] + span - now) / 1000))
"""
# Never shortens a hold.
_HOLD = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
end
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """`limit` of `name` in any `seconds`. Who takes with a smaller limit leaves room to others."""

    name: str
    limit: int
    seconds: float

    def take(self) -> float:
        """Take one: 0.0; or take none, and the seconds until it is worth asking again."""
        try:
            milliseconds = _redis().eval(
                _TAKE,
                2,
                *_keys(self.name),
                self.limit,
                round(self.seconds * 1000),
                uuid.uuid4().hex,
            )
        except RedisError:
            _say_local(self.name)
            return _local.take(self)
        return float(milliseconds) / 1000

    def hold(self, seconds: float) -> None:
        """Nobody takes any for so long, whatever is left."""
        milliseconds = max(1, round(seconds * 1000))
        try:
            _redis().eval(_HOLD, 1, _keys(self.name)[1], milliseconds)
        except RedisError:
            _say_local(self.name)
            _local.hold(self.name, seconds)


def _redis() -> Any:
    return get_redis_connection("limits")


def _keys(name: str) -> tuple[str, str]:
    return f"limits:budget:{{{name}}}:taken", f"limits:budget:{{{name}}}:hold"


def _say_local(name: str) -> None:
    logger.warning("budget counted by this process alone, Redis is away", extra={"group": name})


@dataclass(slots=True)
class _Local:
    """The same for one process."""

    taken: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    held_until: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, budget: Budget) -> float:
        with self.lock:
            now = time.monotonic()
            if (held := self.held_until.get(budget.name, 0) - now) > 0:
                return held
            taken = self.taken[budget.name]
            while taken and taken[0] <= now - budget.seconds:
                taken.popleft()
            if len(taken) < budget.limit:
                taken.append(now)
                return 0.0
            return max(0.001, taken[len(taken) - budget.limit] + budget.seconds - now)

    def hold(self, name: str, seconds: float) -> None:
        with self.lock:
            until = time.monotonic() + seconds
            self.held_until[name] = max(until, self.held_until.get(name, 0))


_local = _Local()
