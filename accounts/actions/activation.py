"""Shutting a person out of every host, and letting them in again. Operators do it."""

from __future__ import annotations

from django.db import transaction

from accounts.actions.sessions import end_sessions
from accounts.exceptions import AccountError
from accounts.models import Handover, User
from audit.actions import record
from audit.vocabulary import Action
from tenants.models import Organization
from tenants.scope import door

SHUT_OUT = Action("accounts.shut_out", "shut {object} out everywhere")
LET_IN = Action("accounts.let_in", "let {object} in again")


def shut_out(user: User, *, by: User) -> None:
    """They are out at once, on every host. Twice is no error.

    Raises `AccountError` for oneself, and for the last super admin.
    """
    if user == by:
        raise AccountError("You cannot shut yourself out. Nothing was changed: ask another one.")
    with door(), transaction.atomic():
        _keep_a_super_admin(user)
        _set_active(user, SHUT_OUT, active=False)
        end_sessions(user)
        Handover.objects.filter(user=user).delete()


def let_in(user: User) -> None:
    """They may sign in again, with the password and factors they had. Twice is no error."""
    with door(), transaction.atomic():
        _set_active(user, LET_IN, active=True)


def _keep_a_super_admin(user: User) -> None:
    """Of two who shut each other out at the same moment, one waits here, and is refused."""
    active = User.objects.select_for_update().filter(is_super_admin=True, is_active=True)
    operators = list(active.order_by("pk"))
    if operators == [user]:
        raise AccountError(
            f"{user.display_name} is the last super admin. Nothing was changed: make another first."
        )


def _set_active(user: User, action: Action, *, active: bool) -> None:
    """Stands in the operator's log, and in that of every organization they belong to."""
    if not User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active):
        return
    record(action, user)
    for organization in Organization.objects.filter(memberships__user=user).order_by("pk"):
        record(action, user, organization=organization)
