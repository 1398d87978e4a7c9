"""Where each value of a call came from, read back from the merge keys (see `merge.py`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from calls.merge import Rank

# Length of what follows rank and weight in a key: end 14, turns 6, body 12.
_TAIL = 32
_LABELS = {
    "status": "Status",
    "duration_ms": "Duration",
    "cost_cents": "Cost",
    "started_at": "Start",
    "ended_at": "End",
    "disconnection_reason": "Ended by",
    "from_number": "From",
    "to_number": "To",
    "agent_id": "Agent",
    "agent_version": "Agent version",
    "call_successful": "Successful",
    "chat_successful": "Successful",
    "user_sentiment": "Sentiment",
    "summary": "Summary",
    "transcript": "Transcript",
    "latency": "Latency",
    "in_voicemail": "In voicemail",
    "test_signal": "Test signal",
}
_RANK_NAMES = {rank.value: rank.name.lower() for rank in Rank}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery as far as it explains values: its event, when it came, and its body's hash."""

    event: str
    received_at: datetime
    body_sha256: bytes


def explain(
    provenance: Mapping[str, str], arrivals: Iterable[Arrival]
) -> list[tuple[str, str, datetime | None]]:
    """(field, event, when it was received) of each value; the time is None when the delivery is
    no longer kept or the value was read from Retell's API."""
    by_hash = {arrival.body_sha256.hex()[:12]: arrival for arrival in arrivals}
    rows = []
    for name, label in _LABELS.items():
        key = provenance.get(name)
        if key is None:
            continue
        arrival = by_hash.get(key[-12:])
        rank = int(key[-_TAIL - 2]) if len(key) >= _TAIL + 2 else 0
        event = arrival.event if arrival else _RANK_NAMES.get(rank, "unknown")
        rows.append((label, event, arrival.received_at if arrival else None))
    return rows
