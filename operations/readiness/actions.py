"""Measuring, signing off, taking back."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from accounts.models import User
from audit.actions import record
from audit.vocabulary import Action, Kind
from operations.readiness import querysets
from operations.readiness.assessment import Assessment, assess, measure_all
from operations.readiness.models import ReadinessAssessment, SignOff
from operations.readiness.vocabulary import Category, Item
from tenants.scope import platform

SIGNED_OFF = Action(
    "readiness.signed_off", "signed off {object} for readiness until {until}", Kind.CREATE
)
WITHDRAWN = Action("readiness.withdrawn", "took back the sign-off of {object}", Kind.DELETE)


class ReadinessError(Exception):
    """Nothing was changed; the message is a sentence for people."""


def request_assessment(requested_by: str) -> bool:
    """Let the worker measure everything; False when it is about to anyway."""
    if querysets.is_pending():
        return False
    with platform(), transaction.atomic():
        asked = ReadinessAssessment.objects.create(requested_by=requested_by)
        # By name: its task needs this module.
        app.configure_task("operations.readiness").defer(assessment_id=asked.pk)
    return True


def assess_now(asked: ReadinessAssessment) -> Assessment:
    """Measure everything and keep what was found. Takes seconds."""
    found = measure_all()
    assessment = assess(found, querysets.sign_offs())
    asked.finished_at = timezone.now()
    asked.score = assessment.score.percent
    asked.scores = {category.value: assessment.score_of(category).percent for category in Category}
    asked.measured = {
        code: {"is_well": one.is_well, "found": one.found, "fix": one.fix}
        for code, one in found.items()
    }
    with platform():
        asked.save()
    return assessment


def sign_off(item: Item, *, actor: User, note: str, days: int) -> SignOff:
    """Give one's word for an item that nothing measures, for so many days.

    Raises `ReadinessError` for one that is measured, and for more days than it may hold.
    """
    if not item.is_signed_off:
        raise ReadinessError(_("This is measured; nobody can sign it off. Nothing was changed."))
    if not 1 <= days <= item.signed_days:
        raise ReadinessError(
            _("This can be signed off for 1 to %(most)s days. Nothing was changed.")
            % {"most": item.signed_days}
        )
    with platform(), transaction.atomic():
        signed = SignOff.objects.create(
            code=item.code,
            note=note,
            signed_by_id=actor.pk,
            signed_by_label=actor.audit_label,
            expires_at=timezone.now() + timedelta(days=days),
        )
        until = f"{signed.expires_at:%Y-%m-%d}"
        record(SIGNED_OFF, item.code, details={"until": until}, reason=note)
    return signed


def withdraw(item: Item) -> None:
    """Take the word back that counts now. Raises `ReadinessError` when there is none."""
    with platform(), transaction.atomic():
        counted = SignOff.objects.filter(code=item.code, withdrawn_at=None)
        if not counted.update(withdrawn_at=timezone.now()):
            raise ReadinessError(_("Nobody has signed this off. Nothing was changed."))
        record(WITHDRAWN, item.code)
