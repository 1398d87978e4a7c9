"""Who this person is here: standing, bound session, second factor, whose name stands in the log."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.utils import timezone, translation

from accounts import access, devices
from accounts.access import NOBODY, Standing
from accounts.actions import acting
from accounts.http import VisitorRequest
from accounts.limits import page_wait
from accounts.models import User
from accounts.sessions import SessionStore
from audit.circumstances import Actor, circumstances
from config.addresses import client_address
from config.api.documents import is_for_api
from config.errors import too_many_requests
from tenants.scope import door

GetResponse = Callable[[VisitorRequest], HttpResponse]
# Open pages ask by themselves when something changed; nobody is there because of that.
REFRESH_HEADER = "X-Live-Refresh"
NOTED_KEY = "pages_noted"
NOBODY_SIGNED_IN = Actor("Somebody")
ACTING_AS = "operator, read-only"


class StandingMiddleware:
    """Sets `request.standing`; a session that is not for this host, or whose person lost the
    right to be here, ends now. Read from the database at every request, so roles act at once."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: VisitorRequest) -> HttpResponse:
        request.standing = NOBODY
        is_refresh = REFRESH_HEADER in request.headers
        # Read now, at the door: later the connection works as a role that sees no people.
        with door():
            signed_in = request.user.is_authenticated
        if signed_in:
            request.standing = access.standing_of(request)
            if not request.standing.may_be_here:
                logout(request)
                request.user = AnonymousUser()
            elif not is_refresh:
                self._touch(request)
        # The API counts its own, by key; see config/api/views.py.
        if not is_for_api(request) and (wait := page_wait(request, is_refresh=is_refresh)):
            return too_many_requests(request, wait)
        with (
            circumstances(**_circumstances(request)),
            access.rights_for_request(request.standing.rights),
        ):
            response = self._in_their_language(request)
            self._note_visit(request, response)
            if signed_in_now := getattr(request, "signed_in_now", None):
                devices.remember(request, response, signed_in_now)
        return response

    def _note_visit(self, request: VisitorRequest, response: HttpResponse) -> None:
        """What an operator reads inside an organization stands in its log, page by page. Only a
        page that stands there already may refresh itself unnoted: anybody can send the header."""
        was_shown = response.status_code == HTTPStatus.OK and request.method == "GET"
        if not request.standing.acting or not was_shown:
            return
        noted = request.session.get(NOTED_KEY, [])
        if REFRESH_HEADER in request.headers and request.path in noted:
            return
        acting.note_page(request.path)
        if request.path not in noted:
            request.session[NOTED_KEY] = [*noted, request.path]

    def _touch(self, request: VisitorRequest) -> None:
        if isinstance(request.session, SessionStore):
            request.session.touch()

    def _in_their_language(self, request: VisitorRequest) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            return self.get_response(request)
        zone = user.zone or timezone.get_current_timezone()
        with translation.override(user.language), timezone.override(zone):
            return self.get_response(request)


def _circumstances(request: VisitorRequest) -> dict[str, object]:
    standing: Standing = request.standing
    user = request.user
    return {
        "actor": (Actor(user.audit_label, user.pk) if isinstance(user, User) else NOBODY_SIGNED_IN),
        "organization_id": request.organization.pk if request.organization else None,
        "acting_as": ACTING_AS if standing.acting else "",
        "reason": standing.acting.reason if standing.acting else "",
        "address": client_address(request),
        "request_id": request.request_id,
        "details": {"device": devices.label_of(request)},
    }
