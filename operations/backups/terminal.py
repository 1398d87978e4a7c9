"""What commands about backups say while they work: on a terminal one line that moves, else a line
a step."""

from __future__ import annotations

import time

from django.core.management.base import OutputWrapper

EVERY_SECONDS = 0.5


class Steps:
    """`show` takes what `manifest.Progress` is told. It writes to stderr: stdout is the result."""

    def __init__(self, output: OutputWrapper) -> None:
        self._output = output
        self._name = ""
        self._shown_at = 0.0

    def show(self, name: str, done: int, total: int) -> None:
        if self._output.isatty():
            self._move(name, done, total)
        elif name != self._name:
            self._output.write(f"{name} …")
        self._name = name

    def _move(self, name: str, done: int, total: int) -> None:
        now = time.monotonic()
        if name == self._name and now - self._shown_at < EVERY_SECONDS:
            return
        self._shown_at = now
        of = f" {min(100, 100 * done // total)} %" if total else f" {done:,}" if done else ""
        self._output.write(f"\r\x1b[K{name}{of}", ending="")

    def finish(self) -> None:
        """Leave the line that moved."""
        if self._name and self._output.isatty():
            self._output.write("\r\x1b[K", ending="")
