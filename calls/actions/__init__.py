"""Changes to calls: the merge, alerts, what people decide, note and tag, and what they read."""

from calls.actions.changing import CallChange, change_call
from calls.actions.classifying import ClassificationError, classify
from calls.actions.merging import merge, merge_many, record_alert
from calls.actions.notes import NoteError, delete_note, edit_note, write_note
from calls.actions.reading import note_listening, note_reading, note_reading_many
from calls.actions.tags import TagError, tag_call, untag_call

__all__ = [
    "CallChange",
    "ClassificationError",
    "NoteError",
    "TagError",
    "change_call",
    "classify",
    "delete_note",
    "edit_note",
    "merge",
    "merge_many",
    "note_listening",
    "note_reading",
    "note_reading_many",
    "record_alert",
    "tag_call",
    "untag_call",
    "write_note",
]
