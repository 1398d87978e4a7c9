"""The hash chain: what is hashed, and how a break is found and named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from audit.models import Entry

GENESIS = bytes(32)
# How far from its place a moved entry is recognised as the one from there.
NEAR = 50


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


def digest(entry: Entry, *, sequence: int | None = None) -> bytes:
    """SHA-256 over the hash of the entry before and everything the entry says."""
    place = entry.sequence if sequence is None else sequence
    text = json.dumps(_content(entry, place), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(bytes(entry.previous_hash) + text.encode()).digest()


@dataclass(frozen=True, slots=True)
class End:
    """An entry by place and hash: the newest one, or one that was noted elsewhere at `noted_at`."""

    sequence: int
    hash: bytes
    noted_at: str = ""


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a chain does not hold, as a sentence."""

    sequence: int
    text: str


class Walk:
    """One chain, entry by entry in order of sequence; keeps the last entry only.

    `anchor` is an end that was noted outside the database.
    """

    def __init__(self, anchor: End | None = None) -> None:
        self.anchor = anchor
        self.entries = 0
        self.last: Entry | None = None
        # Whether the last entry is what was written, as far as it says itself.
        self._trusted = True

    def step(self, entry: Entry) -> Iterator[Break]:
        """The breaks that show at the next entry."""
        expected = self.last.sequence + 1 if self.last else 1
        follows = entry.sequence == expected
        if entry.sequence > expected:
            yield Break(expected, _missing(expected, entry.sequence - 1))
        holds = digest(entry) == bytes(entry.hash)
        if not holds:
            yield Break(entry.sequence, f"{_named(entry)} {_how_changed(entry)}.")
        elif follows and self._trusted and bytes(entry.previous_hash) != self._last_hash():
            yield self._replaced(entry)
        yield from self._against_anchor(entry)
        self.entries += 1
        self.last, self._trusted = entry, holds

    def finish(self, head: End | None) -> Iterator[Break]:
        """The breaks that show at the end; `head` is what was noted beside the entries."""
        last = self.last.sequence if self.last else 0
        noted = head.sequence if head else 0
        if last < noted:
            yield Break(last + 1, _missing(last + 1, noted))
        elif last > noted:
            yield Break(noted + 1, _added(noted + 1, last))
        elif head and self.last and self._trusted and self._last_hash() != bytes(head.hash):
            yield Break(last, f"{_named(self.last)} is not the one noted as the newest.")
        if self.anchor and max(last, noted) < self.anchor.sequence:
            yield Break(
                last + 1,
                f"Entry {self.anchor.sequence} was there on {self.anchor.noted_at}, and the chain"
                f" ends with entry {last} now: its end was cut off.",
            )

    def _last_hash(self) -> bytes:
        return bytes(self.last.hash) if self.last else GENESIS

    def _replaced(self, entry: Entry) -> Break:
        """The entry itself holds and says what it followed: the one before it is another."""
        if self.last is None:
            return Break(entry.sequence, f"{_named(entry)} was not written as the first.")
        return Break(
            self.last.sequence,
            f"{_named(self.last)} was replaced: entry {entry.sequence} was written after another.",
        )

    def _against_anchor(self, entry: Entry) -> Iterator[Break]:
        anchor = self.anchor
        if anchor and entry.sequence == anchor.sequence and bytes(entry.hash) != anchor.hash:
            yield Break(
                entry.sequence,
                f"{_named(entry)} is not the one noted on {anchor.noted_at}: the chain was"
                " written anew.",
            )


def _named(entry: Entry) -> str:
    return f"Entry {entry.sequence} of {entry.timestamp:%Y-%m-%d %H:%M:%S} UTC ({entry.sentence})"


def _missing(first: int, last: int) -> str:
    if first == last:
        return f"Entry {first} is missing: it was removed."
    return f"Entries {first} to {last} are missing: they were removed."


def _added(first: int, last: int) -> str:
    if first == last:
        return f"Entry {first} was added past the newest one that is noted."
    return f"Entries {first} to {last} were added past the newest one that is noted."


def _how_changed(entry: Entry) -> str:
    """An entry that holds at a place near by was moved; otherwise its content is another."""
    for place in range(max(1, entry.sequence - NEAR), entry.sequence + NEAR + 1):
        if place != entry.sequence and digest(entry, sequence=place) == bytes(entry.hash):
            return f"was moved here from place {place}"
    return "was changed after it was written"
