"""What an admin decides: is a call revenue or a test?"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.masking import masked_text
from audit.actions import record
from audit.vocabulary import Action
from calls.models import Call
from notices.emitting import emit
from notices.topics import Topic

CLASSIFIED = Action("calls.classified", "classed the call {object}")
CLASSIFICATION_KEPT = Action(
    "calls.classification_kept", "confirmed that the call {object} is {is}"
)


class ClassificationError(Exception):
    """The call cannot be reclassified as asked."""


def classify(call: Call, *, is_billable: bool, reason: str, changed_by: str) -> None:
    """Decide whether a call is billable; the reason is kept and outranks Retell's signals.

    Raises `ClassificationError` without a reason.
    """
    reason = reason.strip()
    if not reason:
        raise ClassificationError("Say why: the reason stands on the call from now on.")
    with transaction.atomic():
        before = Call.objects.select_for_update().only("is_billable").get(pk=call.pk).is_billable
        Call.objects.filter(pk=call.pk).update(
            billable_override=is_billable,
            billable_reason=reason[:200],
            billable_changed_by=changed_by,
            billable_changed_at=timezone.now(),
        )
        _record_classification(call, before=before, after=is_billable, reason=reason)
        if before != is_billable:
            _tell(call, was=before, is_billable=is_billable, reason=reason)


def _record_classification(call: Call, *, before: bool, after: bool, reason: str) -> None:
    names = {True: "revenue", False: "test"}
    if before == after:
        record(CLASSIFICATION_KEPT, call, details={"is": names[after]}, reason=reason)
    else:
        changes = {"billing": [names[before], names[after]]}
        record(CLASSIFIED, call, changes=changes, reason=reason)


def _tell(call: Call, *, was: bool, is_billable: bool, reason: str) -> None:
    emit(
        Topic.CALL_RECLASSIFIED,
        {
            "id": str(call.pk),
            "call_id": call.retell_call_id,
            "is_billable": is_billable,
            "was_billable": was,
            "reason": masked_text(reason[:200]),
        },
    )
