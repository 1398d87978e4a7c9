"""Where one is signed in, and ending it there."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts import sessions
from accounts.access import person_required
from accounts.actions import sessions as actions
from accounts.http import MemberRequest
from accounts.querysets import sessions_of


@require_GET
@person_required
def session_list(request: MemberRequest) -> HttpResponse:
    context = {
        "sessions": sessions_of(request.user),
        "this_id": sessions.session_id(request.session.session_key or ""),
    }
    return render(request, "accounts/sessions.html", context)


@require_POST
@person_required
def end_session(request: MemberRequest, session_id: UUID) -> HttpResponse:
    if not actions.end_session(request.user, session_id):
        raise Http404
    messages.success(request, _("That session is over. Its browser has to sign in again."))
    return redirect("accounts:sessions")


@require_POST
@person_required
def end_others(request: MemberRequest) -> HttpResponse:
    count = actions.end_other_sessions(request.user, request.session.session_key or "")
    messages.success(
        request,
        ngettext(
            "%(count)s other session is over. You are still signed in here.",
            "%(count)s other sessions are over. You are still signed in here.",
            count,
        )
        % {"count": count},
    )
    return redirect("accounts:sessions")
