from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import AccessPolicy, ActingInside, KnownDevice, Session
from operations.admin.base import Link, ReadOnlyAdmin, organization_page
from operations.admin_site import site


@admin.register(Session, site=site)
class SessionAdmin(ReadOnlyAdmin):
    """Named by `id`: the primary key is what a browser's cookie holds."""

    has_history = False
    note = (
        "People end their own sessions on their page Sessions; a deactivated person's end at once."
    )
    key_name = "id"
    list_display = (
        "user", "organization", "limits", "device", "address", "signed_in_at", "last_seen_at",
        "is_over",
    )  # fmt: skip
    list_filter = ("limits", "signed_in_at", "last_seen_at")
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "user__name", "organization__name", "address")
    sortable_by = ()
    ordering = ("-expire_date",)
    fields = (
        "user", "organization", "limits", "device", "address", "signed_in_at", "last_seen_at",
        "expire_date", "is_over",
    )  # fmt: skip

    @admin.display(boolean=True, description="Over")
    def is_over(self, session: Session) -> bool:
        now = timezone.now()
        return session.expire_date <= now or session.has_ended(now)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Model | None:
        found: Model | None = super().get_object(request, object_id, "id")
        return found


@admin.register(KnownDevice, site=site)
class KnownDeviceAdmin(ReadOnlyAdmin):
    has_history = False
    note = "Browsers somebody signed in from before. A sign-in from another one is told by mail."
    list_display = ("id", "user", "last_used_at")
    list_filter = ("last_used_at",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name")
    ordering = ("-id",)
    fields = ("user", "last_used_at")


@admin.register(AccessPolicy, site=site)
class AccessPolicyAdmin(ReadOnlyAdmin):
    note = "Admins decide this on their organization's page Access. Without a record: no to all."
    list_display = (
        "organization", "requires_second_factor", "viewers_see_personal_data",
        "viewers_export_personal_data", "act_as_needs_consent",
    )  # fmt: skip
    list_filter = list_display[1:]
    list_select_related = ("organization",)
    search_fields = ("organization__name", "organization__slug")
    ordering = ("organization_id",)
    fields = list_display

    def link(self, record: AccessPolicy | None) -> Link | None:
        return organization_page(record.organization_id) if record else None


@admin.register(ActingInside, site=site)
class VisitAdmin(ReadOnlyAdmin):
    note = "Operators ask for a visit, and enter, on the organization's page."
    list_display = (
        "user_label", "organization", "state", "reason", "requested_at", "consented_by",
        "started_at", "ended_at",
    )  # fmt: skip
    list_filter = ("requested_at", ("started_at", admin.EmptyFieldListFilter))
    list_select_related = ("organization",)
    search_fields = ("user_label", "organization__name", "organization__slug", "reason")
    date_hierarchy = "requested_at"
    ordering = ("-id",)
    fields = (
        "user", "user_label", "organization", "reason", "state", "requested_at", "consented_at",
        "consented_by", "refused_at", "started_at", "ends_at", "ended_at",
    )  # fmt: skip

    def state(self, visit: Any) -> str:
        return str(visit.state.label)

    def link(self, record: ActingInside | None) -> Link | None:
        return organization_page(record.organization_id) if record else None
