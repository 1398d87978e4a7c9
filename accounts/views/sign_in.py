"""Coming in, going out, and saying again who one is."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import person_required
from accounts.actions import sign_in as actions
from accounts.factors import recovery_codes_left
from accounts.forms import ConfirmForm, SecondFactorForm, SignInForm
from accounts.http import MemberRequest, VisitorRequest
from accounts.limits import RETRY_AFTER_SECONDS, limited_sign_in, may_try_code
from accounts.models import RecoveryCodes, User
from accounts.passkeys import offer_of
from config.errors import too_many_requests
from tenants.scope import door

WRONG_CREDENTIALS = _(
    "The e-mail address and password do not fit an account here. Check both and try again."
)
WRONG_CODE = _(
    "That code was not accepted. Each code works once and for half a minute: wait for the next one."
)
USED_RECOVERY_CODE = _(
    "You used a recovery code; codes left: {left}. In your account you can make new ones, or set up"
    " another second factor."
)
WRONG_CONFIRMATION = _("That is neither your password nor a code of yours. Nothing was changed.")


def next_url(request: VisitorRequest) -> str:
    """Where to go after signing in; only paths of this host."""
    target = request.POST.get("next") or request.GET.get("next") or settings.LOGIN_REDIRECT_URL
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=settings.SECURE
    )
    return target if safe else settings.LOGIN_REDIRECT_URL


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@limited_sign_in
def sign_in(request: VisitorRequest) -> HttpResponse:
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = actions.check_password(request, **form.cleaned_data)
        if user is None:
            form.add_error(None, WRONG_CREDENTIALS)
        elif actions.needs_second_factor(user):
            actions.begin_second_factor(request, user)
            request.session["next"] = next_url(request)
            return redirect("accounts:second_factor")
        else:
            actions.sign_in(request, user)
            return redirect(next_url(request))
    context = {"form": form, "organization": request.organization, "next": next_url(request)}
    return render(request, "accounts/sign_in.html", context)


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("code")
def second_factor(request: VisitorRequest) -> HttpResponse:
    user = actions.pending_user(request)
    if user is None:
        return redirect("accounts:sign_in")
    if request.method == "POST" and not may_try_code(request, user):
        return too_many_requests(request, RETRY_AFTER_SECONDS)
    form = SecondFactorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        device = actions.verify_code(user, form.cleaned_data["code"])
        if device is not None:
            target = request.session.pop("next", settings.LOGIN_REDIRECT_URL)
            actions.sign_in(request, user, device)
            if isinstance(device, RecoveryCodes):
                messages.warning(request, USED_RECOVERY_CODE.format(left=_codes_left(user)))
            return redirect(target)
        form.add_error("code", WRONG_CODE)
    context = {
        "form": form,
        "organization": request.organization,
        "passkey_offer": offer_of(request, user),
    }
    return render(request, "accounts/second_factor.html", context)


def _codes_left(user: User) -> int:
    with door():
        return recovery_codes_left(user) or 0


@require_POST
def sign_out(request: VisitorRequest) -> HttpResponse:
    actions.sign_out(request)
    return redirect("accounts:sign_in")


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("answer")
@person_required
def confirm(request: MemberRequest) -> HttpResponse:
    """Before keys, people or factors are changed: who is it?"""
    if request.method == "POST" and not may_try_code(request, request.user):
        return too_many_requests(request, RETRY_AFTER_SECONDS)
    form = ConfirmForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if actions.confirm(request, request.user, form.cleaned_data["answer"]):
            return redirect(next_url(request))
        form.add_error("answer", WRONG_CONFIRMATION)
    context = {"form": form, "organization": request.organization, "next": next_url(request)}
    return render(request, "accounts/confirm.html", context)
