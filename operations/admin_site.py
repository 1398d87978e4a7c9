"""Django's admin: read-mostly back door for verified super admins, on the operator host only."""

from __future__ import annotations

from typing import cast

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.access import is_verified_super_admin
from accounts.http import VisitorRequest


class OperatorAdminSite(AdminSite):
    """Asks only whether this is a verified super admin; signing in happens on our own pages."""

    site_header = site_title = "Switchboard"
    index_title = "Records"

    def has_permission(self, request: HttpRequest) -> bool:
        visitor = cast(VisitorRequest, request)
        return (
            visitor.organization is None
            and visitor.user.is_active
            and is_verified_super_admin(visitor.user)
        )

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        target = request.GET.get("next") or reverse("admin:index")
        return redirect_to_login(target, reverse("accounts:sign_in"))

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Django's page would end no sessions, and write nothing down."""
        return redirect("accounts:password")


site = OperatorAdminSite()
