from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from operations.admin.base import Link, ReadOnlyAdmin, organization_page
from operations.admin_site import site
from tenants.models import Domain, Organization, WebhookEndpoint


@admin.register(Organization, site=site)
class OrganizationAdmin(ReadOnlyAdmin):
    note = "An organization is looked into, suspended and resumed on its own page."
    list_display = ("name", "slug", "status", "members", "schema_name", "is_demo", "created_at")
    list_filter = ("status", "is_demo")
    search_fields = ("name", "slug", "schema_name")
    date_hierarchy = "created_at"
    fields = (
        "name", "slug", "status", "suspended_reason", "schema_name", "time_zone", "currency",
        "is_demo", "migration_fingerprint", "created_at", "deleted_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        records: QuerySet[Any] = (
            super().get_queryset(request).annotate(member_count=Count("memberships"))
        )
        return records

    @admin.display(ordering="member_count")
    def members(self, organization: Any) -> int:
        return int(organization.member_count)

    def link(self, record: Organization | None) -> Link | None:
        if record is None:
            return Link("Open the list", reverse("operations:organization_list"))
        return organization_page(record.pk)


@admin.register(Domain, site=site)
class DomainAdmin(ReadOnlyAdmin):
    note = "Host names of an organization's own. Those below the product's follow from short names."
    list_display = ("domain", "tenant", "is_primary", "verified_at")
    list_filter = ("is_primary", ("verified_at", admin.EmptyFieldListFilter))
    list_select_related = ("tenant",)
    search_fields = ("domain", "tenant__name", "tenant__slug")
    ordering = ("domain",)
    fields = ("domain", "tenant", "is_primary", "verified_at")

    def link(self, record: Domain | None) -> Link | None:
        return organization_page(record.tenant_id) if record else None


@admin.register(WebhookEndpoint, site=site)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Never its token, and so never its URL."""

    note = "The URL to paste into Retell stands on the organization's page."
    list_display = ("id", "organization", "created_at", "expires_at")
    list_filter = (("expires_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "organization__slug")
    ordering = ("-id",)
    fields = ("id", "organization", "created_at", "expires_at")

    def link(self, record: WebhookEndpoint | None) -> Link | None:
        return organization_page(record.organization_id) if record else None
