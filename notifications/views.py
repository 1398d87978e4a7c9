"""What open pages ask for to stay live."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from accounts.access import member_required
from accounts.http import MemberRequest
from notifications.issuing import ticket_for

TICKET_HEADER = "Live-Ticket"


@require_GET
@member_required
def ticket(request: MemberRequest) -> HttpResponse:
    """A new ticket, in a header: nothing is read here, so no operator's visit notes it as a page.
    Whose session ended is led to the sign-in like on any page, which the script takes for no."""
    return HttpResponse(status=204, headers={TICKET_HEADER: ticket_for(request) or ""})
