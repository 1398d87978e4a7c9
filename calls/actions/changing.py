"""Several changes to one call at once, as programs send them: all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction

from accounts.http import Caller
from calls.actions.classifying import classify
from calls.actions.notes import write_note
from calls.actions.tags import clean_tag, tag_call, untag_call
from calls.models import Call


@dataclass(frozen=True, slots=True)
class CallChange:
    """What is None is left alone. `tags` are all that the call has afterwards."""

    is_billable: bool | None = None
    reason: str = ""
    tags: Sequence[str] | None = None
    note: str | None = None


def change_call(
    call: Call, change: CallChange, *, caller: Caller, check: Callable[[Call], None]
) -> None:
    """`check` looks at the call once nobody else can change it, and may raise.

    Raises `ClassificationError`, `TagError`, `NoteError`; then nothing was changed.
    """
    with transaction.atomic():
        Call.objects.select_for_update(of=("self",)).only("pk").get(pk=call.pk)
        check(call)
        if change.is_billable is not None:
            classify(
                call, is_billable=change.is_billable, reason=change.reason,
                changed_by=caller.display_name,
            )  # fmt: skip
        if change.tags is not None:
            _set_tags(call, change.tags, caller)
        if change.note is not None:
            write_note(call, text=change.note, author=caller)


def _set_tags(call: Call, names: Sequence[str], caller: Caller) -> None:
    wanted = {clean_tag(name).casefold(): name for name in names}
    for tag in call.tags.all():
        if tag.name.casefold() not in wanted:
            untag_call(call, tag)
    for name in wanted.values():
        tag_call(call, name=name, tagged_by=caller.display_name)
