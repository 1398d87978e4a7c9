"""Changes to calls: the merge, alerts, what people decide, note and tag, and what they read."""

from calls.actions.classifying import ClassificationError, classify
from calls.actions.merging import merge, merge_many, record_alert
from calls.actions.notes import NoteError, delete_note, edit_note, write_note
from calls.actions.reading import note_listening, note_reading
from calls.actions.tags import TagError, tag_call, untag_call

__all__ = [
    "ClassificationError",
    "NoteError",
    "TagError",
    "classify",
    "delete_note",
    "edit_note",
    "merge",
    "merge_many",
    "note_listening",
    "note_reading",
    "record_alert",
    "tag_call",
    "untag_call",
    "write_note",
]
