"""Accepting an invitation."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.actions import invitations as actions
from accounts.actions import sign_in
from accounts.exceptions import AccountError
from accounts.forms import AcceptInvitationForm
from accounts.http import VisitorRequest
from accounts.limits import RETRY_AFTER_SECONDS, account_wait, limited_sign_in
from accounts.models import Invitation, User
from accounts.secret_links import hides_its_address, may_try_link
from config.errors import invitation_not_found, too_many_requests
from tenants.scope import door


@hides_its_address
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@limited_sign_in
def accept_invitation(request: VisitorRequest, token: str) -> HttpResponse:
    organization = request.organization
    invitation = organization and actions.find_open_invitation(organization, token)
    if not invitation:
        if not may_try_link(request):
            return too_many_requests(request, RETRY_AFTER_SECONDS)
        return invitation_not_found(request)
    with door():
        existing = User.objects.filter(email=invitation.email).first()
    if isinstance(request.user, User):
        return _signed_in(request, invitation, existing)
    # Any admin can invite anybody: behind the link must be no way to guess their password.
    if request.method == "POST" and existing and (wait := account_wait(request, existing.email)):
        return too_many_requests(request, wait)
    form = AcceptInvitationForm(request.POST or None, email=invitation.email, existing=existing)
    if request.method == "POST" and form.is_valid():
        try:
            user = actions.accept_invitation(invitation, existing=existing, **form.cleaned_data)
        except AccountError as error:
            form.add_error(None, str(error))
        else:
            return _come_in(request, user)
    context = {"form": form, "invitation": invitation, "existing": existing}
    return render(request, "accounts/accept_invitation.html", context)


def _come_in(request: VisitorRequest, user: User) -> HttpResponse:
    if sign_in.needs_second_factor(user):
        sign_in.begin_second_factor(request, user)
        return redirect("accounts:second_factor")
    sign_in.sign_in(request, user)
    return redirect(settings.LOGIN_REDIRECT_URL)


def _signed_in(
    request: VisitorRequest, invitation: Invitation, existing: User | None
) -> HttpResponse:
    """One button for the person it is for; a way out for everybody else."""
    is_theirs = existing == request.user and request.standing.acting is None
    if request.method == "POST" and "sign_out" in request.POST:
        sign_in.sign_out(request)
        return redirect(request.path)
    context = {"invitation": invitation, "is_theirs": is_theirs}
    if request.method == "POST" and is_theirs:
        try:
            actions.accept_invitation(invitation, existing=existing)
        except AccountError:
            return invitation_not_found(request)
        return redirect(settings.LOGIN_REDIRECT_URL)
    return render(request, "accounts/accept_invitation_signed_in.html", context)
