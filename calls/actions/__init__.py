"""Changes to calls: the merge, alerts, what people decide, note and tag, and what they read."""

from calls.actions.classifying import ClassificationError, classify
from calls.actions.merging import merge, record_alert
from calls.actions.reading import note_listening, note_reading

__all__ = [
    "ClassificationError",
    "classify",
    "merge",
    "note_listening",
    "note_reading",
    "record_alert",
]
