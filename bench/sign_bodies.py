"""Writes signed `call_analyzed` webhooks to a file, every one of another call.

    python -m bench.sign_bodies COUNT FILE API_KEY

A line is a signature, a tab, and the body (about 6 kB). Signatures are good for five minutes.
"""

from __future__ import annotations

import random
import sys
import uuid
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from retell.lib.webhook_auth import symmetric

from operations.demo.generator import generate_calls
from operations.demo.profiles import ACME
from operations.demo.stories import encode

TEMPLATES = 200
BODY_BYTES = range(5_000, 7_500)


def write_bodies(count: int, file: Path, api_key: str) -> None:
    """`count` lines; fresh ids in every body and its links."""
    sign = symmetric["sign"]
    chosen = random.Random(count)
    templates = _templates()
    with file.open("w", encoding="utf-8", newline="\n") as lines:
        for _ in range(count):
            call_id, text = chosen.choice(templates)
            body = text.replace(call_id, f"call_{uuid.uuid4().hex[:27]}")
            lines.write(f"{sign(body, api_key)}\t{body}\n")


@cache
def _templates() -> list[tuple[str, str]]:
    """(call id, body) of conversations of the usual length."""
    found: list[tuple[str, str]] = []
    calls = generate_calls(ACME, now=datetime.now(UTC), days=7, count=2_000, seed=7)
    for story in calls:
        body = next(body for body in story.events if body["event"] == "call_analyzed")
        text = encode(body).decode()
        if len(text) in BODY_BYTES and len(found) < TEMPLATES:
            found.append((story.call_id, text))
    return found


if __name__ == "__main__":
    write_bodies(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
