"""Receiving a delivery and applying it. What was answered 2xx is on disk.

One statement inserts the delivery (or counts a repetition) and merges it into its call: one round
trip, one commit (`storing.py`). If it fails for any reason but the server's absence, the receipt
alone is stored as *failed* and a job tries again.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import Error, transaction
from django.utils import timezone

from agents.actions import note_agent
from agents.connection.actions.signing_key import mark_connection_checked
from audit import vocabulary
from audit.actions import record
from calls import actions as calls_actions
from calls import sql as calls_sql
from calls.merge import StorageLevel
from calls.models import Call, Chat
from calls.reader import Unreadable
from config.metrics import DELIVERY_AGE
from config.templatetags.formats import moment
from notices.emitting import emit
from notices.topics import Topic
from notifications import signals
from tenants.models import Organization
from tenants.pin import organization_context
from webhooks import retell, rows, storing
from webhooks.endpoints import Endpoint
from webhooks.exceptions import BodyGone, StopsWorker, StorageUnavailable, is_away
from webhooks.models import REASONS, Delivery, DeliveryState
from webhooks.retell import Action, Parsed
from webhooks.storing import Incoming

logger = logging.getLogger(__name__)

REPLAYED = vocabulary.Action("webhooks.replayed", "applied the delivery {object} again")
READ_BODY = vocabulary.Action(
    "webhooks.body_read", "read the raw body of the delivery {object}", vocabulary.Kind.ACCESS
)

ATTEMPTS_MAX = 32_767
REDACTION_BATCH, REDACTION_ROUNDS = 200, 25
REDACTION_SETTLES = timedelta(minutes=1)
# In all, and begun in a row without coming to an end.
TRIED_BY_ITSELF_MAX = 12
UNFINISHED_MAX = 3
RETRY_DELAYS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))


@dataclass(slots=True)
class Receipt:
    """What was stored of one request."""

    parsed: Parsed | None
    state: DeliveryState
    is_repetition: bool = False


def receive(
    endpoint: Endpoint,
    body: bytes,
    *,
    received_at: datetime | None = None,
    source_address: str = "",
    key_index: int = 0,
    key_id: int | None = None,
    headers: dict[str, str] | None = None,
) -> Receipt:
    """Store a correctly signed body and apply it, durably, before returning.

    Raises `StorageUnavailable` when it could not even be stored; nothing was acknowledged then.
    """
    incoming, parsed = storing.read(
        body,
        received_at or timezone.now(),
        source_address,
        key_index,
        key_id=key_id,
        headers=headers,
    )
    try:
        with organization_context(endpoint.scope):
            return _store_or_keep(endpoint.schema_name, incoming, parsed)
    except StorageUnavailable:
        raise
    except Exception as error:
        _log_failure("a delivery could not be stored", incoming.id, error)
        raise StorageUnavailable from error


def _store_or_keep(schema: str, incoming: Incoming, parsed: Parsed | None) -> Receipt:
    """Store and apply; keep the receipt alone when applying is what fails."""
    try:
        fresh = _store_and_apply(schema, incoming, parsed)
    except Exception as error:
        if is_away(error):
            raise StorageUnavailable from error
        _log_failure("applying a delivery failed", incoming.id, error)
        return _store_failed(schema, incoming, parsed)
    return Receipt(parsed, incoming.state, is_repetition=not fresh)


def _store_and_apply(schema: str, incoming: Incoming, parsed: Parsed | None) -> bool:
    """In one transaction, however it ends; whether the body was new."""
    if parsed is None:
        return _store_quarantined(schema, incoming)
    if parsed.action not in (Action.ALERT, Action.CHECK):
        return storing.store(schema, incoming, parsed)
    with transaction.atomic():
        fresh = storing.store(schema, incoming, parsed)
        if fresh:
            _apply_rare(parsed)
    return fresh


def _store_quarantined(schema: str, incoming: Incoming) -> bool:
    with transaction.atomic():
        fresh = storing.store(schema, incoming, None)
        if fresh:
            tell_quarantined(incoming.id, incoming.event, incoming.reason, incoming.received_at)
    return fresh


def tell_quarantined(pk: UUID, event: str, reason: str, received_at: datetime) -> None:
    """Who wants to know is told by a job: the door enqueues nothing."""
    emit(
        Topic.DELIVERY_QUARANTINED,
        {
            "id": str(pk),
            "event": event,
            "reason": reason,
            "received_at": received_at.isoformat(),
        },
        soon=False,
    )


def tell_if_quarantined_now(delivery: Delivery, state_before: str) -> None:
    if delivery.state == DeliveryState.QUARANTINED != state_before:
        tell_quarantined(delivery.pk, delivery.event, delivery.reason, delivery.received_at)


def _log_failure(message: str, delivery_id: UUID, error: Exception) -> None:
    """Without the exception's text: PostgreSQL's quotes the row, phone numbers and all."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
    logger.error(
        "%s: %s %s %s",
        message,
        type(error).__name__,
        getattr(error, "sqlstate", ""),
        place,
        extra={"delivery": delivery_id},
    )


def _store_failed(schema: str, incoming: Incoming, parsed: Parsed | None) -> Receipt:
    """Keep the receipt though applying failed; due for another try."""
    incoming.state = DeliveryState.FAILED
    incoming.reason = "apply_error"
    incoming.retry_at = incoming.received_at + RETRY_DELAYS[0]
    fresh = storing.execute(storing.statement(schema, Action.STORE), incoming.parameters())
    return Receipt(parsed, incoming.state, is_repetition=not fresh)


def _apply_rare(parsed: Parsed) -> None:
    """What is not merged into a call or chat."""
    if parsed.action == Action.CHECK:
        mark_connection_checked()
    elif parsed.action == Action.ALERT and parsed.alert is not None:
        calls_actions.record_alert(parsed.subject_id, parsed.alert, event=parsed.event)


# What open pages of an organization show changes of, besides the deliveries themselves.
_TOPICS = {Action.CALL: "calls", Action.CHAT: "chats", Action.ALERT: "alerts"}


def topics(parsed: Parsed | None) -> list[str]:
    """The topics of `notifications.signals` that a delivery touches."""
    touched = _TOPICS.get(parsed.action) if parsed else None
    return ["deliveries", touched] if touched else ["deliveries"]


# --- Applying again ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of applying a stored delivery once more."""

    parsed: Parsed | None
    changed: bool


def apply_again(delivery: Delivery, *, organization: Organization) -> Applied:
    """Apply what is stored of a delivery once more: a failed one, or one in quarantine after a
    fix. The merge makes it safe for an applied one too.

    Raises `BodyGone`, and `StopsWorker` for one that never comes to an end. The caller says that
    something changed, to `notifications.signals`.
    """
    if delivery.body_removed_at is not None:
        raise BodyGone(
            f"Its body was removed on {moment(delivery.body_removed_at)}, so it cannot be applied"
            " again. Nothing was changed."
        )
    if delivery.unfinished >= UNFINISHED_MAX:
        _give_up(delivery)
        raise StopsWorker(REASONS["stopped_worker"])
    before = (delivery.state, delivery.reason)
    _postpone(delivery)
    parsed, merged = _try_to_apply(delivery, organization.schema_name)
    delivery.unfinished = 0
    with transaction.atomic():
        delivery.save(
            update_fields=[
                "event", "subject_id", "agent_id", "state", "reason", "reason_detail", "applied_at",
                "retry_at", "redact_at", "unfinished",
            ]
        )  # fmt: skip
        tell_if_quarantined_now(delivery, before[0])
    return Applied(parsed, merged or before != (delivery.state, delivery.reason))


def replay(delivery: Delivery, *, organization: Organization) -> Applied:
    """`apply_again` because somebody asked for it, which is written down. Raises `BodyGone`.

    Also one that never came to an end: whoever asks for this very one has a reason.
    """
    before = delivery.verdict
    delivery.unfinished = 0
    with transaction.atomic():
        applied = apply_again(delivery, organization=organization)
        after = delivery.verdict
        changes = {} if after == before else {"state": [before.label, after.label]}
        record(REPLAYED, delivery, changes=changes)
    signals.changed(organization.pk, *topics(applied.parsed))
    return applied


def note_body_read(delivery: Delivery) -> None:
    """Somebody is being shown a raw body; without this entry they are not."""
    record(READ_BODY, delivery)


def _try_to_apply(delivery: Delivery, schema: str) -> tuple[Parsed | None, bool]:
    """What the body said, if it could be read, and whether that changed a row. The delivery, not
    saved yet, tells what became of it."""
    parsed, merged = None, False
    try:
        document, _ = retell.load(bytes(delivery.body))
        delivery.agent_id = retell.agent_of(document)
        parsed = retell.parse(document, bytes(delivery.body_sha256))
        with transaction.atomic():
            merged = apply_parsed(schema, parsed, delivery.received_at)
            may_be_kept = _may_be_kept(document, parsed)
    except Unreadable as error:
        note_unreadable(delivery, error)
        may_be_kept = False
    except Exception as error:
        if is_away(error):
            _note_ended(delivery)
            raise
        _log_failure("applying a delivery again failed", delivery.pk, error)
        _note_failed(delivery)
        may_be_kept = False
    else:
        note_applied(delivery, parsed)
    if not may_be_kept:
        delivery.redact_at = timezone.now()
    return parsed, merged


def note_unreadable(delivery: Delivery, error: Unreadable) -> None:
    """On the delivery, not saved. What it says of storage was perhaps not heard before."""
    delivery.state, delivery.reason = DeliveryState.QUARANTINED, error.code
    delivery.reason_detail, delivery.retry_at = str(error), None
    delivery.redact_at = timezone.now()


def _note_failed(delivery: Delivery) -> None:
    delivery.state, delivery.reason, delivery.reason_detail = (
        DeliveryState.FAILED,
        "apply_error",
        "",
    )
    if delivery.attempts >= TRIED_BY_ITSELF_MAX:
        delivery.reason, delivery.retry_at = "gave_up", None


def _note_ended(delivery: Delivery) -> None:
    """It came to an end, though the database is away; as far as that can be written down."""
    with suppress(Error):
        Delivery.objects.filter(pk=delivery.pk).update(unfinished=0)


def _give_up(delivery: Delivery) -> None:
    """The verdict on one that never comes to an end. What was applied before stays applied."""
    delivery.state, delivery.reason = DeliveryState.FAILED, "stopped_worker"
    delivery.reason_detail, delivery.retry_at = "", None
    delivery.save(update_fields=["state", "reason", "reason_detail", "retry_at"])


def note_applied(delivery: Delivery, parsed: Parsed) -> None:
    """On the delivery, not saved."""
    delivery.event, delivery.subject_id = parsed.event, parsed.subject_id
    delivery.state, delivery.reason = storing.STATES[parsed.action], parsed.reason
    delivery.reason_detail, delivery.retry_at = "", None
    if delivery.state == DeliveryState.APPLIED and delivery.applied_at is None:
        delivery.applied_at = timezone.now()
        waited = (delivery.applied_at - delivery.received_at).total_seconds()
        DELIVERY_AGE.labels("again").observe(waited)


def _may_be_kept(document: Mapping[str, Any], parsed: Parsed) -> bool:
    """Neither the body nor anything else said of its call restricts what is kept of it. Marking
    each replayed one for redaction would put off those that need it."""
    if retell.restriction(document) or not parsed.subject_id:
        return False
    return not restricted({parsed.subject_id})


def _postpone(delivery: Delivery) -> None:
    """Count the attempt before making it, so that one that kills the job cannot block the rest."""
    delivery.attempts = min(delivery.attempts + 1, ATTEMPTS_MAX)
    delivery.unfinished += 1
    delay = RETRY_DELAYS[min(delivery.attempts, len(RETRY_DELAYS)) - 1]
    delivery.retry_at = timezone.now() + delay
    delivery.save(update_fields=["attempts", "unfinished", "retry_at"])


def apply_parsed(schema: str, parsed: Parsed, received_at: datetime) -> bool:
    """Whether the row it is about is another one now."""
    before = rows.fingerprint(parsed)
    target = storing.TARGETS.get(parsed.action)
    if target is not None and parsed.reading is not None:
        agent, name, said_at = agent_said(parsed, received_at)
        note_agent(agent, name, said_at=said_at)
        calls_actions.merge(schema, target, parsed.reading, first_seen_at=received_at)
    _apply_rare(parsed)
    return rows.fingerprint(parsed) != before


def agent_said(parsed: Parsed, received_at: datetime) -> tuple[str | None, str | None, datetime]:
    """Retell's id and name of its agent, and when it was called that."""
    values = parsed.reading.values if parsed.reading else {}
    said_at = values.get("started_at") or received_at
    return values.get("agent_id"), values.get("agent_name"), said_at


# --- Redaction -----------------------------------------------------------------------------------


def redact_restricted() -> int:
    """Redact bodies whose call or chat was restricted by another event, before or after; how many.

    What arrives marks itself when it restricts, or belongs to something restricted. Two that are
    stored at the same moment do not see each other; so a mark stays until all of them are seen.
    """
    count = 0
    for _ in range(REDACTION_ROUNDS):
        settled = timezone.now() - REDACTION_SETTLES
        marked = list(Delivery.objects.to_redact()[:REDACTION_BATCH])
        for subject_id, level in restricted({delivery.subject_id for delivery in marked}).items():
            count += sum(_redact(kept, level) for kept in Delivery.objects.kept_about(subject_id))
        done = [row.pk for row in marked if row.redact_at and row.redact_at < settled]
        Delivery.objects.filter(pk__in=done, redact_at__lt=settled).update(redact_at=None)
        if len(done) < REDACTION_BATCH:
            break
    return count


def restricted(subject_ids: Iterable[str]) -> dict[str, StorageLevel]:
    """Those calls and chats that may not be kept whole, and how far they may."""
    calls = Call.objects.restricted().filter(retell_call_id__in=subject_ids)
    chats = Chat.objects.restricted().filter(retell_chat_id__in=subject_ids)
    found = [
        *calls.values_list("retell_call_id", "storage_level"),
        *chats.values_list("retell_chat_id", "storage_level"),
    ]
    return {subject_id: StorageLevel(level) for subject_id, level in found}


def _redact(delivery: Delivery, restricted_to: StorageLevel) -> bool:
    """Whether anything had to be taken out."""
    try:
        document, _ = retell.load(bytes(delivery.body))
    except Unreadable:
        document = {}  # an older version could read it; what cannot be sifted is not kept
    level = max(retell.restriction(document), restricted_to)
    kept = calls_sql.dumps(retell.without_personal(document, level)).encode()
    if kept == bytes(delivery.body):
        return False
    delivery.body, delivery.is_redacted = kept, True
    delivery.save(update_fields=["body", "is_redacted"])
    return True
