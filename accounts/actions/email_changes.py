"""Another e-mail address for one's account: both addresses confirm it, until then the old stays."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, auto
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from accounts import tasks
from accounts.actions.sessions import end_sessions
from accounts.http import MemberRequest, VisitorRequest
from accounts.links import Side
from accounts.models import EmailChange, User, normalize_email
from audit.actions import record
from audit.vocabulary import Action
from tenants.models import Organization
from tenants.scope import door

ASKED = Action("accounts.email_change_asked", "asked to change their e-mail address")
STOPPED = Action("accounts.email_change_stopped", "stopped the change of their e-mail address")
CHANGED = Action("accounts.email_changed", "changed their e-mail address")


class Result(Enum):
    """What came of a click on a link."""

    GONE = auto()  # expired, stopped, or done
    WAITING = auto()  # for the other address
    DONE = auto()
    TAKEN = auto()  # somebody else has the address meanwhile


def find_open_change(change_id: UUID) -> EmailChange | None:
    with door():
        return _open().select_related("user").filter(pk=change_id).first()


def open_change_of(user: User) -> EmailChange | None:
    with door():
        return _open().filter(user=user).first()


def ask_for_change(request: MemberRequest, *, new_email: str) -> None:
    """Begin, in place of a change that waited. A taken address is told by nothing here: the mail
    to it says something else, and no link goes there."""
    organization: Organization | None = request.organization
    with door(), transaction.atomic():
        user = User.objects.select_for_update().get(pk=request.user.pk)
        EmailChange.objects.filter(user=user).delete()
        change = EmailChange.objects.create(
            user=user,
            new_email=normalize_email(new_email),
            expires_at=timezone.now() + timedelta(hours=settings.EMAIL_CHANGE_VALID_HOURS),
        )
        record(ASKED)
        for side in Side:
            tasks.send_email_change.defer(
                change_id=str(change.pk),
                side=side.value,
                organization_id=str(organization.pk) if organization else None,
            )


def confirm_change(request: VisitorRequest, change_id: UUID, side: Side) -> Result:
    """One address agrees; when both have, the account has the new one."""
    with door(), transaction.atomic():
        change = _open().select_for_update(of=("self",)).filter(pk=change_id).first()
        if change is None:
            return Result.GONE
        if side is Side.OLD:
            change.old_confirmed_at = change.old_confirmed_at or timezone.now()
        else:
            change.new_confirmed_at = change.new_confirmed_at or timezone.now()
        change.save(update_fields=["old_confirmed_at", "new_confirmed_at"])
        if not (change.old_confirmed_at and change.new_confirmed_at):
            return Result.WAITING
        return _complete(request, change)


def stop_change(user: User) -> bool:
    """Nothing is changed; False when nothing waited."""
    with door(), transaction.atomic():
        stopped, _ = EmailChange.objects.filter(user=user).delete()
        if stopped:
            record(STOPPED, actor=user)
    return bool(stopped)


def _open() -> models.QuerySet[EmailChange]:
    return EmailChange.objects.filter(expires_at__gt=timezone.now(), user__is_active=True)


def _complete(request: VisitorRequest, change: EmailChange) -> Result:
    user = User.objects.select_for_update().get(pk=change.user_id)
    old_email, user.email = user.email, change.new_email
    change.delete()
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
    except IntegrityError:
        return Result.TAKEN
    own_key = request.session.session_key if request.user == user else None
    end_sessions(user, except_key=own_key)
    entry = record(CHANGED, actor=user, changes={"email": [old_email, user.email]})
    tasks.tell_former_address.defer(entry_id=str(entry.pk), user_id=str(user.pk))
    return Result.DONE
