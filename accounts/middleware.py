"""Who this person is here: membership, bound session, second factor."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse

from accounts import access
from accounts.http import VisitorRequest
from tenants.scope import door

GetResponse = Callable[[VisitorRequest], HttpResponse]


class MembershipMiddleware:
    """Sets `request.membership`; a session that is not for this host, or whose person lost the
    right to be here, ends now. Read from the database at every request, so roles act at once."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: VisitorRequest) -> HttpResponse:
        request.membership = None
        # Read now, at the door: later the connection works as a role that sees no people.
        with door():
            signed_in = request.user.is_authenticated
        if signed_in:
            if access.session_is_for_this_host(request):
                request.membership = access.membership_of(request)
            if not access.may_be_here(request):
                logout(request)
                request.user = AnonymousUser()
        with access.personal_data_as(request.membership):
            return self.get_response(request)
