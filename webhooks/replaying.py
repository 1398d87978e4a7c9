"""Applying everything again that matches a filter of the delivery log: a job.

It goes through the deliveries by their key, oldest first, up to the newest there was when somebody
asked; so it can be resumed, and what it changes or what arrives meanwhile moves nothing. They are
applied many at once; when one of those fails or stops the program, each on its own: so it stops no
other.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext

from accounts.http import Caller
from accounts.roles import Right
from config.paging import capped_count
from jobs import actions as jobs
from jobs.actions import JobFailed, Progress
from jobs.kinds import Kind
from jobs.models import Job
from notifications import signals
from tenants.models import Organization
from webhooks import actions, together
from webhooks.exceptions import BodyGone, StopsWorker, is_away
from webhooks.filters import DeliveryFilter, as_text
from webhooks.models import Delivery, DeliveryState
from webhooks.querysets import DeliveryQuerySet

logger = logging.getLogger(__name__)

BATCH = 100
# A body may have 20 MB; of many large ones a batch takes fewer.
BATCH_BYTES = 16 * 1024 * 1024
# Counted exactly up to here; above it, people are told that there are more.
COUNT_LIMIT = 100_000
TITLE = "Apply again: {filter}"
# How one may end, as the job counts it; besides "still quarantined: <reason>" and "failed".
APPLIED, UNCHANGED, IGNORED, BODY_REMOVED = "applied", "unchanged", "ignored", "body removed"
GONE = "gone"
STOPS_WORKER = "left out: never comes to an end"
GOOD = (APPLIED, UNCHANGED, IGNORED)


@dataclass(frozen=True, slots=True)
class Selection:
    """What would be applied again: a filter as it was written, and the newest delivery it means."""

    filters: dict[str, str]
    zone: str
    through: UUID | None

    def as_parameters(self) -> dict[str, Any]:
        return {
            "filters": self.filters,
            "zone": self.zone,
            "through": str(self.through) if self.through else None,
        }

    @classmethod
    def of_parameters(cls, parameters: dict[str, Any]) -> Selection:
        through = parameters["through"]
        return cls(parameters["filters"], parameters["zone"], UUID(through) if through else None)

    def filter(self) -> DeliveryFilter:
        deliveries = Delivery.objects.filter(pk__lte=self.through) if self.through else None
        return DeliveryFilter(
            self.filters,
            Delivery.objects.none() if deliveries is None else deliveries,
            zone=ZoneInfo(self.zone),
        )

    @property
    def deliveries(self) -> DeliveryQuerySet:
        """Raises `JobFailed` when the filter cannot be read: then it would mean too much."""
        filters = self.filter()
        if not filters.form.is_valid():
            raise JobFailed(
                "The filter cannot be read any more, for instance because its agent is gone."
                " Nothing was applied; choose the deliveries again."
            )
        found: DeliveryQuerySet = filters.qs
        return found

    def count(self) -> int:
        """Exact up to `COUNT_LIMIT`."""
        return capped_count(self.deliveries, COUNT_LIMIT)

    @property
    def text(self) -> str:
        return as_text(self.filter())


def select(organization: Organization, filters: DeliveryFilter) -> Selection:
    """What the log shows now under this filter."""
    newest = filters.qs.order_by("-id").values_list("pk", flat=True).first()
    return Selection(filters.given(), organization.time_zone, newest)


def start(organization: Organization, selection: Selection, *, user: Caller | None = None) -> Job:
    """Queue it as a job; the filter stands in the audit log."""
    count = selection.count()
    return jobs.start(
        organization,
        REPLAY,
        title=TITLE.format(filter=selection.text),
        parameters=selection.as_parameters(),
        total=count if count <= COUNT_LIMIT else None,
        user=user,
    )


# How one ended, and what open pages show of it.
End = tuple[str, list[str]]


def run(progress: Progress) -> None:
    """The job. `position` is the last delivery that was tried."""
    deliveries = Selection.of_parameters(progress.job.parameters).deliveries
    while ids := _next(deliveries, progress.position.get("after")):
        topics = {"deliveries"}
        for pk, ends in _apply_batch(ids, progress.organization):
            topics.update(*(touched for _, touched in ends))
            outcomes = Counter(outcome for outcome, _ in ends)
            progress.step(done=len(ends), position={"after": str(pk)}, **outcomes)
        signals.changed(progress.organization.pk, *topics)
    progress.job.message = _summary(progress.job)


def _next(deliveries: DeliveryQuerySet, after: str | None) -> list[UUID]:
    rest = deliveries.filter(pk__gt=UUID(after)) if after else deliveries
    sizes = rest.order_by("id").values_list("pk", "size_bytes")[:BATCH]
    ids: list[UUID] = []
    total = 0
    for pk, size in sizes:
        total += size
        if ids and total > BATCH_BYTES:
            break
        ids.append(pk)
    return ids


def _apply_batch(ids: list[UUID], organization: Organization) -> Iterator[tuple[UUID, list[End]]]:
    """How far it is done now, and how those ended: all at once, else one by one."""
    ends = _apply_together(ids, organization)
    if ends is not None:
        yield ids[-1], ends
        return
    for pk in ids:
        yield pk, [_apply(pk, organization)]


def _apply_together(ids: list[UUID], organization: Organization) -> list[End] | None:
    """None when that does not work: one fails, or was begun before and never came to an end."""
    found = Delivery.objects.in_bulk(ids)
    if any(delivery.unfinished for delivery in found.values()):
        return None
    kept = [it for pk in ids if (it := found.get(pk)) and it.body_removed_at is None]
    try:
        applied = together.apply_again(kept, organization=organization)
    except Exception as error:
        if is_away(error):
            raise
        logger.warning("deliveries could not be applied together, so one by one")
        return None
    ended: dict[UUID, End] = {
        delivery.pk: (_outcome(delivery, it), actions.topics(it.parsed))
        for delivery, it in zip(kept, applied, strict=True)
    }
    return [ended.get(pk, (BODY_REMOVED if pk in found else GONE, [])) for pk in ids]


def _apply(pk: UUID, organization: Organization) -> End:
    """One on its own. Raises when the database is away."""
    delivery = Delivery.objects.filter(pk=pk).first()
    if delivery is None:
        return GONE, []
    try:
        applied = actions.apply_again(delivery, organization=organization)
    except BodyGone:
        return BODY_REMOVED, []
    except StopsWorker:
        return STOPS_WORKER, []
    except Exception as error:
        if is_away(error):
            raise
        logger.exception("a delivery could not be applied again", extra={"delivery": str(pk)})
        return "failed", []
    return _outcome(delivery, applied), actions.topics(applied.parsed)


def _outcome(delivery: Delivery, applied: actions.Applied) -> str:
    if delivery.state == DeliveryState.QUARANTINED:
        return f"still quarantined: {delivery.reason}"
    if delivery.state == DeliveryState.FAILED:
        return "failed"
    if delivery.state == DeliveryState.IGNORED:
        return IGNORED
    return APPLIED if applied.changed else UNCHANGED


def unapplied(job: Job) -> int:
    """How many of those it tried could not be applied."""
    return sum(number for outcome, number in job.counts.items() if outcome not in GOOD)


def _summary(job: Job) -> str:
    left = unapplied(job)
    if not left:
        return gettext("Nothing is left to apply.")
    return ngettext(
        "%(count)s could not be applied and is as it was; the counts say why. Look under"
        " Deliveries which, and apply it again after a fix or an update.",
        "%(count)s could not be applied and are as they were; the counts say why. Look under"
        " Deliveries which, and apply them again after a fix or an update.",
        left,
    ) % {"count": f"{left:,}"}


REPLAY = Kind(
    "replay", "Apply deliveries again", "deliveries", Right.REPLAY_DELIVERIES, run, left=unapplied
)
