"""Measuring without waiting for long: a frozen database must not freeze who asks after it.

A client cannot give a statement up while the server does not run, so the measurements of a round
are made in a thread of their own, with connections of its own. Whoever asks waits for a while and
takes what is known by then. There is one round at a time, and its results are shared for a moment:
asking often costs nothing, so anybody may ask.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from django.db import connections

logger = logging.getLogger(__name__)

T = TypeVar("T")

WAIT_SECONDS = 3.0
FRESH_SECONDS = 2.0
# A round that is still at work then is left alone: its connection may be one that nobody answers.
ABANDONED_SECONDS = 30.0


class _Round(Generic[T]):
    def __init__(self, work: Callable[[], Iterable[T]]) -> None:
        self.began = time.monotonic()
        self.found: list[T] = []
        self.over = threading.Event()
        threading.Thread(target=self._run, args=(work,), name="measuring", daemon=True).start()

    def _run(self, work: Callable[[], Iterable[T]]) -> None:
        try:
            for one in work():
                self.found.append(one)
        except Exception:
            logger.exception("a round of measurements ended early")
        finally:
            connections.close_all()
            self.over.set()

    def is_usable(self) -> bool:
        """At work, or just done."""
        age = time.monotonic() - self.began
        return age < (FRESH_SECONDS if self.over.is_set() else ABANDONED_SECONDS)


class Rounds(Generic[T]):
    """`look()` is what is known after at most `WAIT_SECONDS`."""

    def __init__(self, work: Callable[[], Iterable[T]]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._current: _Round[T] | None = None

    def look(self) -> list[T]:
        with self._lock:
            if self._current is None or not self._current.is_usable():
                self._current = _Round(self._work)
            current = self._current
        current.over.wait(max(0.0, current.began + WAIT_SECONDS - time.monotonic()))
        return list(current.found)
