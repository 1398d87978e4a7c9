from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.access import is_confirmed
from accounts.api_keys.actions import revoke_key
from accounts.exceptions import AccountError
from accounts.models import ApiKey, TokenFamily
from operations.admin.base import Link, ReadOnlyAdmin, organization_page
from operations.admin_site import site


@admin.register(ApiKey, site=site)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Never the key: only its hash is kept."""

    note = (
        "Admins make keys on their organization's page API, operators on their own. One that leaked"
        " is revoked here at once."
    )
    actions = ("revoke",)
    list_display = (
        "name", "organization", "hint", "created_by", "created_at", "expires_at", "revoked_at",
        "last_used_at",
    )  # fmt: skip
    list_filter = (
        ("revoked_at", admin.EmptyFieldListFilter), "expires_at", "last_used_at",
    )  # fmt: skip
    list_select_related = ("organization",)
    search_fields = ("name", "hint", "organization__name", "organization__slug", "created_by")
    ordering = ("-id",)
    fields = (
        "name", "organization", "hint", "scopes", "networks", "created_by", "created_at",
        "expires_at", "revoked_at", "last_used_at", "last_used_address",
    )  # fmt: skip

    def link(self, record: ApiKey | None) -> Link | None:
        return (
            organization_page(record.organization_id) if record and record.organization_id else None
        )

    @admin.action(description="Revoke: it opens nothing from the next request")
    def revoke(self, request: HttpRequest, keys: QuerySet[Any]) -> HttpResponse | None:
        if not is_confirmed(request):
            text = "Nothing was revoked yet: confirm that it is you, then repeat."
            self.message_user(request, text)
            return redirect_to_login(request.get_full_path(), reverse("accounts:confirm"))
        for key in keys:
            try:
                revoke_key(key)
            except AccountError as error:
                self.message_user(request, f"{key}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{key} was revoked.", messages.SUCCESS)
        return None


@admin.register(TokenFamily, site=site)
class TokenFamilyAdmin(ReadOnlyAdmin):
    """Never what its tokens are checked against."""

    has_history = False
    note = (
        "Programs signed in with a person's password. Theirs end with a new password, with their"
        " membership, and when the person is shut out."
    )
    list_display = ("user", "organization", "is_verified", "address", "created_at", "ends_at")
    list_filter = ("is_verified", "created_at", "ends_at")
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "user__name", "organization__name", "organization__slug")
    ordering = ("-id",)
    fields = list_display
