"""The page “API” of the settings, and of the operator host."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import (
    confirmation_required,
    policy_of,
    right_required,
    super_admin_required,
)
from accounts.api_keys import actions, lookup, samples
from accounts.api_keys.actions import NewKey
from accounts.api_keys.forms import NewKeyForm, OriginsForm, RotateForm
from accounts.exceptions import AccountError
from accounts.http import MemberRequest, VisitorRequest
from accounts.models import ApiKey
from accounts.roles import Right
from config import zones
from config.api import recent
from tenants.scope import door

P = ParamSpec("P")
View = Callable[Concatenate[MemberRequest, P], HttpResponse]


def keys_required(view: View[P]) -> View[P]:
    """For who manages the keys of this host: an organization's admins, or super admins."""
    of_organization = right_required(Right.MANAGE_API)(view)
    of_operator = super_admin_required(cast(Any, view))

    @wraps(view)
    def wrapper(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        on_operator_host = request.organization is None
        return (of_operator if on_operator_host else of_organization)(request, *args, **kwargs)

    return wrapper


@require_GET
@keys_required
def api(request: MemberRequest) -> HttpResponse:
    return render(request, "accounts/api.html", _page(request))


def _page(request: MemberRequest, form: OriginsForm | None = None) -> dict[str, Any]:
    latest = recent.latest(request.organization)
    return {
        "keys": lookup.keys_of(request.organization),
        "samples": samples.first_requests(request),
        "limits": samples.limits(),
        "origins_form": form or _origins_form(request),
        "recent": latest or [],
        "recent_is_away": latest is None,
        "zone": zones.shown(),
    }


def _origins_form(request: VisitorRequest) -> OriginsForm | None:
    """Pages of the operator host ask from nowhere else."""
    if request.organization is None:
        return None
    with door():
        listed = policy_of(request.organization).api_origins
    return OriginsForm(initial={"origins": "\n".join(listed)})


@require_http_methods(["GET", "POST"])
@keys_required
@confirmation_required
def key_new(request: MemberRequest) -> HttpResponse:
    form = NewKeyForm(request.POST or None, is_operator=request.organization is None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        try:
            made = actions.make_key(
                request.organization,
                name=chosen["name"],
                scopes=chosen["scopes"],
                networks=chosen["networks"],
                expires_at=form.expires_at,
                created_by=request.user.display_name,
            )
        except AccountError as error:
            form.add_error(None, str(error))
        else:
            return _made(request, made)
    return render(request, "accounts/api_key_new.html", {"form": form})


def _made(request: MemberRequest, made: NewKey, old: ApiKey | None = None) -> HttpResponse:
    """The one page that shows a key."""
    context = {"key": made.row, "text": made.text, "old": old}
    context["samples"] = samples.first_requests(request, made.text)
    return render(request, "accounts/api_key_made.html", context)


@require_http_methods(["GET", "POST"])
@keys_required
@confirmation_required
def key_rotate(request: MemberRequest, key_id: UUID) -> HttpResponse:
    key = lookup.get_key(request.organization, key_id)
    form = RotateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.rotate_key(
                key,
                overlap=form.cleaned_data["overlap"],
                created_by=request.user.display_name,
            )
        except AccountError as error:
            messages.error(request, str(error))
            return redirect("accounts:api")
        return _made(request, made, lookup.get_key(request.organization, key_id))
    return render(request, "accounts/api_key_rotate.html", {"form": form, "key": key})


@require_POST
@keys_required
@confirmation_required
def key_revoke(request: MemberRequest, key_id: UUID) -> HttpResponse:
    key = lookup.get_key(request.organization, key_id)
    try:
        actions.revoke_key(key)
    except AccountError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%(name)s opens nothing any more.") % {"name": key.name})
    return redirect("accounts:api")


@require_POST
@keys_required
@confirmation_required
def save_origins(request: MemberRequest) -> HttpResponse:
    if request.organization is None:
        raise Http404
    form = OriginsForm(request.POST)
    if not form.is_valid():
        return render(request, "accounts/api.html", _page(request, form))
    changed = actions.save_origins(request.organization, form.cleaned_data["origins"])
    messages.success(request, _("Origins were saved.") if changed else _("Nothing was changed."))
    return redirect("accounts:api")
