"""Raw records for operators. Whatever an action must be used for is read-only here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import Invitation, Membership, User
from operations.admin_site import site
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
