"""Setting a new password: by somebody who is signed in, or by the link of a mail."""

from __future__ import annotations

from uuid import UUID

import uuid_utils.compat
from django.contrib.auth import logout, update_session_auth_hash
from django.db import transaction
from django.utils import timezone

from accounts import links, tasks
from accounts.actions.sessions import end_sessions
from accounts.exceptions import AccountError
from accounts.http import MemberRequest, VisitorRequest
from accounts.models import EmailChange, User, normalize_email
from audit.actions import record
from audit.vocabulary import Action
from tenants.models import Organization
from tenants.scope import door

CHANGED = Action("accounts.password_changed", "changed their password")
RESET = Action("accounts.password_reset", "set a new password by the link of a mail")


def ask_for_reset(email: str, organization: Organization | None) -> None:
    """Have a link mailed, if somebody with this address may sign in here.

    The same is done for every address, in the same time: one look-up and one job. The job gets
    the person's id, or one that nobody has, and finds out the rest: no address that somebody
    typed stays in the queue, nor any link.
    """
    nobody = uuid_utils.compat.uuid7()
    with door(), transaction.atomic():
        known = User.objects.filter(email=normalize_email(email)).values_list("pk", flat=True)
        tasks.send_password_reset.defer(
            user_id=str(known.first() or nobody), organization_id=_id(organization)
        )


def change_password(request: MemberRequest, *, password: str) -> None:
    """Set it, and leave no other session of theirs."""
    with door(), transaction.atomic():
        user = _set_password(request.user.pk, password)
        update_session_auth_hash(request, user)
        end_sessions(user, except_key=request.session.session_key)
        record(CHANGED)
        _tell(user, "password_changed", request.organization)


def reset_password(request: VisitorRequest, *, uid: str, token: str, password: str) -> None:
    """Set it by a link, and end every session of theirs; nobody is signed in by that.

    Raises `AccountError` when the link was used by another request meanwhile.
    """
    with door(), transaction.atomic():
        found = links.user_of_reset(uid, token, request.organization)
        # Looked at again with the row locked: of two requests at once, one sets the password.
        locked = found and User.objects.select_for_update().get(pk=found.pk)
        if not locked or links.user_of_reset(uid, token, request.organization) is None:
            raise AccountError("This link was used already. Ask for a new one.")
        user = _set_password(locked.pk, password)
        logout(request)  # whoever was signed in here; a session that is gone cannot be saved
        end_sessions(user)
        record(RESET, actor=user)
        _tell(user, "password_reset", request.organization)


def _set_password(user_id: UUID, password: str) -> User:
    user = User.objects.select_for_update().get(pk=user_id)
    user.set_password(password)
    user.password_changed_at = timezone.now()
    user.save(update_fields=["password", "password_changed_at"])
    # Whoever knew the old one could have begun to move the account to another address.
    EmailChange.objects.filter(user=user).delete()
    return user


def _tell(user: User, what: str, organization: Organization | None) -> None:
    tasks.send_security_notice.defer(
        user_id=str(user.pk), what=what, organization_id=_id(organization)
    )


def _id(organization: Organization | None) -> str | None:
    return str(organization.pk) if organization else None
