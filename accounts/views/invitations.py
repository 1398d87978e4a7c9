"""Accepting an invitation."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.actions import invitations as actions
from accounts.actions import sign_in
from accounts.exceptions import AccountError
from accounts.forms import AcceptInvitationForm
from accounts.http import VisitorRequest
from accounts.limits import limited_sign_in
from accounts.models import User
from config.errors import not_found
from tenants.scope import door


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@limited_sign_in
def accept_invitation(request: VisitorRequest, token: str) -> HttpResponse:
    organization = request.organization
    invitation = organization and actions.find_open_invitation(organization, token)
    if not invitation:
        return not_found(request)
    with door():
        existing = User.objects.filter(email=invitation.email).first()
    form = AcceptInvitationForm(request.POST or None, email=invitation.email, existing=existing)
    if request.method == "POST" and form.is_valid():
        try:
            user = actions.accept_invitation(
                invitation,
                name=form.cleaned_data.get("name", ""),
                password=form.cleaned_data["password"],
            )
        except AccountError as error:
            messages.error(request, str(error))
            return redirect("accounts:sign_in")
        if sign_in.needs_second_factor(user):
            sign_in.begin_second_factor(request, user)
            return redirect("accounts:second_factor")
        sign_in.sign_in(request, user)
        return redirect(settings.LOGIN_REDIRECT_URL)
    context = {"form": form, "invitation": invitation, "organization": organization}
    return render(request, "accounts/accept_invitation.html", context)
