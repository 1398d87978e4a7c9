"""Running a comparison: list, merge, fetch what the list lacks, close what never ended."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from agents.retell import CallPage, Kind, RetellApiError
from calls.models import Call
from completeness import gaps
from completeness.comparison import Outcome, apply_items
from completeness.models import (
    Completeness,
    Correction,
    CorrectionKind,
    GapKind,
    Run,
    RunKind,
    RunState,
)
from notifications import signals
from tenants.models import Organization

logger = logging.getLogger(__name__)

UNEXPECTED = "The comparison stopped because of an error on our side; it is tried again."


class Api(Protocol):
    """What a comparison needs of `agents.retell.RetellApi`."""

    def calls(
        self,
        started_from: datetime,
        started_until: datetime,
        *,
        after_key: str | None = None,
        counted: bool = False,
    ) -> Iterable[CallPage]: ...

    def call(self, call_id: str) -> dict[str, Any]: ...


class Steps(Protocol):
    """Told how a comparison goes on."""

    def expect(self, number: int) -> None:
        """So many calls or transcripts are still to come."""

    def page(self, outcome: Outcome, next_key: str) -> None:
        """A page was merged; the next begins at `next_key`, "" behind the last."""

    def transcript(self) -> None:
        """A transcript was asked for."""


def begin(kind: RunKind, since: datetime, until: datetime, *, job_id: UUID | None = None) -> Run:
    """The row of a comparison, or the one of a job that goes on after an interruption."""
    if job_id is not None and (run := Run.objects.filter(job_id=job_id).first()):
        Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING)
        return run
    return Run.objects.create(kind=kind, range_from=since, range_until=until, job_id=job_id)


def compare(
    organization: Organization,
    api: Api,
    run: Run,
    *,
    after_key: str | None = None,
    steps: Steps | None = None,
) -> Run:
    """Make what is stored for the run's range what Retell lists. Raises `RetellApiError`.

    Inside the organization's context. Goes on at `after_key`, "" when the whole list was read;
    doing a page again changes nothing. With `steps` it fetches every transcript there is, without
    as many as one turn of many may ask for.
    """
    try:
        if after_key != "":
            _compare_list(organization, api, run, after_key, steps)
        _close_what_never_ended(organization, api, run)
        _fetch_transcripts(organization, api, run, steps)
    except RetellApiError as error:
        finish(run, RunState.FAILED, str(error))
        raise
    gaps.note_compared(run)
    finish(run, RunState.DONE)
    return run


def _compare_list(
    organization: Organization, api: Api, run: Run, after_key: str | None, steps: Steps | None
) -> None:
    pages = api.calls(
        run.range_from, run.range_until, after_key=after_key, counted=steps is not None
    )
    for page in pages:
        if steps and page.total is not None:
            steps.expect(page.total)
        outcome = apply_items(organization.schema_name, run, page.items)
        _add(run, outcome, page.skipped)
        if steps:
            steps.page(outcome, page.next_key)
        if outcome.changed_ids:
            signals.changed(organization.pk, "calls")


def _add(run: Run, outcome: Outcome, skipped: int = 0) -> None:
    """Counted in the database: a run that goes on keeps what it had."""
    Run.objects.filter(pk=run.pk).update(
        listed=F("listed") + outcome.listed,
        inserted=F("inserted") + outcome.inserted,
        corrected=F("corrected") + outcome.corrected,
        closed=F("closed") + outcome.closed,
        transcripts=F("transcripts") + outcome.transcripts,
        unreadable=F("unreadable") + outcome.unreadable + skipped,
    )


def finish(run: Run, state: RunState, problem: str = "") -> None:
    Run.objects.filter(pk=run.pk).update(state=state, problem=problem, finished_at=timezone.now())
    run.refresh_from_db()


# --- What the list lacks -------------------------------------------------------------------------


def _close_what_never_ended(organization: Organization, api: Api, run: Run) -> None:
    """Calls that are open here for longer than any call lasts: their last webhook never came."""
    before = timezone.now() - timedelta(hours=settings.STUCK_CALL_HOURS)
    stuck = (
        Call.objects.filter(outcome_code="ongoing", sort_at__lt=before)
        .exclude(retell_call_id__in=_known_as(CorrectionKind.GONE))
        .exclude(retell_call_id__in=gaps.not_asked_now())
        .order_by("sort_at")
        .values_list("retell_call_id", flat=True)
    )
    for call_id in list(stuck[: settings.RECONCILE_SINGLE_CALLS]):
        try:
            is_there = _read_one(organization, api, run, call_id)
        except _Unreadable as error:
            gaps.note(GapKind.UNREADABLE, {call_id: str(error)})
        else:
            if not is_there:
                gaps.note(GapKind.GONE, {call_id: ""})
    gaps.note_ended()


def _fetch_transcripts(organization: Organization, api: Api, run: Run, steps: Steps | None) -> None:
    """Lists come without transcripts; each is fetched once, within the budget of requests."""
    silent = _without_transcript(run)
    ids = list(silent if steps else silent[: settings.RECONCILE_SINGLE_CALLS])
    if steps:
        steps.expect(len(ids))
    for call_id in ids:
        with suppress(_Unreadable):  # the call is here but for its transcript: asked again
            if _read_one(organization, api, run, call_id):
                _note_silence(run, call_id)
        if steps:
            steps.transcript()


def lacks_transcripts(run: Run) -> bool:
    """Whether more were missing than one comparison on schedule asks for."""
    return _without_transcript(run).exists()


def _without_transcript(run: Run) -> QuerySet[Call, str]:
    """Ids of ended calls of the run's range, newest first."""
    asked = _known_as(CorrectionKind.NO_TRANSCRIPT, CorrectionKind.GONE)
    return (
        Call.objects.filter(
            sort_at__gte=run.range_from,
            sort_at__lt=run.range_until,
            storage_level=0,
            duration_ms__gt=0,
        )
        .without_final_transcript()
        .exclude(outcome_code="ongoing")
        .exclude(retell_call_id__in=asked)
        .order_by("-sort_at")
        .values_list("retell_call_id", flat=True)
    )


def _known_as(*kinds: CorrectionKind) -> Any:
    return Correction.objects.filter(kind__in=kinds).values("retell_call_id")


class _Unreadable(Exception):
    """What Retell answers about one call cannot be read; that must not stop the others."""


_OF_ONE_CALL = (Kind.INVALID, Kind.UNREADABLE, Kind.TOO_LARGE)


def _read_one(organization: Organization, api: Api, run: Run, call_id: str) -> bool:
    """Merge one call as Retell has it now; False when it does not have it any more."""
    try:
        item = api.call(call_id)
    except RetellApiError as error:
        if error.kind in _OF_ONE_CALL:
            Run.objects.filter(pk=run.pk).update(unreadable=F("unreadable") + 1)
            raise _Unreadable(str(error)) from error
        if error.kind is not Kind.NOT_FOUND:
            raise
        Correction.objects.create(run=run, retell_call_id=call_id, kind=CorrectionKind.GONE)
        return False
    outcome = apply_items(organization.schema_name, run, [item])
    outcome.listed = 0  # it was not part of a list
    _add(run, outcome)
    return True


def _note_silence(run: Run, call_id: str) -> None:
    """Not asked for again when Retell has none."""
    silent = Call.objects.filter(retell_call_id=call_id).without_final_transcript()
    if silent.exists():
        Correction.objects.create(
            run=run, retell_call_id=call_id, kind=CorrectionKind.NO_TRANSCRIPT
        )


# --- Up to when everything is here ---------------------------------------------------------------


def state() -> Completeness:
    row, _ = Completeness.objects.get_or_create(pk=1)
    return row


def compare_on_schedule(organization: Organization, api: Api, *, connected_at: datetime) -> Run:
    """From where the last comparison ended, with an overlap, up to a moment ago.

    A comparison that failed moves nothing: the next one begins where the last good one ended, and
    so everything between the two moments was compared. Raises `RetellApiError`.
    """
    now = timezone.now()
    until = now - timedelta(seconds=settings.RECONCILE_MARGIN_SECONDS)
    row = state()
    is_deep = row.deep_at is None or now - row.deep_at >= timedelta(hours=1)
    run = begin(RunKind.SCHEDULED, _since(row, connected_at, is_deep=is_deep), until)
    try:
        compare(organization, api, run)
    except RetellApiError as error:
        Completeness.objects.filter(pk=1).update(tried_at=now, problem=str(error))
        raise
    except Exception:
        finish(run, RunState.FAILED, UNEXPECTED)
        Completeness.objects.filter(pk=1).update(tried_at=now, problem=UNEXPECTED)
        raise
    Completeness.objects.filter(pk=1).update(
        complete_from=row.complete_from or connected_at,
        complete_until=until,
        deep_at=now if is_deep else row.deep_at,
        tried_at=now,
        problem="",
    )
    signals.changed(organization.pk, "completeness")
    return run


def note_not_begun(error: RetellApiError, *, connected_at: datetime) -> Run:
    """A comparison that Retell could not even be asked for."""
    now, row = timezone.now(), state()
    since = _since(row, connected_at, is_deep=False)
    run = begin(RunKind.SCHEDULED, since, now)
    finish(run, RunState.FAILED, str(error))
    Completeness.objects.filter(pk=1).update(tried_at=now, problem=str(error))
    return run


def _since(row: Completeness, connected_at: datetime, *, is_deep: bool) -> datetime:
    """Not back behind what was accepted as missing: it would fail there again."""
    since = _wanted_since(row, connected_at, is_deep=is_deep)
    return max(since, row.not_before) if row.not_before else since


def _wanted_since(row: Completeness, connected_at: datetime, *, is_deep: bool) -> datetime:
    hours = settings.RECONCILE_DEEP_HOURS if is_deep else settings.RECONCILE_OVERLAP_HOURS
    if row.complete_until is None:
        return connected_at - timedelta(hours=settings.RECONCILE_OVERLAP_HOURS)
    return row.complete_until - timedelta(hours=hours)


def note_backfill(since: datetime, until: datetime) -> None:
    """History was compared back to `since`: counts when it joins what was complete already."""
    row = state()
    joins = row.complete_from is None or until >= row.complete_from
    if joins and (row.complete_from is None or since < row.complete_from):
        Completeness.objects.filter(pk=1).update(complete_from=since)
