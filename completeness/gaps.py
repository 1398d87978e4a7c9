"""What cannot be brought from Retell: noted, healed when it comes after all, or accepted.

Red on a page must have a way out: what Retell will never answer can be accepted by an admin, with
a reason that stands in the audit log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.actions import record
from audit.vocabulary import Action
from calls.models import Call
from completeness.models import Completeness, Gap, GapKind, Run
from notices.emitting import emit
from notices.topics import Topic
from notifications import signals
from tenants.models import Organization

ACCEPTED = Action(
    "completeness.gap_accepted", "accepted that something stays missing; number: {number}: {items}"
)
SHOWN_ITEMS = 5
TOLD_ITEMS = 100
# One that cannot be read is asked for again after so long.
AGAIN_AFTER = timedelta(days=1)


def note(kind: GapKind, problems: Mapping[str, str]) -> None:
    """Things that cannot be brought, by call id or what stands for it, and why. One that was
    accepted stays accepted."""
    now = timezone.now()
    gaps = [
        Gap(item=item[:80], kind=kind, detail=detail, first_seen_at=now, last_seen_at=now)
        for item, detail in problems.items()
    ]
    with transaction.atomic():
        known = Gap.objects.filter(item__in=[gap.item for gap in gaps], healed_at=None)
        known_items = set(known.values_list("item", flat=True))
        Gap.objects.bulk_create(
            gaps,
            update_conflicts=True,
            unique_fields=["item"],
            update_fields=["kind", "detail", "last_seen_at", "healed_at"],
        )
        _tell(kind, [gap.item for gap in gaps if gap.item not in known_items])


def _tell(kind: GapKind, items: list[str]) -> None:
    """Of new ones, all in one message; of many it names the first."""
    if items:
        data = {"kind": kind.value, "count": len(items), "items": items[:TOLD_ITEMS]}
        emit(Topic.COMPLETENESS_GAP, data)


def tell_if_late(now: datetime) -> None:
    """That calls may be missing, once for as long as no comparison comes through."""
    row = Completeness.objects.filter(pk=1).first()
    if row is None or row.complete_until is None or not row.has_gap(now):
        return
    until = row.complete_until.isoformat()
    emit(
        Topic.COMPLETENESS_GAP,
        {"kind": "late", "complete_until": until},
        key=f"completeness.gap {until}",
    )


def note_healed(items: Collection[str]) -> None:
    """These came after all."""
    healed = set(Gap.objects.open().values_list("item", flat=True)).intersection(items)
    if healed:
        Gap.objects.open().filter(item__in=healed).update(healed_at=timezone.now())


def note_ended() -> None:
    """Calls whose end Retell cannot tell any more, but a webhook told after all."""
    gone = Gap.objects.open().filter(kind=GapKind.GONE).values("item")
    ended = Call.objects.filter(retell_call_id__in=gone).exclude(outcome_code="ongoing")
    note_healed(list(ended.values_list("retell_call_id", flat=True)))


def note_compared(run: Run) -> None:
    """Times that were accepted as not compared, and were compared now."""
    inside = Gap.objects.filter(range_from__gte=run.range_from, range_until__lte=run.range_until)
    inside.filter(kind=GapKind.RANGE, healed_at=None).update(healed_at=timezone.now())


def not_asked_now() -> list[str]:
    """Calls whose last answer could not be read a short while ago."""
    since = timezone.now() - AGAIN_AFTER
    recent = Gap.objects.filter(healed_at=None, last_seen_at__gt=since)
    return list(recent.values_list("item", flat=True))


def accept(
    organization: Organization,
    *,
    gap_ids: Collection[UUID],
    reason: str,
    range_until: str = "",
    user: User | None = None,
) -> int:
    """Accept that these stay missing; how many there were. `range_until`: also what was not
    compared for long, as the page said it."""
    now = timezone.now()
    with transaction.atomic():
        gaps = list(Gap.objects.open().filter(pk__in=gap_ids).select_for_update())
        gaps += _accepted_range(range_until)
        if not gaps:
            return 0
        Gap.objects.filter(pk__in=[gap.pk for gap in gaps]).update(
            accepted_at=now,
            accepted_by_id=user.pk if user else None,
            accepted_by=user.display_name if user else "",
            accept_reason=reason,
        )
        items = ", ".join(gap.item for gap in gaps[:SHOWN_ITEMS])
        more = ", …" if len(gaps) > SHOWN_ITEMS else ""
        record(ACCEPTED, details={"number": len(gaps), "items": items + more}, reason=reason)
    signals.changed(organization.pk, "completeness")
    return len(gaps)


def _accepted_range(range_until: str) -> list[Gap]:
    """Comparing goes on behind what was not compared, if that is still what was shown."""
    row = Completeness.objects.select_for_update().filter(pk=1).first()
    now = timezone.now()
    if not range_until or row is None or not row.is_stuck(now) or row.shown_until != range_until:
        return []
    gap = Gap.objects.create(
        item=f"range {now:%Y-%m-%d %H:%M:%S.%f}", kind=GapKind.RANGE, detail=row.problem,
        range_from=row.complete_until, range_until=now, first_seen_at=row.complete_until or now,
        last_seen_at=now,
    )  # fmt: skip
    Completeness.objects.filter(pk=1).update(
        complete_until=now, not_before=now, complete_from=row.complete_from or now, problem=""
    )
    return [gap]
