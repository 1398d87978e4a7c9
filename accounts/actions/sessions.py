"""Ending sessions: all of a person's, or one of them by its owner."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from accounts import revocation
from accounts.models import Session, User
from accounts.tokens.actions import end_tokens
from audit.actions import record
from audit.vocabulary import Action, Kind
from tenants.models import Organization
from tenants.scope import door

ENDED = Action("accounts.session_ended", "ended a session of theirs on {device}", Kind.DELETE)
ENDED_OTHERS = Action(
    "accounts.sessions_ended", "ended all their other sessions ({count})", Kind.DELETE
)


def end_sessions(
    user: User, *, except_key: str | None = None, organization: Organization | None = None
) -> int:
    """Sign a person and their programs out everywhere, or on one organization's host only; says
    how many sessions ended.

    `except_key`: the session key that is kept, for somebody who does it from inside one.
    """
    with door():
        sessions = Session.objects.filter(user=user)
        if organization is not None:
            sessions = sessions.filter(organization=organization)
        if except_key is not None:
            sessions = sessions.exclude(session_key=except_key)
        revocation.announce_sessions(list(sessions.values_list("id", "organization_id")))
        end_tokens(user, organization=organization)
        return sessions.delete()[0]


def end_session(user: User, session_id: UUID) -> bool:
    """Sign one browser of theirs out; False when there is no such session (any more)."""
    with door(), transaction.atomic():
        row = Session.objects.filter(user=user, id=session_id).first()
        if row is None:
            return False
        row.delete()
        revocation.announce_sessions([(row.id, row.organization_id)])
        record(ENDED, details={"device": row.device, "address": row.address})
    return True


def end_other_sessions(user: User, key: str) -> int:
    """Sign every browser of theirs out but this one; how many."""
    with door(), transaction.atomic():
        count = end_sessions(user, except_key=key)
        record(ENDED_OTHERS, details={"count": count})
    return count
