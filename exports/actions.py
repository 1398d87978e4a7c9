"""Asking for files, taking them along, removing them. All inside the organization's context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app as procrastinate

from accounts.http import Caller
from audit.actions import record
from audit.vocabulary import Action, Kind
from calls.selection import Selection
from exports.columns import Column, Privacy
from exports.models import KEPT, Chunk, Export, Format
from exports.subjects import ABOUT, Subject
from jobs import actions as jobs
from jobs.kinds import find
from notices.emitting import emit
from notices.topics import Topic
from tenants.models import Organization

MAIL_TASK = "exports.send_ready_mail"
BATCH = 20
# Afterwards not even the list says that there was one.
REMEMBERED = timedelta(days=30)
NEVER = UUID(int=0)

ASKED = Action(
    "exports.asked",
    "asked for an export of {subject} ({format}), numbers {numbers}, filter: {filter}",
    Kind.CREATE,
)  # fmt: skip
DOWNLOADED = Action(
    "exports.downloaded", "downloaded the export {object}, numbers {numbers}", Kind.ACCESS
)
DELETED = Action("exports.deleted", "deleted the export {object}", Kind.DELETE)


class ExportError(Exception):
    """It cannot be done; the message is a sentence for whoever asked."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody chose. `may_take` is their right to whole numbers and what was said."""

    format: Format
    columns: Sequence[Column]
    whole_numbers: bool = False
    subject: Subject = Subject.CALLS
    with_mark: bool = False
    wants_mail: bool = False
    may_take: bool = False

    @property
    def given_columns(self) -> list[Column]:
        """Without what takes a right that they have not."""
        return [c for c in self.columns if self.may_take or c.privacy is not Privacy.TEXT]

    @property
    def gives_whole_numbers(self) -> bool:
        return self.may_take and self.whole_numbers

    @property
    def is_personal(self) -> bool:
        said = any(column.privacy is Privacy.TEXT for column in self.given_columns)
        numbers = any(column.privacy is Privacy.NUMBER for column in self.given_columns)
        return said or (numbers and self.gives_whole_numbers)


def ask(
    organization: Organization,
    selection: Selection,
    wish: Wish,
    *,
    user: Caller,
    total: int | None = None,
) -> Export:
    """Queue it; what was asked, the job and the entry in the log, or none of them."""
    pinned = selection.pinned()
    columns = wish.given_columns
    if not columns:
        raise ExportError("Nothing was asked for: choose at least one column.")
    with transaction.atomic():
        kind = find(ABOUT[wish.subject].job_kind)
        assert kind is not None
        title = f"{wish.subject.label} as {wish.format.label}"
        job = jobs.start(organization, kind, title=title, total=total, user=user)
        export = Export.objects.create(
            job=job,
            subject=wish.subject,
            format=wish.format,
            query=pinned.query,
            through=selection.newest() or NEVER,
            filters=selection.lines,
            column_codes=[column.code for column in columns],
            zone=organization.time_zone,
            sees_personal_data=selection.filters.sees_personal_data,
            whole_numbers=wish.gives_whole_numbers,
            is_personal=wish.is_personal,
            with_mark=wish.with_mark,
            wants_mail=wish.wants_mail,
            asked_by_id=user.pk,
            asked_by=user.display_name,
            expires_at=timezone.now() + KEPT,
        )
        record(
            ASKED,
            export,
            details={
                "subject": wish.subject.value,
                "format": wish.format.value,
                "numbers": _numbers(export),
                "filter": selection.text,
            },
        )
    return export


def announce(export: Export, organization: Organization) -> None:
    """Tell whoever asked, if they want mail, and programs that wait for it."""
    export.refresh_from_db()  # whoever wrote the file noted how it came out
    emit(
        Topic.EXPORT_READY,
        {
            "id": str(export.pk),
            "format": export.format,
            "name": export.name,
            "rows": export.rows,
            "size_bytes": export.size_bytes,
            "sha256": export.sha256,
            "expires_at": export.expires_at.isoformat(),
        },
        key=f"export.ready {export.pk}",
    )
    if export.wants_mail:
        procrastinate.configure_task(MAIL_TASK).defer(
            export_id=str(export.pk), organization_id=str(organization.pk)
        )


def note_download(export: Export) -> None:
    record(DOWNLOADED, export, details={"numbers": _numbers(export)})


def cancel(export: Export) -> None:
    jobs.cancel(export.job)


def delete_export(export: Export) -> None:
    """The file and what was known of it. Raises `ExportError` while it is being made."""
    with transaction.atomic():
        export = (
            Export.objects.select_for_update(of=("self",)).select_related("job").get(pk=export.pk)
        )
        if export.job.is_open:
            raise ExportError("It is still being made: cancel it first. Nothing was deleted.")
        record(DELETED, export)
        Chunk.objects.filter(export=export).delete()
        export.delete()


def remove_expired() -> int:
    """Files whose time is over, one after the other, so that no transaction is long; how many.

    A file that is still being made after a week is one whose worker will not come back.
    """
    now, count = timezone.now(), 0
    for export in Export.objects.due(now).order_by("expires_at")[:BATCH].iterator():
        count += 1
        with transaction.atomic():
            Chunk.objects.filter(export=export).delete()
            Export.objects.filter(pk=export.pk).update(
                removed_at=now, run_id=None, size_bytes=0, position={}
            )
    Export.objects.forgotten(now, REMEMBERED).delete()
    return count


def _numbers(export: Export) -> str:
    return "whole" if export.whole_numbers else "masked"
