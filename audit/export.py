"""The audit log as a CSV file: all entries that match, however many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, tzinfo
from itertools import chain

from audit.filters import EntryFilter
from audit.models import Entry
from audit.presentation import KEYS, chain_label
from config.csv_files import Cell
from config.paging import keyset_batches
from tenants.models import Organization

COLUMNS = (
    "Time", "Log", "Number", "Who", "Acting as", "What", "Kind", "Object type", "Object ID",
    "Object", "Before and after", "Reason", "Details", "Address", "Device", "Request", "Hash",
)  # fmt: skip

Rows = Sequence[Sequence[Cell]]
Scope = Callable[[], AbstractContextManager[None]]


def filter_text(filters: EntryFilter) -> str:
    """The filters in words: `Person is Alice; Time from Nov 1, 2026, 12:00 AM EDT`."""
    shown = filters.form.shown_values()
    texts = [f"{label} {operator} {value}" for _, label, operator, value in shown]
    return "; ".join(texts) or "none, all entries"


def batches(
    filters: EntryFilter, *, title: str, zone: tzinfo, now: datetime, scope: Scope
) -> Iterator[Rows]:
    """The head, the entries newest first, and a last line that shows that nothing is missing."""
    head = _head(filters, title=title, zone=zone, now=now)
    entries = filters.qs.filter(timestamp__lte=now)
    return chain([head], _entries(keyset_batches(entries, keys=KEYS, scope=scope), scope, zone))


def _head(filters: EntryFilter, *, title: str, zone: tzinfo, now: datetime) -> Rows:
    return [
        [title],
        [f"Times in {zone}"],
        [f"Filter: {filter_text(filters)}"],
        [f"Exported {now.astimezone(zone).isoformat(sep=' ', timespec='seconds')}"],
        COLUMNS,
    ]


def _entries(lists: Iterator[list[Entry]], scope: Scope, zone: tzinfo) -> Iterator[Rows]:
    count = 0
    labels: dict[object, Organization] = {}
    for entries in lists:
        with scope():
            unknown = {entry.organization_id for entry in entries} - labels.keys()
            labels |= {row.pk: row for row in Organization.objects.filter(pk__in=unknown)}
        count += len(entries)
        yield [_cells(entry, labels.get(entry.organization_id), zone) for entry in entries]
    yield [[f"End of the file: {count} entries"]]


def _cells(entry: Entry, organization: Organization | None, zone: tzinfo) -> Sequence[Cell]:
    changes = "; ".join(f"{name}: {old} → {new}" for name, old, new in entry.changed)
    details = {name: value for name, value in entry.details.items() if name != "device"}
    return [
        entry.timestamp.astimezone(zone).isoformat(sep=" ", timespec="milliseconds"),
        chain_label(entry, organization),
        entry.sequence,
        entry.actor_label,
        entry.acting_as,
        entry.sentence,
        entry.code,
        entry.object_type,
        entry.object_pk,
        entry.object_repr,
        changes,
        entry.reason,
        "; ".join(f"{name}: {value}" for name, value in sorted(details.items())),
        entry.remote_addr,
        str(entry.details.get("device", "")),
        entry.cid,
        bytes(entry.hash).hex(),
    ]
