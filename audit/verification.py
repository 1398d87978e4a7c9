"""Walks the chains of the audit log as they are stored. Work as the platform, in a transaction."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from django.db import DataError
from django.db.models import QuerySet, Subquery

from audit.chain import Break, End, Walk
from audit.models import OPERATOR_CHAIN, Entry, Head, chain_name
from tenants.models import Organization

BATCH = 1_000


class AnchorsError(Exception):
    """The file of anchors cannot be used; the message says why."""


class Verification:
    """One chain. `breaks()` walks it once; `entries` and `end` are known afterwards."""

    def __init__(self, organization_id: UUID | None, anchor: End | None = None) -> None:
        self.organization_id = organization_id
        self.name = chain_name(organization_id)
        self.holds = True
        self._walk = Walk(anchor)

    @property
    def entries(self) -> int:
        return self._walk.entries

    @property
    def end(self) -> End | None:
        last = self._walk.last
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return End(last.sequence, bytes(last.hash), now) if last else None

    def breaks(self) -> Iterator[Break]:
        for found in self._found():
            self.holds = False
            yield found

    def _found(self) -> Iterator[Break]:
        head = None
        try:
            for entry in self._stored():
                yield from self._walk.step(entry)
                head = _noted(entry)
        except (DataError, ValueError, OverflowError):  # no version of this product wrote that
            place = self.entries + 1
            yield Break(place, f"Entry {place} or one after it cannot be read: it was changed.")
            return
        yield from self._walk.finish(head if self.entries else self._head_alone())

    def _stored(self) -> Iterator[Entry]:
        """The entries, each with the head: one statement, so that both are of one moment."""
        head = Head.objects.filter(pk=self.name)
        entries = Entry.objects.of_chain(self.organization_id).in_order()
        with_head: QuerySet[Entry] = entries.annotate(
            head_sequence=Subquery(head.values("sequence")[:1]),
            head_hash=Subquery(head.values("hash")[:1]),
        )
        return with_head.iterator(chunk_size=BATCH)

    def _head_alone(self) -> End | None:
        """What is noted of a chain without entries, unless one was appended just now."""
        head = Head.objects.filter(pk=self.name).first()
        if head is None or Entry.objects.of_chain(self.organization_id).exists():
            return None
        return End(head.sequence, bytes(head.hash))


def _noted(entry: Entry) -> End | None:
    if entry.head_sequence is None:
        return None
    return End(entry.head_sequence, bytes(entry.head_hash))


def chains() -> list[UUID | None]:
    """Every chain there is, the operator's (None) first, also those that lost their head."""
    noted = set(Head.objects.values_list("chain", flat=True))
    written = Entry.objects.order_by().values_list("organization_id", flat=True).distinct()
    names = noted | {chain_name(organization_id) for organization_id in written}
    return [organization_of(name) for name in sorted(names, key=lambda n: (n != OPERATOR_CHAIN, n))]


def organization_of(chain: str) -> UUID | None:
    return None if chain == OPERATOR_CHAIN else UUID(chain)


def label_of(organization_id: UUID | None) -> str:
    """What a person calls a chain; its organization may be gone."""
    if organization_id is None:
        return "The operator's log"
    organization = Organization.objects.filter(pk=organization_id).first()
    return organization.name if organization else f"The removed organization {organization_id}"


def read_anchors(file: Path) -> dict[str, End]:
    """Ends noted by an earlier run, by chain; none when there is no file yet.

    Raises `AnchorsError` for a file that is something else.
    """
    if not file.exists():
        return {}
    try:
        return {
            chain_name(organization_of(chain)): End(
                int(end["sequence"]), bytes.fromhex(end["hash"]), str(end["noted_at"])
            )
            for chain, end in json.loads(file.read_text()).items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AnchorsError(f"{file} cannot be read as anchors. Nothing was checked.") from error


def write_anchors(file: Path, ends: dict[str, End]) -> None:
    """Whole or not at all: a half-written file would hide what it was kept for."""
    content = {
        chain: {"sequence": end.sequence, "hash": end.hash.hex(), "noted_at": end.noted_at}
        for chain, end in sorted(ends.items())
    }
    fresh = file.with_name(f"{file.name}.new")
    try:
        with fresh.open("w") as out:
            out.write(json.dumps(content, indent=2) + "\n")
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except OSError as error:
        raise AnchorsError(f"{file} cannot be written: {error.strerror}.") from error
