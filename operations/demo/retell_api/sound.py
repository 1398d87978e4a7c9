"""Recordings of the demo: humming voices, that of the agent lower, each when it speaks."""

from __future__ import annotations

import io
import math
import re
import wave
from collections.abc import Iterator, Mapping
from typing import Any

RATE = 8_000
SILENCE = 128  # 8-bit samples are unsigned
SPOKEN_SECONDS = 0.32  # of a word; the transcript's own words are whole phrases
PAUSE_SECONDS = 0.06
# Samples of one swing; a voice goes up and down between its three.
VOICES = {"agent": (56, 50, 60), "user": (36, 33, 40), "transfer_target": (46, 42, 50)}
_ONE_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")


def recording(call: Mapping[str, Any]) -> bytes:
    """A WAV file as long as the call: 8 kHz, 8 bits, mono."""
    samples = bytearray([SILENCE]) * (int(call.get("duration_ms") or 0) * RATE // 1000)
    for voice, number, start, end in _words(call):
        swing = _swing(VOICES[voice][number % 3])
        first, last = int(start * RATE), min(int(end * RATE), len(samples))
        spoken = swing * ((last - first) // len(swing))
        samples[first : first + len(spoken)] = spoken
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(RATE)
        sound.writeframes(samples)
    return file.getvalue()


def _words(call: Mapping[str, Any]) -> Iterator[tuple[str, int, float, float]]:
    """Who says the how manyeth word of a phrase, from when to when."""
    for entry in call.get("transcript_object") or ():
        for phrase in entry.get("words", ()) if entry.get("role") in VOICES else ():
            start, number = phrase["start"], 0
            while start + PAUSE_SECONDS < phrase["end"]:
                end = min(start + SPOKEN_SECONDS, phrase["end"])
                yield entry["role"], number, start, end - PAUSE_SECONDS
                start, number = end, number + 1


def _swing(length: int) -> bytes:
    """One swing with two overtones; it ends where it begins, so that nothing clicks."""
    turns = [2 * math.pi * at / length for at in range(length)]
    return bytes(
        SILENCE + round(18 * math.sin(turn) + 9 * math.sin(2 * turn) + 5 * math.sin(3 * turn))
        for turn in turns
    )


def part(sound: bytes, byte_range: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, bytes and headers of the answer to a `Range`, or of the whole."""
    headers = {"Content-Type": "audio/wav", "Accept-Ranges": "bytes"}
    if (found := _ONE_RANGE.fullmatch(byte_range)) is None:
        return 200, sound, headers
    first, last = int(found[1]), min(int(found[2] or len(sound)), len(sound) - 1)
    if not first <= last:
        return 416, b"", headers | {"Content-Range": f"bytes */{len(sound)}"}
    headers["Content-Range"] = f"bytes {first}-{last}/{len(sound)}"
    return 206, sound[first : last + 1], headers
