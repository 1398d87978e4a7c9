"""One change to many calls: to those that were ticked, or to all that a filter means.

What is on one page is changed at once, more by a job. The job goes through the calls by their key,
oldest first, up to the newest there was when somebody was asked: it can be resumed, and calls that
come meanwhile, or leave the filter because they were changed, move nothing. Every call is changed
on its own, with its own entry in the log, as from its page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Right
from calls import actions
from calls.actions.tags import clean_tag
from calls.models import Call, Tag
from calls.querysets import CallQuerySet
from calls.selection import Selection, Totals, totals_of
from config.paging import PAGE_SIZE
from jobs import actions as jobs
from jobs.actions import JobFailed, Progress
from jobs.kinds import Kind
from jobs.models import Job
from notifications import signals
from tenants.models import Organization

AT_ONCE = PAGE_SIZE
BATCH = 100
CLASSIFY, TAG, UNTAG = "classify", "tag", "untag"
RIGHTS = {
    CLASSIFY: Right.CLASSIFY_CALLS,
    TAG: Right.ANNOTATE_CALLS,
    UNTAG: Right.ANNOTATE_CALLS,
}
# How one may end, as the job counts it.
CHANGED, FULL, GONE = "changed", "has too many tags", "gone"
TOPIC = "calls"


@dataclass(frozen=True, slots=True)
class Target:
    """Which calls are meant: a filter, which may name ticked ones, and the newest it found."""

    query: str = ""
    sees_personal_data: bool = False
    through: str = ""

    def as_parameters(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_parameters(cls, parameters: dict[str, Any]) -> Target:
        return cls(**parameters)

    def selection(self, organization: Organization) -> Selection:
        return Selection.from_query(
            self.query, organization=organization, sees_personal_data=self.sees_personal_data
        )

    def calls(self, organization: Organization) -> CallQuerySet:
        """Raises `JobFailed` when the filter cannot be read: then it would mean too much."""
        selection = self.selection(organization)
        if not selection.is_understood:
            raise JobFailed(
                _(
                    "The filter cannot be read any more, for instance because its agent or tag is"
                    " gone. Nothing was changed by it since; choose the calls again."
                )
            )
        return selection.calls().filter(pk__lte=self.through or UUID(int=0))

    def totals(self, organization: Organization) -> Totals:
        return totals_of(self.calls(organization))

    def text(self, organization: Organization) -> str:
        """For the title of a job and the log."""
        return self.selection(organization).text


def all_of(selection: Selection) -> Target:
    """Everything that a filter shows now."""
    pinned = selection.pinned()
    newest = pinned.newest()
    return Target(
        query=pinned.query,
        sees_personal_data=selection.filters.sees_personal_data,
        through=str(newest) if newest else "",
    )


@dataclass(frozen=True, slots=True)
class Change:
    """What is done: `do`, and what a form of `calls.forms_list` holds for it. `by` did it."""

    do: str
    by: str
    is_billable: bool = False
    reason: str = ""
    tag: str = ""

    @classmethod
    def of(cls, do: str, form: dict[str, Any], *, by: str) -> Change:
        """Raises `TagError` for a tag that cannot be."""
        if do == CLASSIFY:
            return cls(do, by, is_billable=form["is_billable"], reason=form["reason"])
        return cls(do, by, tag=clean_tag(form["name"]) if do == TAG else form["tag"].name)

    @property
    def title(self) -> str:
        """With `{filter}` for what it is done to; plain, as it stands in the log."""
        if self.do == CLASSIFY:
            return f"Mark as {'revenue' if self.is_billable else 'test'}: {{filter}}"
        return f"{'Tag' if self.do == TAG else 'Take the tag off'} “{self.tag}”: {{filter}}"

    def apply(self, call: Call) -> str:
        """How it ended."""
        try:
            _CHANGES[self.do](self, call)
        except actions.TagError:
            return FULL
        return CHANGED


def _classify(change: Change, call: Call) -> None:
    actions.classify(
        call, is_billable=change.is_billable, reason=change.reason, changed_by=change.by
    )


def _tag(change: Change, call: Call) -> None:
    actions.tag_call(call, name=change.tag, tagged_by=change.by)


def _untag(change: Change, call: Call) -> None:
    if tag := Tag.objects.filter(name=change.tag).first():
        actions.untag_call(call, tag)


_CHANGES: dict[str, Callable[[Change, Call], None]] = {
    CLASSIFY: _classify,
    TAG: _tag,
    UNTAG: _untag,
}


def apply_now(organization: Organization, target: Target, change: Change) -> dict[str, int]:
    """To what is on one page; how many ended how."""
    counts: dict[str, int] = {}
    for call in target.calls(organization)[:AT_ONCE]:
        outcome = change.apply(call)
        counts[outcome] = counts.get(outcome, 0) + 1
    signals.changed(organization.pk, TOPIC)
    return counts


def start(
    organization: Organization, target: Target, change: Change, *, total: int, user: User
) -> Job:
    """Queue it as a job; what is done to which filter stands in the audit log."""
    return jobs.start(
        organization,
        CLASSIFYING if change.do == CLASSIFY else TAGGING,
        title=change.title.format(filter=target.text(organization)),
        parameters={"target": target.as_parameters(), "change": asdict(change)},
        total=total,
        user=user,
    )


def run(progress: Progress) -> None:
    """The job. `position` is the last call that was tried."""
    parameters = progress.job.parameters
    change = Change(**parameters["change"])
    target = Target.of_parameters(parameters["target"])
    while True:
        rest = target.calls(progress.organization).order_by("id")
        if after := progress.position.get("after"):
            rest = rest.filter(pk__gt=UUID(after))
        ids = list(rest.values_list("pk", flat=True)[:BATCH])
        for pk in ids:
            progress.step(done=1, position={"after": str(pk)}, **{_change_one(change, pk): 1})
        signals.changed(progress.organization.pk, TOPIC)
        if len(ids) < BATCH:
            break
    if full := left(progress.job):
        progress.job.message = _("%(count)s calls have too many tags already.") % {"count": full}


def left(job: Job) -> int:
    """How many were left as they are."""
    return int(job.counts.get(FULL, 0))


def _change_one(change: Change, pk: UUID) -> str:
    call = Call.objects.filter(pk=pk).only("pk", "retell_call_id").first()
    return change.apply(call) if call else GONE


CLASSIFYING = Kind(
    "classify_calls", "Mark calls as revenue or test", "calls", Right.CLASSIFY_CALLS, run
)
TAGGING = Kind("tag_calls", "Tag calls", "calls", Right.ANNOTATE_CALLS, run, left)
