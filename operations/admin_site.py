"""Django's admin: read-mostly back door for verified super admins, on the operator host only."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.admin import AdminSite
from django.contrib.admin.models import LogEntry
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.actions.sign_in import sign_out
from accounts.http import VisitorRequest

# By app, in the order of the index.
SECTIONS = {
    "tenants": "Organizations",
    "accounts": "People",
    "otp_totp": "Authenticator apps",
    "django_otp_webauthn": "Passkeys",
    "audit": "Audit log",
    "procrastinate": "Jobs",
    "operations": "Operator pages",
}
# The first fails for an id that is no UUID and leads nowhere, the second completes forms that
# are not here.
LEFT_OUT = frozenset({"view_on_site", "autocomplete"})


class OperatorAdminSite(AdminSite):
    """Asks only whether this is a verified super admin; signing in and out, and changing one's
    password, happen on our own pages."""

    site_header = site_title = "Switchboard"
    index_title = "Records"
    index_template = "admin/index.html"

    def has_permission(self, request: HttpRequest) -> bool:
        visitor = cast(VisitorRequest, request)
        return (
            visitor.organization is None and visitor.standing.is_operator and visitor.user.is_active
        )

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [url for url in super().get_urls() if getattr(url, "name", "") not in LEFT_OUT]

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        target = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(
            target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        ):
            target = reverse("admin:index")
        if self.has_permission(request):
            return redirect(target)
        return redirect_to_login(target, reverse("accounts:sign_in"))

    def logout(self, request: HttpRequest, extra_context: object = None) -> Any:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        sign_out(cast(VisitorRequest, request))
        return redirect("accounts:sign_in")

    def password_change(self, request: HttpRequest, extra_context: object = None) -> Any:
        return redirect("accounts:password")

    def password_change_done(self, request: HttpRequest, extra_context: object = None) -> Any:
        return redirect("accounts:password")

    def get_log_entries(self, request: HttpRequest) -> QuerySet[LogEntry]:
        """None: what is done here stands in the audit log."""
        return LogEntry.objects.none()

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """Named for what people look for, instead of after libraries."""
        apps = self._build_app_dict(request, app_label)
        listed = [apps[label] | {"name": name} for label, name in SECTIONS.items() if label in apps]
        for section in listed:
            section["models"].sort(key=lambda model: model["name"])
        return listed


site = OperatorAdminSite()
site.disable_action("delete_selected")
