"""The ticket of a request: for the page it shows, or for one that is open and keeps its socket."""

from __future__ import annotations

from accounts import access
from accounts.http import VisitorRequest
from accounts.roles import Right
from accounts.sessions import session_id
from notifications import tickets
from tenants.access import host_of


def ticket_for(request: VisitorRequest) -> str | None:
    """None where nobody may read: the operator host, and whoever is held at the door."""
    if request.organization is None or not access.may(request, Right.READ):
        return None
    holder = tickets.Holder(
        str(request.organization.pk),
        str(request.user.pk),
        str(session_id(request.session.session_key or "")),
        host_of(request),
    )
    visit = request.standing.acting
    ends_at = visit.ends_at.timestamp() if visit and visit.ends_at else None
    return tickets.issue(holder, ends_at=ends_at)
