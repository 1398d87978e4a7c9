"""Decides what was lost: the sender's word against what the database holds.

Knows nothing of the product's code. What a call must have become is worked out by the plain-Python
model of the merge, and billed seconds once more from the bodies that were sent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from calls.tests.model import expected
from testing.chaos.book import NO_ANSWER, Attempt, Event, Kind
from testing.chaos.stored import Stored, StoredCall

TEST_TAGS = ("test", "dev", "staging")
# Beside a call, in events that Retell does not list afterwards.
_ONLY_SENT = {"details.transfer_destination_attempt", "details.transfer_option_attempt"}

Key = tuple[str, ...]  # organization, SHA-256 or call id, and what else tells


@dataclass
class Findings:
    """What one phase came to; each list names what is wrong, with its organization first."""

    sent: int = 0
    acknowledged: int = 0
    given_up: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    hasty: int = 0  # 503 without a Retry-After
    lost: list[Key] = field(default_factory=list)
    duplicated: list[Key] = field(default_factory=list)
    foreign: list[Key] = field(default_factory=list)
    misfiled: list[Key] = field(default_factory=list)  # in another state than its body deserves
    misbilled: list[Key] = field(default_factory=list)
    unmerged: list[Key] = field(default_factory=list)


def judge(
    events: Iterable[Event],
    attempts: Sequence[Attempt],
    stored: Mapping[str, Stored],
    *,
    known: Iterable[Event] = (),
    compared: bool = False,
) -> Findings:
    """Judge the events of a phase; `known` are those of earlier ones, whose rows are no concern.

    `compared`: Retell's list of calls was compared since, so that every listed call must be as if
    all of its events had arrived.
    """
    ours, earlier = _by_key(events), _by_key(known)
    found = _count(ours, attempts)
    for organization, store in stored.items():
        _judge_deliveries(found, organization, store, ours, earlier, attempts)
        _judge_calls(found, organization, store, ours, earlier, compared=compared)
    return found


def _by_key(events: Iterable[Event]) -> dict[Key, Event]:
    return {(event.organization, event.sha256): event for event in events}


def _count(ours: Mapping[Key, Event], attempts: Sequence[Attempt]) -> Findings:
    acknowledged = {(it.organization, it.sha256) for it in attempts if it.was_acknowledged}
    return Findings(
        sent=len(ours),
        acknowledged=len(acknowledged & ours.keys()),
        given_up=len(ours.keys() - acknowledged),
        answers=Counter(attempt.status for attempt in attempts),
        hasty=sum(attempt.status == 503 and not attempt.says_when for attempt in attempts),
    )


# --- Deliveries ----------------------------------------------------------------------------------


def _judge_deliveries(
    found: Findings,
    organization: str,
    store: Stored,
    ours: Mapping[Key, Event],
    earlier: Mapping[Key, Event],
    attempts: Sequence[Attempt],
) -> None:
    rows = Counter((organization, row.sha256) for row in store.deliveries)
    receipts: Counter[Key] = Counter()
    for row in store.deliveries:
        receipts[organization, row.sha256] += row.receipts
    acknowledged = Counter(
        (it.organization, it.sha256)
        for it in attempts
        if it.was_acknowledged and it.organization == organization
    )
    found.lost += [key for key, times in acknowledged.items() if receipts[key] < times]
    found.duplicated += [key for key, times in rows.items() if times > 1 and key in ours]
    found.foreign += [key for key in rows if key not in ours and key not in earlier]
    for row in store.deliveries:
        event = ours.get((organization, row.sha256))
        if event and row.state != _state(event):
            found.misfiled.append((organization, row.sha256, row.state))


def _state(event: Event) -> str:
    return "applied" if event.kind is Kind.CALL else "quarantined"


# --- Calls ---------------------------------------------------------------------------------------


def _judge_calls(
    found: Findings,
    organization: str,
    store: Stored,
    ours: Mapping[Key, Event],
    earlier: Mapping[Key, Event],
    *,
    compared: bool,
) -> None:
    arrived = {row.sha256 for row in store.deliveries}
    sent = _by_call(ours, organization)
    rows: defaultdict[str, list[StoredCall]] = defaultdict(list)
    for row in store.calls:
        rows[row.call_id].append(row)
    earlier_calls = _by_call(earlier, organization).keys()
    found.foreign += [(organization, it) for it in rows.keys() - sent.keys() - earlier_calls]
    for call_id, told in sent.items():
        key = (organization, call_id)
        whole = compared and is_listed(told)
        events = told if whole else [event for event in told if event.sha256 in arrived]
        if len(rows[call_id]) > 1:
            found.duplicated.append(key)
        if not events:
            found.foreign += [key] if rows[call_id] else []
        elif not rows[call_id]:
            found.lost.append(key)
        else:
            _judge_call(found, key, rows[call_id][0], events, whole=whole)


def _judge_call(
    found: Findings, key: Key, row: StoredCall, events: Sequence[Event], *, whole: bool
) -> None:
    if row.said.get("details.metadata", {}).get("organization", key[0]) != key[0]:
        found.foreign.append(key)
    if _billed_seconds_of(row) != billed_seconds(events):
        found.misbilled.append(key)
    wanted = expected(event.said() for event in events)
    names = wanted.keys() | row.said.keys()
    names -= _ONLY_SENT if whole else set()
    differing = [it for it in names if _plain(wanted.get(it)) != _plain(row.said.get(it))]
    if differing:
        found.unmerged.append((*key, f"({', '.join(sorted(differing))})"))


def _by_call(events: Mapping[Key, Event], organization: str) -> dict[str, list[Event]]:
    calls: defaultdict[str, list[Event]] = defaultdict(list)
    for (owner, _), event in events.items():
        if owner == organization and event.call_id:
            calls[event.call_id].append(event)
    return calls


def is_listed(events: Iterable[Event]) -> bool:
    """Whether Retell's list has the call: by its start, which a call that never connected lacks."""
    return any("start_timestamp" in event.call for event in events)


def billed_seconds(events: Iterable[Event]) -> int:
    """Whole seconds begun, of a call that is no test; 0 before its end is known."""
    calls = [event.call for event in events]
    is_test = any(
        call.get("agent_tag") in TEST_TAGS or (call.get("metadata") or {}).get("test") is True
        for call in calls
    )
    durations = [call["duration_ms"] for call in calls if "duration_ms" in call]
    return 0 if is_test or not durations else _seconds(max(durations))


def _billed_seconds_of(row: StoredCall) -> int:
    return _seconds(row.said.get("duration_ms") or 0) if row.is_billable else 0


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)


def _plain(value: Any) -> Any:
    """Numbers as JSON in the database gives them back."""
    if isinstance(value, Decimal):
        return round(float(value), 7)
    if isinstance(value, float):
        return round(value, 7)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def seconds_until_well(attempts: Iterable[Attempt], healed_at: float) -> float | None:
    """From when the cause was away to the first answer after the last that failed; None if none.

    Tries that began before are left out: they may have waited for what was away.
    """
    after = [attempt for attempt in attempts if attempt.began >= healed_at]
    failed = [it.began for it in after if it.status <= NO_ANSWER or it.status >= 400]
    last_failed = max(failed, default=healed_at)
    good = [it.ended for it in after if it.was_acknowledged and it.began >= last_failed]
    return min(good) - healed_at if good else None
