"""Sending what waits: claimed in one short transaction, tried in none, noted in another.

A worker that dies in between leaves a claim that ends by itself: the message is tried again under
the same id, so a receiver may see it twice and never misses it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config import outgoing
from notices import actions, schedule, signing
from notices.emitting import send_soon
from notices.models import Attempt, DisabledReason, Sending, SendingState, Subscription
from notifications import signals
from tenants.encryption import DecryptionError
from tenants.models import Organization

TOPIC = "notices"
ANSWER_SECONDS = 15.0
# A claim outlives the longest try.
CLAIMED_FOR = timedelta(minutes=1)
# Then it is another receiver's turn.
TURN_SECONDS = 20.0
SOON = timedelta(minutes=1)
GONE = 410
USER_AGENT = "Switchboard-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` None: none came, and `problem` is a sentence about why."""

    status: int | None
    duration_ms: int
    problem: str = ""
    text: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def send_due(organization: Organization, subscription_id: UUID) -> int:
    """Send what waits for one receiver, for as long as a turn is; how many tries that were."""
    ends, tries = time.monotonic() + TURN_SECONDS, 0
    while time.monotonic() < ends:
        sending = claim(subscription_id, timezone.now())
        if sending is None:
            break
        try_once(organization, sending)
        tries += 1
    else:
        send_soon(subscription_id)
    if tries:
        signals.changed(organization.pk, TOPIC)
    return tries


def claim(subscription_id: UUID, now: datetime) -> Sending | None:
    """Take what waits longest, so that no other worker does; None when nothing may be sent now."""
    with transaction.atomic():
        subscription = _locked(subscription_id)
        if subscription is None or _is_pausing(subscription, now):
            return None
        due = Sending.objects.due(subscription_id, now).select_for_update(skip_locked=True)
        sending = due.first()
        if sending is None:
            return None
        if subscription.failures >= schedule.BREAKS_AFTER:  # one try decides about the others
            subscription.paused_until = now + CLAIMED_FOR
            subscription.save(update_fields=["paused_until"])
        sending.tries += 1
        sending.last_tried_at, sending.next_try_at = now, now + CLAIMED_FOR
        sending.save(update_fields=["tries", "last_tried_at", "next_try_at"])
    sending.subscription = subscription
    return sending


def _locked(subscription_id: UUID) -> Subscription | None:
    """Without hindering those who add a sending to it."""
    rows = Subscription.objects.select_for_update(no_key=True)
    return rows.filter(pk=subscription_id, is_enabled=True).first()


def _is_pausing(subscription: Subscription, now: datetime) -> bool:
    return subscription.paused_until is not None and subscription.paused_until > now


def try_once(organization: Organization, sending: Sending) -> Answer:
    """Send it and note what came of it."""
    answer = _sent(organization, sending)
    note(organization, sending, answer, timezone.now())
    return answer


def _sent(organization: Organization, sending: Sending) -> Answer:
    body = json.dumps(sending.message.document, ensure_ascii=False, separators=(",", ":"))
    try:
        headers = signing.headers(
            sending.subscription,
            sending.message,
            body,
            organization_id=organization.pk,
            at=datetime.now(UTC),
        )
    except DecryptionError:
        return Answer(None, 0, _("The secret cannot be decrypted any more: make a new one."))
    return post(sending.subscription.url, body, headers)


def post(url: str, body: str, headers: dict[str, str]) -> Answer:
    """One request, as `config.outgoing` allows them. Whatever goes wrong is an answer, too."""
    begun = time.monotonic()
    status, problem, text = None, "", ""
    try:
        outgoing.check_url(url, hosts=["*"])
        with (
            outgoing.client(total_seconds=ANSWER_SECONDS) as client,
            client.stream("POST", url, content=body.encode(), headers=_all(headers)) as response,
        ):
            status = response.status_code
            text = _beginning(response)
    except httpx.TimeoutException:
        problem = _("There was no answer within %(seconds)s seconds.") % {
            "seconds": f"{ANSWER_SECONDS:g}"
        }
    except outgoing.NotAllowed as error:
        problem = str(error)
    except httpx.ConnectError as error:
        problem = _("It could not be reached: %(why)s") % {"why": error}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        problem = _("The answer could not be read: %(why)s") % {"why": type(error).__name__}
    return Answer(status, round((time.monotonic() - begun) * 1000), problem[:200], text)


def _all(headers: dict[str, str]) -> dict[str, str]:
    # Nothing to decompress: what is read of an answer is bounded.
    return {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"} | headers


def _beginning(response: httpx.Response) -> str:
    """The first KB, or what of it comes in time: the status is what counts."""
    found = b""
    try:
        for chunk in response.iter_raw(Attempt.ANSWER_BYTES):
            found += chunk
            if len(found) >= Attempt.ANSWER_BYTES:
                break
    except httpx.TransportError:
        pass
    return found[: Attempt.ANSWER_BYTES].decode(errors="replace").replace("\x00", "\ufffd")


def note(organization: Organization, sending: Sending, answer: Answer, now: datetime) -> None:
    """What came of a try: for the log, for this message, and for the receiver."""
    with transaction.atomic():
        Attempt.objects.create(
            sending=sending,
            at=now,
            duration_ms=answer.duration_ms,
            status=answer.status,
            problem=answer.problem,
            answer=answer.text,
        )
        sending.last_status = answer.status
        if answer.is_accepted:
            sending.state, sending.next_try_at = SendingState.DELIVERED, None
        else:
            sending.next_try_at = schedule.next_try(sending.tries, now)
            if sending.next_try_at is None:
                sending.state = SendingState.FAILED
        sending.save(update_fields=["state", "next_try_at", "last_status"])
        _note_receiver(organization, sending, answer, now)
    if sending.next_try_at is not None and sending.next_try_at - now < SOON:
        wait = sending.next_try_at - now
        send_soon(sending.subscription_id, seconds=int(wait.total_seconds()) + 1)


def _note_receiver(
    organization: Organization, sending: Sending, answer: Answer, now: datetime
) -> None:
    subscription = _locked(sending.subscription_id)
    if subscription is None:  # switched off or deleted meanwhile
        return
    if answer.is_accepted:
        subscription.failures, subscription.failing_since, subscription.paused_until = 0, None, None
        subscription.accepted_at = now
    else:
        subscription.failures += 1
        subscription.failing_since = subscription.failing_since or now
        subscription.paused_until = schedule.paused_until(subscription.failures, now)
    subscription.save(update_fields=["failures", "failing_since", "paused_until", "accepted_at"])
    if answer.status == GONE:
        actions.disable(subscription, organization, DisabledReason.GONE)
    elif subscription.failing_since and schedule.is_hopeless(subscription.failing_since, now):
        actions.disable(subscription, organization, DisabledReason.FAILING)
