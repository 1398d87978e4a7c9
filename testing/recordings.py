"""A host of recordings, as Retell's links lead to one: whole files, ranges, and a few bad habits by
path."""

from __future__ import annotations

import http.server
import io
import math
import struct
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

RATE = 8_000


def tone(seconds: int) -> bytes:
    """A WAV file of a quiet hum."""
    period = RATE // 200
    cycle = [round(2_000 * math.sin(2 * math.pi * at / period)) for at in range(period)]
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(struct.pack(f"<{period}h", *cycle) * (seconds * RATE // period))
    return file.getvalue()


class _Sounds(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.headers.get("Range"))  # type: ignore[attr-defined]
        if self.path.startswith("/gone"):
            self.send_error(403)
        elif self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
        elif self.path.startswith("/page"):
            self._answer(200, b"<h1>Not a sound</h1>", "text/html")
        else:
            self._sound(self.server.sound)  # type: ignore[attr-defined]

    def _sound(self, sound: bytes) -> None:
        wanted = self.headers.get("Range")
        if wanted is None:
            self._answer(200, sound, "audio/wav")
            return
        first, last = wanted.removeprefix("bytes=").split("-")
        part = sound[int(first) : int(last or len(sound) - 1) + 1]
        place = f"bytes {first}-{int(first) + len(part) - 1}/{len(sound)}"
        self._answer(206, part, "audio/wav", place)

    def _answer(self, status: int, body: bytes, kind: str, place: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if place:
            self.send_header("Content-Range", place)
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            return  # who sought elsewhere reads no further

    def log_message(self, format: str, *args: Any) -> None:
        return None


@contextmanager
def recordings_host(sound: bytes) -> Iterator[Any]:
    """Listens on 127.0.0.1 until the end of the block: `url`, and the ranges that were `asked`."""
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Sounds)
    server.asked = []
    server.sound = sound
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
