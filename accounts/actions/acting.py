"""A super admin's look inside an organization: asked for with a reason, consented to where that is
required, begun, ended. Everything stands in that organization's own audit log."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import logout
from django.db import transaction
from django.utils import timezone

from accounts import access, revocation, tasks
from accounts.exceptions import AccountError
from accounts.http import VisitorRequest
from accounts.models import ActingInside, User
from audit.actions import record
from audit.vocabulary import Action, Kind
from tenants.models import Organization
from tenants.scope import door

ASKED = Action("accounts.visit_asked", "asked to look inside as an operator", Kind.ACCESS)
BEGAN = Action("accounts.visit_began", "began to look inside as an operator", Kind.ACCESS)
ENDED = Action("accounts.visit_ended", "ended the visit of {object}", Kind.ACCESS)
CONSENTED = Action("accounts.visit_allowed", "allowed {object} to look inside")
REFUSED = Action("accounts.visit_refused", "refused to let {object} look inside")
READ = Action("accounts.visit_read", "read the page {path}", Kind.ACCESS)


def ask(organization: Organization, user: User, *, reason: str) -> ActingInside:
    """Ask to look inside; granted at once where the organization requires no consent."""
    with door(), transaction.atomic():
        needs_consent = access.policy_of(organization).act_as_needs_consent
        acting = ActingInside.objects.create(
            organization=organization,
            user=user,
            user_label=user.display_name,
            reason=reason,
            consented_at=None if needs_consent else timezone.now(),
        )
        record(ASKED, reason=reason, organization=organization)
        if needs_consent:
            tasks.tell_admins_of_visit.defer(acting_id=str(acting.pk))
    return acting


def begin(acting: ActingInside) -> None:
    """Start the timer, the first time the link inside is followed.

    Raises `AccountError` when it was refused, is not consented to yet, or is over.
    """
    now = timezone.now()
    with door(), transaction.atomic():
        row = ActingInside.objects.select_for_update().get(pk=acting.pk)
        if row.is_running():
            return
        _check_may_begin(row, now)
        row.started_at, row.ends_at = now, now + settings.SESSION_LIMITS["acting"].absolute
        row.save(update_fields=["started_at", "ends_at"])
        record(BEGAN, reason=row.reason, organization=row.organization)


def _check_may_begin(row: ActingInside, now: datetime) -> None:
    if row.refused_at is not None:
        raise AccountError("The organization refused this visit. Ask again with another reason.")
    if row.consented_at is None:
        raise AccountError("The organization's admins have not agreed yet. Nobody looked inside.")
    is_over = row.started_at is not None or row.ended_at is not None
    if is_over or now > row.consented_at + timedelta(hours=settings.VISIT_CONSENT_VALID_HOURS):
        raise AccountError("This visit is over. Ask again with a reason.")


def consent(acting: ActingInside, *, by: User) -> None:
    """An admin lets the operator look inside. Raises `AccountError` when that was decided."""
    _decide(acting, CONSENTED, consented_at=timezone.now(), consented_by=by.display_name)


def refuse(acting: ActingInside) -> None:
    """An admin does not. Raises `AccountError` when that was decided."""
    _decide(acting, REFUSED, refused_at=timezone.now())


def _decide(acting: ActingInside, decision: Action, **fields: object) -> None:
    with door(), transaction.atomic():
        changed = ActingInside.objects.filter(
            pk=acting.pk, consented_at=None, refused_at=None, ended_at=None
        ).update(**fields)
        if not changed:
            raise AccountError("That was decided already. Nothing was changed.")
        record(
            decision,
            acting.user_label,
            reason=acting.reason,
            organization=acting.organization,
        )


def end(acting: ActingInside) -> None:
    """End it, by the operator or by an admin; what is open inside answers no more. Twice is no
    error."""
    with door(), transaction.atomic():
        ended = ActingInside.objects.filter(pk=acting.pk, ended_at=None).update(
            ended_at=timezone.now()
        )
        if ended:
            revocation.announce_people(acting.organization_id, [acting.user_id])
            record(ENDED, acting.user_label, organization=acting.organization)


def leave(request: VisitorRequest, acting: ActingInside) -> None:
    """The operator goes."""
    end(acting)
    with door():
        logout(request)


def note_page(path: str) -> None:
    """One page read by an operator. Without its parameters: they may hold a number."""
    record(READ, details={"path": path})
