"""Applying many stored deliveries again in one transaction: alone, one costs mostly round trips.

All or nothing: when one of them fails, nothing of it stays, and the caller applies them one by one
(`actions.apply_again`). What was begun is marked and committed before, so that whoever comes after
a worker that died in the middle knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import Error, transaction
from django.db.models import F
from django.db.models.functions import Least
from django.utils import timezone

from agents.actions import note_agent
from calls import actions as calls_actions
from calls.reader import Unreadable
from tenants.models import Organization
from webhooks import actions, retell, rows, storing
from webhooks.actions import Applied
from webhooks.models import Delivery
from webhooks.retell import Parsed

# What applying decides; the other fields only mark its beginning.
_VERDICT = (
    "state", "reason", "reason_detail", "event", "subject_id", "agent_id", "applied_at", "redact_at"
)  # fmt: skip


@dataclass(slots=True)
class _Readable:
    delivery: Delivery
    parsed: Parsed
    # By its own words; what other events say of its call is asked for all together.
    is_restricted: bool
    changed: bool = False


def apply_again(deliveries: Sequence[Delivery], *, organization: Organization) -> list[Applied]:
    """As `actions.apply_again` for each, in order; the deliveries tell what became of them.

    Only for those that have a body and came to an end so far. Raises what one of them raises.
    """
    _begin(deliveries)
    before = [_verdict(delivery) for delivery in deliveries]
    try:
        readable = {it.pk: found for it in deliveries if (found := _read(it)) is not None}
        with transaction.atomic():
            _apply(organization.schema_name, list(readable.values()))
            _end(deliveries, before)
    except Exception:
        with suppress(Error):  # to no end that stays, but not by death
            _rows(deliveries).update(unfinished=0)
        raise
    return [
        _applied(readable.get(it.pk), turned=_verdict(it)[:2] != was[:2])
        for it, was in zip(deliveries, before, strict=True)
    ]


def _applied(found: _Readable | None, *, turned: bool) -> Applied:
    return Applied(found.parsed, found.changed or turned) if found else Applied(None, turned)


def _verdict(delivery: Delivery) -> tuple[Any, ...]:
    return tuple(getattr(delivery, name) for name in _VERDICT)


def _rows(deliveries: Iterable[Delivery]) -> Any:
    return Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries])


def _begin(deliveries: Sequence[Delivery]) -> None:
    """Count the attempts before making them; due soon, should the worker die and nobody go on."""
    _rows(deliveries).update(
        attempts=Least(F("attempts") + 1, actions.ATTEMPTS_MAX),
        unfinished=F("unfinished") + 1,
        retry_at=timezone.now() + actions.RETRY_DELAYS[0],
    )


def _end(deliveries: Sequence[Delivery], before: Sequence[tuple[Any, ...]]) -> None:
    """Most are what they were before; those need no statement of their own values."""
    _rows(deliveries).update(retry_at=None, unfinished=0)
    turned, fields = [], set()
    for delivery, was in zip(deliveries, before, strict=True):
        delivery.retry_at, delivery.unfinished = None, 0
        now = _verdict(delivery)
        if now != was:
            turned.append(delivery)
            fields |= {name for name, x, y in zip(_VERDICT, was, now, strict=True) if x != y}
        actions.tell_if_quarantined_now(delivery, was[0])
    if turned:
        Delivery.objects.bulk_update(turned, fields)


def _read(delivery: Delivery) -> _Readable | None:
    try:
        document, _ = retell.load(bytes(delivery.body))
        delivery.agent_id = retell.agent_of(document)
        parsed = retell.parse(document, bytes(delivery.body_sha256))
    except Unreadable as error:
        actions.note_unreadable(delivery, error)
        return None
    return _Readable(delivery, parsed, bool(retell.restriction(document)))


def _apply(schema: str, found: Sequence[_Readable]) -> None:
    """Agents before calls, the order in which receiving locks them; calls in the order in which
    comparing with Retell does."""
    _note_agents(found)
    in_order = sorted(found, key=lambda it: it.parsed.subject_id)
    for action in storing.TARGETS:
        for turn in _turns(it for it in in_order if it.parsed.action == action):
            _merge(schema, action, turn)
    for it in found:
        if it.parsed.action not in storing.TARGETS:
            it.changed = actions.apply_parsed(schema, it.parsed, it.delivery.received_at)
    restricted = actions.restricted({it.parsed.subject_id for it in found})
    for it in found:
        actions.note_applied(it.delivery, it.parsed)
        subject = it.parsed.subject_id
        if it.is_restricted or not subject or subject in restricted:
            it.delivery.redact_at = timezone.now()


def _note_agents(found: Iterable[_Readable]) -> None:
    """Each with the newest name it was called by."""
    newest: dict[str, tuple[bool, datetime, str | None]] = {}
    for it in found:
        agent, name, said_at = actions.agent_said(it.parsed, it.delivery.received_at)
        if agent is not None:
            said = (bool(name), said_at, name)
            newest[agent] = max(newest.get(agent, said), said, key=lambda one: one[:2])
    for agent, (_, said_at, name) in sorted(newest.items()):
        note_agent(agent, name, said_at=said_at)


def _turns(found: Iterable[_Readable]) -> list[list[_Readable]]:
    """Each call at most once a turn, to tell what each of its deliveries changed."""
    turns: list[list[_Readable]] = []
    seen: Counter[str] = Counter()
    for it in found:
        number = seen[it.parsed.subject_id]
        if number == len(turns):
            turns.append([])
        turns[number].append(it)
        seen[it.parsed.subject_id] += 1
    return turns


def _merge(schema: str, action: str, turn: Sequence[_Readable]) -> None:
    subjects = [it.parsed.subject_id for it in turn]
    before = rows.fingerprints(action, subjects)
    readings = [(it.parsed.reading, it.delivery.received_at) for it in turn if it.parsed.reading]
    calls_actions.merge_many(schema, storing.TARGETS[action], readings)
    after = rows.fingerprints(action, subjects)
    for it in turn:
        it.changed = after[it.parsed.subject_id] != before.get(it.parsed.subject_id)
