"""Second factors in one's own account: authenticator apps and recovery codes; passkeys beside."""

from __future__ import annotations

from base64 import b32encode
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import factors, passkeys
from accounts.access import NEXT_KEY, confirmation_required, person_required
from accounts.actions import factors as actions
from accounts.exceptions import AccountError
from accounts.forms import NewAppForm
from accounts.http import MemberRequest
from accounts.limits import RETRY_AFTER_SECONDS, may_try_code
from accounts.qr import qr_code
from config.errors import too_many_requests
from tenants.scope import door

CODES_FILE = lazy("Recovery codes for {email} at {host}. Each works once.\n\n{codes}\n")


@require_GET
@person_required
def security(request: MemberRequest) -> HttpResponse:
    """All second factors; for somebody who is held at the door, how to get one."""
    if request.standing.hold is not None:
        return render(request, "accounts/held.html", {"organization": request.organization})
    with door():
        set_up = factors.factors_of(request.user)
        context = {
            "apps": factors.apps_of(request.user),
            "has_factor": bool(set_up),
            "codes_left": factors.recovery_codes_left(request.user),
            "codes_total": settings.RECOVERY_CODES,
            "codes_few": settings.RECOVERY_CODES_FEW,
            "why_kept": factors.required_by(request.user) if len(set_up) == 1 else "",
        }
    context["passkeys"] = passkeys.list_passkeys(request, request.user)
    return render(request, "accounts/security.html", context)


@require_POST
@person_required
@confirmation_required
def add_app(request: MemberRequest) -> HttpResponse:
    actions.begin_app(request)
    return redirect("accounts:new_app")


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("code")
@person_required
@confirmation_required
def new_app(request: MemberRequest) -> HttpResponse:
    """The key of the app that is being set up, and the code that proves it was taken."""
    with door():
        app = factors.waiting_app(request.user)
    if app is None:
        return redirect("accounts:security")
    if request.method == "POST" and not may_try_code(request, request.user):
        return too_many_requests(request, RETRY_AFTER_SECONDS)
    form = NewAppForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            codes = actions.confirm_app(request, app, **form.cleaned_data)
        except AccountError as error:
            form.add_error("code", str(error))
        else:
            return after_adding(request, codes, _("The authenticator app was added."))
    context = {"form": form, "qr": qr_code(app.config_url), "uri": app.config_url}
    return render(request, "accounts/new_app.html", context | {"key": _key(app.bin_key)})


def _key(secret: bytes) -> str:
    """As authenticator apps take it by hand."""
    return b32encode(secret).decode().rstrip("=")


def after_adding(request: MemberRequest, codes: list[str], text: str) -> HttpResponse:
    """Shows the recovery codes that came with a first factor, once; then on to where they were
    going when they were held at the door."""
    if codes:
        return _show_codes(request, codes, text)
    messages.success(request, text)
    return redirect(request.session.pop(NEXT_KEY, reverse("accounts:security")))


@require_POST
@person_required
@confirmation_required
def remove_app(request: MemberRequest, pk: int) -> HttpResponse:
    with door():
        app = factors.find_app(request.user, pk)
    if app is None:
        raise Http404
    try:
        actions.remove_factor(request, app)
        messages.success(
            request, _("%(name)s was removed. Your other sessions were ended.") % {"name": app.name}
        )
    except AccountError as error:
        messages.error(request, str(error))
    return redirect("accounts:security")


@require_POST
@person_required
@confirmation_required
@sensitive_variables("codes")
def new_recovery_codes(request: MemberRequest) -> HttpResponse:
    try:
        codes = actions.replace_recovery_codes(request)
    except AccountError as error:
        messages.error(request, str(error))
        return redirect("accounts:security")
    return _show_codes(request, codes, _("The codes you had before open nothing any more."))


@sensitive_variables("codes", "file")
def _show_codes(request: MemberRequest, codes: list[str], text: str) -> HttpResponse:
    """Answered at once and kept nowhere: a second look is not possible."""
    file = CODES_FILE.format(
        email=request.user.email, host=request.get_host(), codes="\n".join(codes)
    )
    context = {
        "codes": codes,
        "joined": "\n".join(codes),
        "file": f"data:text/plain;charset=utf-8,{quote(file)}",
        "text": text,
        "next": request.session.pop(NEXT_KEY, reverse("accounts:security")),
    }
    return render(request, "accounts/recovery_codes.html", context)
