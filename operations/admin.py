"""Raw records for operators. Whatever an action must be used for is read-only here.

One list is edited here, by its actions: the networks that reach the operator host.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import Invitation, Membership, User
from config.addresses import client_address
from operations import allow_list
from operations.admin_site import site
from operations.forms import AllowedNetworkForm
from operations.models import AllowedNetwork
from tenants.models import Domain, Organization, WebhookEndpoint


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in stubs only
    """Looked at here, changed by actions elsewhere."""

    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Organization, site=site)
class OrganizationAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "status", "schema_name", "is_demo", "created_at")
    list_filter = ("status", "is_demo")
    search_fields = ("name", "slug", "schema_name")


@admin.register(Domain, site=site)
class DomainAdmin(ReadOnlyAdmin):
    list_display = ("domain", "tenant", "is_primary", "verified_at")
    search_fields = ("domain",)


@admin.register(WebhookEndpoint, site=site)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    list_display = ("organization", "created_at", "expires_at")
    exclude = ("token_sha256", "token_encrypted")


@admin.register(User, site=site)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "name", "is_super_admin", "is_active", "last_login")
    list_filter = ("is_super_admin", "is_active")
    search_fields = ("email", "name")
    exclude = ("password",)


@admin.register(Membership, site=site)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role",)
    search_fields = ("user__email", "organization__name")


@admin.register(Invitation, site=site)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("email", "organization", "role", "expires_at", "accepted_at")
    exclude = ("token_sha256",)


@admin.register(AllowedNetwork, site=site)
class AllowedNetworkAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in stubs only
    """Nobody can shut themselves out here; and many at once are taken off by the command only."""

    actions = None
    form = AllowedNetworkForm
    list_display = ("cidr", "note", "created_at", "created_by")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("created_at", "created_by") if obj else ()

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> type[ModelForm[Any]]:
        made = super().get_form(request, *args, **kwargs)
        return type(made.__name__, (made,), {"address": client_address(request)})

    def save_model(
        self, request: HttpRequest, obj: AllowedNetwork, form: Any, change: bool
    ) -> None:
        allow_list.save(obj, staying=client_address(request))

    def delete_model(self, request: HttpRequest, obj: AllowedNetwork) -> None:
        allow_list.remove(obj, staying=client_address(request))

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().delete_view(request, *args, **kwargs)
        except allow_list.WouldShutOut as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:operations_allowednetwork_changelist")
        return response
