"""Passkeys: in place of a code, and in one's own account."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import passkeys
from accounts.access import confirmation_required, person_required
from accounts.actions import passkeys as actions
from accounts.actions import sign_in
from accounts.exceptions import AccountError
from accounts.forms import PasskeyForm, PasskeyNameForm
from accounts.http import MemberRequest, VisitorRequest
from accounts.limits import RETRY_AFTER_SECONDS, may_try_code
from accounts.views.factors import after_adding
from config.errors import too_many_requests


@require_POST
def sign_in_options(request: VisitorRequest) -> HttpResponse:
    """What the browser is to ask a passkey of the person whose password was right."""
    user = sign_in.pending_user(request)
    if user is None:
        return redirect("accounts:sign_in")
    return JsonResponse(actions.begin_sign_in(request, user))


@require_POST
@sensitive_post_parameters("credential")
def sign_in_with_passkey(request: VisitorRequest) -> HttpResponse:
    user = sign_in.pending_user(request)
    if user is None:
        return redirect("accounts:sign_in")
    if not may_try_code(request, user):
        return too_many_requests(request, RETRY_AFTER_SECONDS)
    try:
        passkey = actions.verify_passkey(request, user, request.POST.get("credential", ""))
    except AccountError as error:
        messages.error(request, str(error))
        return redirect("accounts:second_factor")
    target = request.session.pop("next", settings.LOGIN_REDIRECT_URL)
    sign_in.sign_in(request, user, passkey)
    return redirect(target)


@require_POST
@person_required
@confirmation_required
def new_passkey_options(request: MemberRequest) -> HttpResponse:
    """What the browser is to make."""
    try:
        return JsonResponse(actions.begin_adding(request, request.user))
    except AccountError as error:
        return JsonResponse({"error": str(error)}, status=409)


@require_http_methods(["GET", "POST"])
@person_required
@confirmation_required
@sensitive_post_parameters("credential")
def new_passkey(request: MemberRequest) -> HttpResponse:
    form = PasskeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name, answer = form.cleaned_data["name"], form.cleaned_data["credential"]
        try:
            codes = actions.add_passkey(request, request.user, name=name, answer=answer)
        except AccountError as error:
            form.add_error(None, str(error))
        else:
            return after_adding(
                request, codes, _("The passkey %(name)s was added.") % {"name": name}
            )
    return render(request, "accounts/passkey_new.html", {"form": form})


@require_http_methods(["GET", "POST"])
@person_required
def rename_passkey(request: MemberRequest, pk: int) -> HttpResponse:
    passkey = passkeys.get_passkey(request.user, pk)
    form = PasskeyNameForm(request.POST or None, initial={"name": passkey.name})
    if request.method == "POST" and form.is_valid():
        actions.rename_passkey(passkey, name=form.cleaned_data["name"])
        messages.success(request, _("The name was saved."))
        return redirect("accounts:security")
    return render(request, "accounts/passkey_edit.html", {"form": form, "passkey": passkey})


@require_http_methods(["GET", "POST"])
@person_required
@confirmation_required
def remove_passkey(request: MemberRequest, pk: int) -> HttpResponse:
    passkey = passkeys.get_passkey(request.user, pk)
    if request.method == "POST":
        try:
            actions.remove_passkey(request, passkey)
        except AccountError as error:
            messages.error(request, str(error))
        else:
            messages.success(
                request, _("The passkey %(name)s was removed.") % {"name": passkey.name}
            )
        return redirect("accounts:security")
    return render(request, "accounts/passkey_delete.html", {"passkey": passkey})
