"""The organization's own settings: name, time zone, accent, logo."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import right_required
from accounts.actions import organization as actions
from accounts.http import MemberRequest
from accounts.organization_forms import DEFAULT_ACCENT, BrandingForm, CurrencyForm, GeneralForm
from accounts.roles import Right


@require_http_methods(["GET", "POST"])
@right_required(Right.MANAGE_SETTINGS)
def general(request: MemberRequest) -> HttpResponse:
    organization = request.organization
    initial = {name: getattr(organization, name) for name in actions.GENERAL_FIELDS}
    form = GeneralForm(request.POST or None, initial=initial)
    if form.is_valid():
        changed = actions.change_settings(organization, **form.cleaned_data)
        messages.success(
            request, _("The settings were saved.") if changed else _("Nothing was changed.")
        )
        return redirect("accounts:general")
    return render(request, "accounts/general.html", {"form": form})


@require_http_methods(["GET", "POST"])
@right_required(Right.MANAGE_SETTINGS)
def currency(request: MemberRequest) -> HttpResponse:
    organization = request.organization
    initial = {name: getattr(organization, name) for name in actions.CURRENCY_FIELDS}
    if initial["rate_per_dollar"]:
        initial["rate_per_dollar"] = f"{initial['rate_per_dollar'].normalize():f}"  # not 0.92000000
    today = timezone.localdate(timezone=organization.zone)
    form = CurrencyForm(request.POST or None, initial=initial, today=today)
    if form.is_valid():
        changed = actions.change_settings(organization, **form.cleaned_data)
        messages.success(
            request, _("The currency was saved.") if changed else _("Nothing was changed.")
        )
        return redirect("accounts:currency")
    return render(request, "accounts/currency.html", {"form": form})


@require_http_methods(["GET", "POST"])
@right_required(Right.MANAGE_SETTINGS)
def branding(request: MemberRequest) -> HttpResponse:
    organization = request.organization
    initial = {
        "own_accent": bool(organization.accent),
        "accent": organization.accent or DEFAULT_ACCENT,
    }
    form = BrandingForm(
        request.POST or None,
        request.FILES or None,
        initial=initial,
        has_logo=bool(organization.logo_sha256),
    )
    if form.is_valid():
        _save_branding(request, form)
        messages.success(request, _("The branding was saved."))
        return redirect("accounts:branding")
    return render(request, "accounts/branding.html", {"form": form})


def _save_branding(request: MemberRequest, form: BrandingForm) -> None:
    actions.change_settings(request.organization, accent=form.chosen_accent)
    if logo := form.cleaned_data["logo"]:
        actions.change_logo(request.organization, logo)
    elif form.cleaned_data.get("remove_logo"):
        actions.remove_logo(request.organization)
