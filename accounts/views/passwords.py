"""A new password: for who is signed in, and for who forgot theirs."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import links
from accounts.access import confirmation_required, person_required
from accounts.account_forms import ForgottenForm, NewPasswordForm
from accounts.actions import passwords as actions
from accounts.exceptions import AccountError
from accounts.http import MemberRequest, VisitorRequest
from accounts.limits import limited_sign_in
from accounts.models import normalize_email
from config.limits import is_over_limit

TOKEN_KEY = "password_reset"  # noqa: S105 - where in the session it is kept
# Stands in the URL in place of the token, which then is in no history, log or Referer.
KEPT = "new-password"


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password", "again")
@person_required
@confirmation_required
def change_password(request: MemberRequest) -> HttpResponse:
    form = NewPasswordForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        actions.change_password(request, password=form.cleaned_data["password"])
        messages.success(request, _("Your password was changed. Your other sessions are over."))
        return redirect("accounts:password")
    return render(request, "accounts/password.html", {"form": form})


@require_http_methods(["GET", "POST"])
@limited_sign_in
def forgotten(request: VisitorRequest) -> HttpResponse:
    """The answer is the same for every address."""
    form = ForgottenForm(request.POST or None)
    sent_to = ""
    if request.method == "POST" and form.is_valid():
        sent_to = form.cleaned_data["email"]
        key = f"account:{normalize_email(sent_to)}"
        if not is_over_limit(request, "reset-mail", key, settings.RESET_MAIL_LIMIT):
            actions.ask_for_reset(sent_to, request.organization)
    context = {"form": form, "sent_to": sent_to, "organization": request.organization}
    return render(request, "accounts/forgotten.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password", "again")
@limited_sign_in
def reset(request: VisitorRequest, uid: str, token: str) -> HttpResponse:
    """Looking at it uses nothing up: mail programs open links before people do."""
    organization = request.organization
    if token != KEPT:
        if links.user_of_reset(uid, token, organization) is None:
            return _link_is_over(request)
        request.session[TOKEN_KEY] = token
        return redirect("accounts:reset", uid, KEPT)
    token = request.session.get(TOKEN_KEY, "")
    user = links.user_of_reset(uid, token, organization)
    if user is None:
        return _link_is_over(request)
    form = NewPasswordForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            actions.reset_password(
                request, uid=uid, token=token, password=form.cleaned_data["password"]
            )
        except AccountError:
            return _link_is_over(request)
        messages.success(request, _("Your password was changed. Sign in with it now."))
        return redirect("accounts:sign_in")
    context = {"form": form, "account": user, "organization": organization}
    return render(request, "accounts/reset.html", context)


def _link_is_over(request: VisitorRequest) -> HttpResponse:
    """The same for a link that was used, expired, or is another organization's or made up."""
    context = {"organization": request.organization, "again_url": reverse("accounts:forgotten")}
    return render(request, "accounts/link_over.html", context, status=HTTPStatus.NOT_FOUND)
