"""Who read or heard what was said."""

from __future__ import annotations

from audit.actions import record
from audit.vocabulary import Action, Kind
from calls.models import Call, Chat

READ_CALL = Action("calls.read", "read the transcript of the call {object}", Kind.ACCESS)
LISTENED = Action("calls.listened", "listened to the recording of the call {object}", Kind.ACCESS)
DOWNLOADED = Action(
    "calls.downloaded", "downloaded the recording of the call {object}", Kind.ACCESS
)
READ_CHAT = Action("calls.chat_read", "read the messages of the chat {object}", Kind.ACCESS)


def note_reading(conversation: Call | Chat) -> None:
    """Somebody is being shown what was said; without this entry they are not."""
    record(READ_CALL if isinstance(conversation, Call) else READ_CHAT, conversation)


def note_listening(call: Call, *, download: bool) -> None:
    """Once a time it is played from its beginning, and each time it is downloaded."""
    record(DOWNLOADED if download else LISTENED, call)
