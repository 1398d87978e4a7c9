"""The hash chain: what is hashed, and how a break is found and named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from audit.models import Entry

GENESIS = bytes(32)


def _content(entry: Entry, sequence: int) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "organization": str(entry.organization_id or ""),
        "sequence": sequence,
        "code": entry.code,
        "action": int(entry.action),
        "object": [entry.object_type, entry.object_pk, entry.object_repr],
        "changes": entry.changes,
        "details": entry.additional_data,
        "actor": [str(entry.actor_id or ""), entry.actor_label, entry.acting_as],
        "address": entry.remote_addr,
        "request": entry.cid,
        "reason": entry.reason,
        "at": entry.timestamp.astimezone(UTC).isoformat(timespec="microseconds"),
    }


def digest(entry: Entry, *, sequence: int | None = None, previous: bytes | None = None) -> bytes:
    """SHA-256 over the hash of the entry before and everything the entry says."""
    place = entry.sequence if sequence is None else sequence
    before = bytes(entry.previous_hash) if previous is None else previous
    text = json.dumps(_content(entry, place), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(before + text.encode()).digest()


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a chain does not hold, as a sentence."""

    sequence: int
    text: str


def _named(entry: Entry) -> str:
    return f"Entry {entry.sequence} of {entry.timestamp:%Y-%m-%d %H:%M:%S} UTC ({entry.sentence})"


def breaks(entries: Iterable[Entry], *, head: tuple[int, bytes]) -> Iterator[Break]:
    """Every break of one chain; `entries` in order of sequence, `head` as noted beside them."""
    expected, before = 1, GENESIS
    for entry in entries:
        if entry.sequence > expected:
            yield Break(expected, _missing(expected, entry.sequence - 1))
        if digest(entry) != bytes(entry.hash):
            yield Break(entry.sequence, f"{_named(entry)} {_how_changed(entry)}.")
        elif entry.sequence == expected and bytes(entry.previous_hash) != before:
            yield Break(
                entry.sequence,
                f"{_named(entry)} does not follow the entry before it: one of the two was replaced"
                " or moved.",
            )
        expected, before = entry.sequence + 1, bytes(entry.hash)
    yield from _end(expected - 1, before, head)


def _missing(first: int, last: int) -> str:
    if first == last:
        return f"Entry {first} is missing: it was removed."
    return f"Entries {first} to {last} are missing: they were removed."


def _how_changed(entry: Entry) -> str:
    """An entry that holds at a place near by was moved; otherwise its content is another."""
    near = range(max(1, entry.sequence - 50), entry.sequence + 51)
    for place in near:
        if place != entry.sequence and digest(entry, sequence=place) == bytes(entry.hash):
            return f"was moved here from place {place}"
    return "was changed after it was written"


def _end(last: int, last_hash: bytes, head: tuple[int, bytes]) -> Iterator[Break]:
    sequence, noted = head
    if last < sequence:
        yield Break(last + 1, _missing(last + 1, sequence))
    elif last > sequence or last_hash != noted:
        yield Break(last, f"The chain's end, entry {last}, is not the one noted as its newest.")
