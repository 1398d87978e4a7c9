"""What people write beside a call. The log says that, and about which call; not what."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.http import Caller
from audit.actions import record
from audit.vocabulary import Action, Kind
from calls.models import Call, CallNote

MAX_NOTES = 200

NOTE_WRITTEN = Action("calls.note_written", "wrote a note on the call {object}", Kind.CREATE)
NOTE_EDITED = Action("calls.note_edited", "edited a note of theirs on the call {object}")
NOTE_DELETED = Action(
    "calls.note_deleted", "deleted a note of {author} on the call {object}", Kind.DELETE
)


class NoteError(Exception):
    """The note cannot be kept; the message says why."""


def write_note(call: Call, *, text: str, author: Caller) -> CallNote:
    """Raises `NoteError` for one without words, or one too many."""
    text = _checked(text)
    with transaction.atomic():
        locked = Call.objects.select_for_update(of=("self",)).only("pk").get(pk=call.pk)
        if locked.notes.count() >= MAX_NOTES:
            raise NoteError(
                _("A call holds %(limit)s notes. Delete one first.") % {"limit": MAX_NOTES}
            )
        note = CallNote.objects.create(
            call=call, text=text, author_id=author.pk, author=author.display_name
        )
        record(NOTE_WRITTEN, call)
    return note


def edit_note(note: CallNote, *, text: str) -> None:
    """Raises `NoteError` for one without words."""
    note.text = _checked(text)
    note.edited_at = timezone.now()
    with transaction.atomic():
        note.save(update_fields=["text", "edited_at"])
        record(NOTE_EDITED, note.call)


def delete_note(note: CallNote) -> None:
    with transaction.atomic():
        note.delete()
        record(NOTE_DELETED, note.call, details={"author": note.author})


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise NoteError(_("Write something first."))
    return text[: CallNote.TEXT_MAX_LENGTH]
