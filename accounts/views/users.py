"""The people of an organization, and who is asked in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import people
from accounts.access import (
    confirmation_required,
    has_factor,
    person_required,
    policy_of,
    right_required,
)
from accounts.actions import invitations, members, sign_in
from accounts.effective_rights import effective_rights, needs_factor
from accounts.exceptions import AccountError
from accounts.http import MemberRequest
from accounts.models import Membership
from accounts.people_forms import InviteForm, PeopleFilterForm, RoleForm
from accounts.roles import Right
from config import zones
from config.paging import with_parameters


@require_GET
@right_required(Right.MANAGE_USERS)
def user_list(request: MemberRequest) -> HttpResponse:
    form = PeopleFilterForm(request.GET)
    form.is_valid()
    text, role = form.cleaned_data.get("q", ""), form.cleaned_data.get("role", "")
    shown = people.people_page(
        request.organization, text=text, role=role, number=request.GET.get("page", "")
    )
    context = {
        "people": shown.people,
        "count_text": shown.count_text,
        "page": _page_links(request, shown),
        "invitations": people.waiting_invitations(request.organization),
        "mail_is_configured": settings.MAIL_IS_CONFIGURED,
        "zone": zones.shown(),
        "clear_url": reverse("accounts:users"),
        "is_filtered": bool(text or role),
        "ignored": form.ignored(request.GET, known=("page",)),
    }
    if shown.total > people.SEARCH_FROM or text or role or form.errors:
        context["filter_form"] = form
    return render(request, "accounts/users.html", context)


def _page_links(request: MemberRequest, shown: people.PeoplePage) -> dict[str, str | None]:
    page = shown.page
    before = page.previous_page_number() if page.has_previous() else None
    after = page.next_page_number() if page.has_next() else None
    return {
        "newer_url": with_parameters(request, page=str(before)) if before else None,
        "older_url": with_parameters(request, page=str(after)) if after else None,
    }


@require_GET
@right_required(Right.MANAGE_USERS)
def user_detail(request: MemberRequest, user_id: UUID) -> HttpResponse:
    member = people.get_member(request.organization, user_id)
    return render(request, "accounts/user_detail.html", _about(request, member))


def _about(request: MemberRequest, member: Membership) -> dict[str, Any]:
    policy = policy_of(member.organization)
    with_factor = has_factor(member.user)
    return {
        "member": member,
        "has_factor": with_factor,
        "is_held": needs_factor(member, policy) and not with_factor,
        "is_oneself": member.user_id == request.user.pk,
        "rights": effective_rights(member, policy, has_factor=with_factor),
        "session_count": people.active_session_count(member),
        "entries": people.recent_entries(member),
        "role_form": RoleForm(initial={"role": member.role}),
        "zone": zones.shown(),
    }


@require_POST
@right_required(Right.MANAGE_USERS)
@confirmation_required
def change_role(request: MemberRequest, user_id: UUID) -> HttpResponse:
    member = people.get_member(request.organization, user_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("There is no such role. Nothing was changed."))
        return redirect("accounts:users_detail", user_id)
    role = form.cleaned_data["role"]
    try:
        changed = members.change_role(member, role=role)
    except AccountError as error:
        messages.error(request, str(error))
    else:
        text = (
            _("%(name)s: %(role)s now.")
            if changed
            else _("%(name)s: %(role)s already; nothing was changed.")
        )
        messages.success(
            request,
            text % {"name": member.user.display_name, "role": role.label},
        )
    return redirect("accounts:users_detail", user_id)


@require_POST
@right_required(Right.MANAGE_USERS)
@confirmation_required
def remove(request: MemberRequest, user_id: UUID) -> HttpResponse:
    member = people.get_member(request.organization, user_id)
    if member.user_id == request.user.pk:
        return redirect("accounts:leave_organization")
    try:
        members.remove_member(member)
    except AccountError as error:
        messages.error(request, str(error))
        return redirect("accounts:users_detail", user_id)
    messages.success(
        request,
        _("%(display_name)s is no longer a member and was signed out here.")
        % {"display_name": member.user.display_name},
    )
    return redirect("accounts:users")


@require_http_methods(["GET", "POST"])
@person_required
@confirmation_required
def leave_organization(request: MemberRequest) -> HttpResponse:
    membership = request.standing.membership
    if membership is None:
        raise Http404
    if request.method == "POST":
        try:
            members.leave(membership)
        except AccountError as error:
            messages.error(request, str(error))
            return redirect("accounts:leave_organization")
        sign_in.sign_out(request)
        messages.success(request, _("You left %(name)s.") % {"name": request.organization.name})
        return redirect("accounts:sign_in")
    return render(request, "accounts/leave_organization.html", {"membership": membership})


@require_http_methods(["GET", "POST"])
@right_required(Right.MANAGE_USERS)
@confirmation_required
def invite(request: MemberRequest) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            invitation = invitations.invite(
                request.organization, **form.cleaned_data, invited_by=request.user.email
            )
        except AccountError as error:
            form.add_error("email", str(error))
        else:
            messages.success(request, f"{invitation.email} is invited. {_what_is_sent()}")
            return redirect("accounts:users")
    context = {"form": form, "mail_is_configured": settings.MAIL_IS_CONFIGURED}
    return render(request, "accounts/invite.html", context)


def _what_is_sent() -> str:
    if settings.MAIL_IS_CONFIGURED:
        return _("The mail is on its way; its link works for %(INVITATION_VALID_DAYS)s days.") % {
            "INVITATION_VALID_DAYS": settings.INVITATION_VALID_DAYS
        }
    return _("No mail server is set up here: make a link and hand it over yourself.")


@require_POST
@right_required(Right.MANAGE_USERS)
@confirmation_required
def resend_invitation(request: MemberRequest, invitation_id: UUID) -> HttpResponse:
    invitation = people.get_invitation(request.organization, invitation_id)
    try:
        invitations.renew(invitation, invited_by=request.user.email, by_mail=True)
    except AccountError as error:
        messages.error(request, str(error))
    else:
        text = _("%(email)s has a new invitation; the link before is dead.") % {
            "email": invitation.email
        }
        messages.success(request, f"{text} {_what_is_sent()}")
    return redirect("accounts:users")


@require_POST
@right_required(Right.MANAGE_USERS)
@confirmation_required
def invitation_link(request: MemberRequest, invitation_id: UUID) -> HttpResponse:
    """A new link, shown once, for somebody whom no mail reaches."""
    invitation = people.get_invitation(request.organization, invitation_id)
    try:
        renewed = invitations.renew(invitation, invited_by=request.user.email, by_mail=False)
    except AccountError as error:
        messages.error(request, str(error))
        return redirect("accounts:users")
    return render(request, "accounts/invitation_link.html", {"invitation": renewed})


@require_POST
@right_required(Right.MANAGE_USERS)
@confirmation_required
def revoke_invitation(request: MemberRequest, invitation_id: UUID) -> HttpResponse:
    invitation = people.get_invitation(request.organization, invitation_id)
    try:
        invitations.revoke(invitation)
    except AccountError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            _("The invitation of %(email)s leads nowhere now.") % {"email": invitation.email},
        )
    return redirect("accounts:users")
