"""How one is called, and how times are shown."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import person_required
from accounts.account_forms import ProfileForm
from accounts.actions.profile import FIELDS, change_profile
from accounts.http import MemberRequest
from config import zones
from tenants.models import Organization


@require_http_methods(["GET", "POST"])
@person_required
def profile(request: MemberRequest) -> HttpResponse:
    user = request.user
    organization: Organization | None = request.organization
    form = ProfileForm(
        request.POST or None,
        initial={name: getattr(user, name) for name in FIELDS},
        default_zone=organization.time_zone if organization else settings.TIME_ZONE,
    )
    if request.method == "POST" and form.is_valid():
        change_profile(user, **form.cleaned_data)
        messages.success(request, _("Your profile was saved."))
        return redirect("accounts:profile")
    return render(request, "accounts/profile.html", {"form": form, "zones": zones.names()})
