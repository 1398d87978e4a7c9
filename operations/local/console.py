"""The supervisor's lines on the terminal."""

from __future__ import annotations

import os
import select
import time

COLOURS = {"web": 36, "live": 35, "worker": 33, "feed": 32, "retell": 34}
PLAIN = 2
NAME_WIDTH = 14
CHUNK = 4096  # a pipe that is ready takes this much without blocking
PATIENCE_SECONDS = 0.2


class Console:
    """Writes lines, and never waits long for a reader.

    A closed terminal or a full pipe must not keep the supervisor from stopping its processes;
    what is lost here is still in the logs.
    """

    def __init__(self, descriptor: int = 1) -> None:
        self.descriptor = descriptor
        self.is_clogged = False
        self.is_terminal = os.isatty(descriptor)
        self.coloured = self.is_terminal and "NO_COLOR" not in os.environ
        self.poll = select.poll()
        self.poll.register(descriptor, 0)  # only for what is always reported: a hang-up

    def is_closed(self) -> bool:
        """Whether the terminal was closed.

        Its SIGHUP goes to the first process in it. Where that is `make`, it waits for us.
        """
        return self.is_terminal and any(
            events & select.POLLHUP for _descriptor, events in self.poll.poll(0)
        )

    def say(self, text: str = "") -> None:
        self._write(f"{text}\n".encode())

    def relay(self, name: str, lines: list[bytes]) -> None:
        """Lines of a process, each after its name."""
        label = f"{name:<{NAME_WIDTH}} |"
        if self.coloured:
            label = f"\x1b[{COLOURS.get(name, PLAIN)}m{label}\x1b[0m"
        self._write(b"".join(label.encode() + b" " + line + b"\n" for line in lines))

    def _write(self, data: bytes) -> None:
        for start in range(0, len(data), CHUNK):
            if not self._accepts():
                return
            try:
                os.write(self.descriptor, data[start : start + CHUNK])
            except OSError:  # the reader is gone
                return

    def _accepts(self) -> bool:
        """Whether the reader takes more; one that once did not is not waited for again."""
        patience = 0 if self.is_clogged else PATIENCE_SECONDS
        try:
            self.is_clogged = not select.select([], [self.descriptor], [], patience)[1]
        except OSError:
            self.is_clogged = True
        return not self.is_clogged


class Progress:
    """Says that a long step still runs, and how long it has."""

    EVERY_SECONDS = 5

    def __init__(self, console: Console, step: str) -> None:
        self.console = console
        self.step = step
        self.began = time.monotonic()
        self.next_line = self.began + self.EVERY_SECONDS
        console.say(f"{step} …")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def tick(self) -> None:
        if time.monotonic() >= self.next_line:
            self.next_line += self.EVERY_SECONDS
            self.console.say(f"{self.step} … {self.seconds:.0f} s")

    def done(self) -> None:
        self.console.say(f"{self.step}: done in {self.seconds:.1f} s")
