"""From one organization's host to another's, with one account."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import person_required
from accounts.actions import handover
from accounts.http import MemberRequest, VisitorRequest
from accounts.limits import limited_sign_in
from accounts.querysets import destinations
from config.errors import not_found
from config.partials import render_page
from tenants.models import Organization

# A link that a page of ours follows comes from the same site; one in a mail or on another page
# must not sign anybody in without their saying so.
OWN_SITES = ("same-origin", "same-site")
SEARCH_ABOVE = 8


@require_GET
@person_required
def switcher(request: MemberRequest) -> HttpResponse:
    """Where else this person may go; `to` is the section they come from."""
    places = destinations(request.user)
    wanted = request.GET.get("q", "").strip().lower()
    context = {
        "places": [place for place in places if wanted in place.organization.name.lower()],
        "shows_search": len(places) > SEARCH_ABOVE,
        "query": request.GET.get("q", ""),
        "to": _section(request),
        "current": request.organization,
        "is_super_admin": request.user.is_super_admin,
    }
    return render_page(request, "accounts/switcher.html", "accounts/_switcher_menu.html", context)


@require_GET
@person_required
def switch(request: MemberRequest, organization_id: UUID) -> HttpResponse:
    """Hand over to an organization this person belongs to."""
    target = _destination(request, organization_id)
    return redirect(handover.mint(request, request.user, target, path=_section(request)))


@require_GET
@person_required
def switch_to_operator(request: MemberRequest) -> HttpResponse:
    if not request.user.is_super_admin:
        raise Http404
    return redirect(handover.mint(request, request.user, None))


def _destination(request: MemberRequest, organization_id: UUID) -> Organization:
    for place in destinations(request.user):
        if place.organization.pk == organization_id:
            return place.organization
    raise Http404


def _section(request: VisitorRequest) -> str:
    """`/calls/` of `/calls/0193…/`: things have other keys there, sections have not."""
    first = request.GET.get("to", "").strip("/").partition("/")[0]
    return f"/{first}/" if first in settings.SECTIONS else "/"


@require_http_methods(["GET", "POST"])
@never_cache
@limited_sign_in
def enter(request: VisitorRequest, token: str) -> HttpResponse:
    """The other end: starts the session here, at once or after a click."""
    found = handover.find(request, token)
    if found is None:
        return not_found(request)
    at_once = request.headers.get("Sec-Fetch-Site") in OWN_SITES
    if request.method == "GET" and not at_once:
        context = {"user": found.user, "organization": request.organization}
        return render(request, "accounts/enter.html", context)
    if not handover.use(request, found):
        return not_found(request)
    return redirect(found.path)
