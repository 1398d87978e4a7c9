"""Who read or heard what was said."""

from __future__ import annotations

from collections.abc import Sequence

from audit.actions import record
from audit.vocabulary import Action, Kind
from calls.models import Call, Chat

READ_CALL = Action("calls.read", "read the transcript of the call {object}", Kind.ACCESS)
LISTENED = Action("calls.listened", "listened to the recording of the call {object}", Kind.ACCESS)
DOWNLOADED = Action(
    "calls.downloaded", "downloaded the recording of the call {object}", Kind.ACCESS
)
READ_CHAT = Action("calls.chat_read", "read the messages of the chat {object}", Kind.ACCESS)

READ_CALLS = Action(
    "calls.read_many", "read the transcripts of {count} calls, {first} to {last}", Kind.ACCESS
)


def note_reading_many(calls: Sequence[Call]) -> None:
    """A program is being given what was said in these."""
    first, last = calls[0].retell_call_id, calls[-1].retell_call_id
    record(READ_CALLS, details={"count": len(calls), "first": first, "last": last})


def note_reading(conversation: Call | Chat) -> None:
    """Somebody is being shown what was said; without this entry they are not."""
    record(READ_CALL if isinstance(conversation, Call) else READ_CHAT, conversation)


def note_listening(call: Call, *, download: bool) -> None:
    """Once a time it is played from its beginning, and each time it is downloaded."""
    record(DOWNLOADED if download else LISTENED, call)
