"""Making a file: a job, so that it can be left, found again and cancelled."""

from __future__ import annotations

from accounts.roles import Right
from completeness.models import RunState
from completeness.presentation import status
from exports import csv_file, files, pdf_file, xlsx_file
from exports.actions import announce
from exports.files import Superseded
from exports.models import Export, Format
from jobs.actions import Cancelled, JobFailed, Progress
from jobs.kinds import Kind
from notifications import signals

TOPIC = "exports"
COUNTS = ("listed", "inserted", "corrected")
TAKEN_OVER = "Another worker took this over, because the one that began it did not answer."
_WRITERS = {
    Format.CSV: csv_file.write,
    Format.XLSX: xlsx_file.write,
    Format.PDF: pdf_file.write,
}


def run(progress: Progress) -> None:
    """The job. What is left of a cancelled one is removed."""
    export = Export.objects.get(job=progress.job)
    progress.job.done = export.rows
    try:
        if export.finished_at is None:
            _note_completeness(export)
            _WRITERS[export.kind](export, progress)
        announce(export, progress.organization)
    except Cancelled:
        files.clear(export)
        raise
    except Superseded as error:
        raise JobFailed(TAKEN_OVER) from error
    finally:
        signals.changed(progress.organization.pk, TOPIC)
    progress.job.message = "The file is ready. It is kept for seven days."


def _note_completeness(export: Export) -> None:
    """How far the calls were compared with Retell's list when the file was begun."""
    if export.complete_until is not None:
        return
    now = status()
    export.complete_until = now.until
    export.completeness = {"is_late": now.is_late, "open_gaps": now.open_gaps}
    if now.last_run is not None and now.last_run.state == RunState.DONE:
        counts = {name: getattr(now.last_run, name) for name in COUNTS}
        export.completeness |= {"counts": counts}
    export.save(update_fields=["complete_until", "completeness"])


EXPORT = Kind("export", "Export calls", "calls", Right.MANAGE_USERS, run)
EXPORT_CHATS = Kind("export_chats", "Export chats", "chats", Right.MANAGE_USERS, run)
