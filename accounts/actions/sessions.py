"""Ending sessions."""

from __future__ import annotations

from accounts.models import Session, User
from tenants.models import Organization
from tenants.scope import door


def end_sessions(
    user: User, *, except_key: str | None = None, organization: Organization | None = None
) -> int:
    """Sign a person out everywhere, or on one organization's host only; says how many ended.

    `except_key`: the session key that is kept, for somebody who does it from inside one.
    """
    with door():
        sessions = Session.objects.filter(user=user)
        if organization is not None:
            sessions = sessions.filter(organization=organization)
        if except_key is not None:
            sessions = sessions.exclude(session_key=except_key)
        return sessions.delete()[0]
