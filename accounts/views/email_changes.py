"""Another e-mail address for one's account."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import links
from accounts.access import confirmation_required, person_required
from accounts.account_forms import NewEmailForm
from accounts.actions import email_changes as actions
from accounts.actions.email_changes import Result
from accounts.http import MemberRequest, VisitorRequest
from accounts.limits import RETRY_AFTER_SECONDS
from config.errors import too_many_requests
from config.limits import is_over_limit

TOKEN_KEY = "email_change"  # noqa: S105 - where in the session it is kept
KEPT = "confirm"

SAID = {
    Result.WAITING: lazy(
        "Thank you. The other address has to confirm as well; a mail is on its way."
    ),
    Result.DONE: lazy(
        "The address of the account was changed. Sign in with the new one from now on."
    ),
    Result.TAKEN: lazy(
        "Nothing was changed: the new address belongs to another account meanwhile."
    ),
    Result.GONE: lazy("Nothing was changed: this change was stopped or has expired."),
}


@require_http_methods(["GET", "POST"])
@person_required
@confirmation_required
def email(request: MemberRequest) -> HttpResponse:
    """The answer is the same whether the new address has an account or not."""
    form = NewEmailForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        key = f"user:{request.user.pk}"
        if is_over_limit(request, "email-change", key, settings.EMAIL_CHANGE_LIMIT):
            return too_many_requests(request, RETRY_AFTER_SECONDS)
        actions.ask_for_change(request, new_email=form.cleaned_data["email"])
        messages.success(request, _("Both addresses get a mail with a link. Open both."))
        return redirect("accounts:email")
    context = {"form": form, "change": actions.open_change_of(request.user)}
    return render(request, "accounts/email.html", context)


@require_POST
@person_required
def stop_change(request: MemberRequest) -> HttpResponse:
    if actions.stop_change(request.user):
        messages.success(request, _("Stopped. Your address stays as it is."))
    return redirect("accounts:email")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def review_change(request: VisitorRequest, token: str) -> HttpResponse:
    """Where the links of the two mails lead; only the buttons there change something."""
    if token != KEPT:
        request.session[TOKEN_KEY] = token
        return redirect("accounts:email_change", KEPT)
    token = request.session.get(TOKEN_KEY, "")
    found = links.read_email_change(token, request.organization)
    change = found and actions.find_open_change(found[0])
    if found is None or change is None:
        context: dict[str, Any] = {"organization": request.organization}
        return render(request, "accounts/link_over.html", context, status=HTTPStatus.NOT_FOUND)
    context = {"change": change, "side": found[1], "organization": request.organization}
    if request.method == "POST":
        del request.session[TOKEN_KEY]
        if "stop" in request.POST:
            actions.stop_change(change.user)
            context["said"] = _("Stopped. The address of the account stays as it is.")
        else:
            context["said"] = SAID[actions.confirm_change(request, *found)]
    return render(request, "accounts/email_review.html", context)
